#[kitfox::error]
enum TextsError {
    Missing,
    #[code]
    Nameless,
    #[code()]
    Empty,
    #[code(Invalid)]
    Unknown,
    #[code = "NotFound"]
    Equal,
    #[code("NotFound")]
    Quoted,
    #[code(404)]
    Number,
    #[code(NotFound)]
    #[code(Internal)]
    Twice,
    #[call]
    Call(kitfox::Error),
}

fn main() {}
