#[kitfox::error(domain = "texts v1")]
enum Spaced {
    #[call]
    Call(kitfox::Error),
}

#[kitfox::error(package = "texts.v1")]
enum Unknown {
    #[call]
    Call(kitfox::Error),
}

#[kitfox::error(domain)]
enum Bare {
    #[call]
    Call(kitfox::Error),
}

fn main() {}
