#[kitfox::message(pakage = "a.v1")]
pub struct Misspelt {}

#[kitfox::message(package = "a..v1")]
pub struct Dots {}

#[kitfox::message(package = "a", package = "b")]
pub struct Twice {}

#[kitfox::message(name = "not a name")]
pub struct Name {}

#[kitfox::message]
pub struct Fields {
    #[field(zigzag)]
    pub unknown: i32,
    #[field(sint, fixed)]
    pub both: i32,
    #[field(name = "a-b")]
    pub name: i32,
    #[field(json = "a\"b")]
    pub json: i32,
    #[field]
    pub nothing: i32,
    #[field(key = plain)]
    pub key: i32,
    #[field(5, number = 6)]
    pub two: i32,
    #[unknown]
    pub catch_all: i32,
}

fn main() {}
