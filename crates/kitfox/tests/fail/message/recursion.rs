#[kitfox::message]
pub struct Tree {
    pub left: Box<Tree>,
}

fn main() {}
