#[kitfox::message]
pub enum Shape {
    Circle { radius: f64 },
    Line(f64, f64),
    #[field(3)]
    Square(f64),
    #[field(3)]
    Rectangle(f64),
    #[field(key = sint)]
    Map(i32),
    #[unset]
    Unset(i32),
}

#[kitfox::message]
pub enum Numbered {
    Circle(f64),
    #[unset]
    Unset,
    #[unset]
    Nothing,
}

#[kitfox::message]
pub enum Lists {
    Many(Vec<String>),
}

fn main() {}
