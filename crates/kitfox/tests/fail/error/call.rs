#[kitfox::error]
enum Missing {
    #[code(NotFound)]
    Unknown,
}

#[kitfox::error]
enum Two {
    #[call]
    Call(kitfox::Error),
    #[call]
    Other(kitfox::Error),
}

#[kitfox::error]
enum Unit {
    #[call]
    Call,
}

#[kitfox::error]
enum Fields {
    #[call]
    Call { error: kitfox::Error, what: String },
}

#[kitfox::error]
enum Both {
    #[call]
    #[code(Internal)]
    Call(kitfox::Error),
}

#[kitfox::error]
enum Options {
    #[call(retry)]
    Call(kitfox::Error),
}

#[kitfox::error]
enum Empty {}

fn main() {}
