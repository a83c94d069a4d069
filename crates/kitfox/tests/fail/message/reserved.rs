#[kitfox::message(reserved(2, "note"))]
pub struct Taken {
    #[field(2)]
    pub number: i32,
    pub note: String,
}

#[kitfox::message(reserved(1..3))]
pub struct Open {}

#[kitfox::message(reserved)]
pub struct Nothing {}

#[kitfox::message(reserved(1, "COLOR_BLUE"))]
pub enum Color {
    Unspecified,
    Red = 1,
    Blue,
    #[unknown]
    Unknown(i32),
}

fn main() {}
