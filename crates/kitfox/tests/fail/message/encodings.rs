#[kitfox::message]
pub struct Encodings {
    #[field(sint)]
    pub unsigned: u32,
    #[field(fixed)]
    pub text: String,
    #[field(key = sint)]
    pub no_map: i32,
}

fn main() {}
