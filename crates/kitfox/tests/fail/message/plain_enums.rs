#[kitfox::message]
pub enum NoCatchAll {
    Red,
    Green,
}

#[kitfox::message]
pub enum First {
    One = 1,
    #[unknown]
    Unknown(i32),
}

#[kitfox::message]
pub enum Twice {
    Red,
    Green = 5,
    Blue = 5,
    #[unknown]
    Unknown(i32),
}

#[kitfox::message]
pub enum NotI32 {
    Red,
    #[unknown]
    Unknown(u64),
}

#[kitfox::message]
pub enum Bare {
    Red,
    #[unknown]
    Unknown,
}

#[kitfox::message]
pub enum TwoCatchAlls {
    Red,
    #[unknown]
    Unknown(i32),
    #[unknown]
    Other(i32),
}

#[kitfox::message]
pub enum Mixed {
    Red,
    Rgb(u32),
    #[unknown]
    Unknown(i32),
}

const FIVE: isize = 5;

#[kitfox::message]
pub enum Computed {
    Red,
    Green = FIVE,
    #[unknown]
    Unknown(i32),
}

#[kitfox::message]
pub enum Names {
    Red,
    #[value(name = "NAMES_RED")]
    Green,
    #[value(nme = "BLUE")]
    Blue,
    #[unknown]
    Unknown(i32),
}

#[kitfox::message]
pub enum Empty {}

fn main() {}
