#[kitfox::error]
enum TextsError {
    #[call]
    Call(String),
}

fn main() {}
