#[kitfox::error]
enum TextsError {
    #[code(OutOfRange)]
    TooLong(u32, u32),
    #[code(OutOfRange)]
    Too_Long,
    #[code(OutOfRange)]
    Numbered = 7,
    #[code(OutOfRange, reason = "TOO_LONG")]
    Other,
    #[code(Internal)]
    Disk {
        #[source]
        cause: std::io::Error,
    },
    #[call]
    Call(kitfox::Error),
}

fn main() {}
