#[kitfox::message]
pub struct Numbers {
    #[field(0)]
    pub zero: i32,
    #[field(-1)]
    pub negative: i32,
    #[field(19000)]
    pub reserved: i32,
    #[field(number = 536870912)]
    pub large: i32,
    #[field(99999999999)]
    pub larger: i32,
    #[field("5")]
    pub text: i32,
    #[field(1.5)]
    pub fraction: i32,
}

#[kitfox::message]
pub struct Same {
    #[field(2)]
    pub first: i32,
    pub second: i32,
}

#[kitfox::message]
pub struct SameName {
    pub word_count: i32,
    #[field(name = "word_count")]
    pub words: i32,
    #[field(json = "wordCount")]
    pub others: i32,
}

fn main() {}
