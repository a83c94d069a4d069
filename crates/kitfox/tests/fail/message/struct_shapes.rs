#[kitfox::message]
pub struct Tuple(i32, String);

#[kitfox::message]
pub struct Generic<T> {
    pub value: T,
}

#[kitfox::message]
pub struct Borrowed<'a> {
    pub text: &'a str,
}

#[kitfox::message]
pub struct Sized<const N: usize> {
    pub value: i32,
}

#[kitfox::message]
pub union Either {
    a: i32,
    b: u32,
}

#[kitfox::message]
pub fn function() {}

#[kitfox::message]
pub trait Trait {}

fn main() {}
