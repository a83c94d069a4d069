#[kitfox::message]
pub enum Shape {
    #[field(3)]
    Circle(f64),
    #[field(4)]
    Square(f64),
}

#[kitfox::message]
pub struct SameNumber {
    #[field(4)]
    pub x: i32,
    #[oneof]
    pub shape: Option<Shape>,
}

#[kitfox::message]
pub struct SameName {
    pub circle: i32,
    #[oneof]
    pub shape: Option<Shape>,
}

fn main() {}
