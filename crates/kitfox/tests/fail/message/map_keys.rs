use std::collections::HashMap;

#[kitfox::message]
#[derive(Eq, Hash)]
pub struct Key {
    pub id: u64,
}

#[kitfox::message]
pub struct Maps {
    pub by_float: HashMap<f64, String>,
    pub by_message: HashMap<Key, String>,
    #[field(key = sint)]
    pub by_text: HashMap<String, String>,
}

fn main() {}
