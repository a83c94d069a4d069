#[kitfox::error]
enum TextsError {
    /// no longer than {maximum}
    #[code(OutOfRange)]
    TooLong { max: u32, word: String },
    /// no {thing}
    #[code(NotFound)]
    Unknown,
    /// an open { brace
    #[code(NotFound)]
    Open,
    /// {name}
    #[code(NotFound)]
    Tuple(String),
    #[call]
    Call(kitfox::Error),
}

fn main() {}
