#[kitfox::error]
enum TextsError {
    #[code(Unavailable, again)]
    Unknown,
    #[code(Unavailable, retry = "1s")]
    Valued,
    #[code(Unavailable, retry_after)]
    NoPause,
    #[code(Unavailable, retry_after = 1)]
    Number,
    #[code(Unavailable, retry_after = "soon")]
    NoUnit,
    #[code(Unavailable, retry, retry_after = "1s")]
    Both,
    #[code(Unavailable, reason = "too long")]
    Reason,
    #[call]
    Call(kitfox::Error),
}

fn main() {}
