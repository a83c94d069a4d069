use std::collections::HashMap;

#[kitfox::message]
pub struct Fields {
    pub size: usize,
    pub byte: u8,
    pub short: i16,
    pub letter: char,
    pub text: &'static str,
    pub lists: Vec<Vec<i32>>,
    pub pair: (i32, i32),
    pub maybe_list: Option<Vec<i32>>,
    pub foreign: std::time::Duration,
    pub map_of_lists: HashMap<String, Vec<i32>>,
}

fn main() {}
