#[kitfox::message]
pub enum Shape {
    #[field(3)]
    Circle(f64),
    #[field(4)]
    Square(f64),
}

#[kitfox::message]
pub struct Point {
    pub x: i32,
}

#[kitfox::message]
pub struct WithoutOption {
    #[oneof]
    pub shape: Shape,
}

#[kitfox::message]
pub struct OfStruct {
    #[oneof]
    pub point: Option<Point>,
}

#[kitfox::message]
pub struct Numbered {
    #[oneof]
    #[field(5)]
    pub shape: Option<Shape>,
}

#[kitfox::message]
pub struct Arguments {
    #[oneof(name = "x")]
    pub shape: Option<Shape>,
}

#[kitfox::message]
pub struct NoDefault {
    pub shape: Shape,
}

fn main() {}
