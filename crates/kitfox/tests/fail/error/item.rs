#[kitfox::error]
struct TextsError;

#[kitfox::error]
enum Generic<T> {
    #[code(NotFound)]
    Unknown(T),
    #[call]
    Call(kitfox::Error),
}

fn main() {}
