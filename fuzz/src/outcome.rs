//! What a target says of an input, as a number: the same for inputs that went the same way.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Of a text that says what happened, where numbers and quoted parts of the input do not count.
pub(crate) fn of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (at, part) in text.split(['`', '"']).enumerate() {
        if at % 2 == 0 {
            let plain: String = part.chars().filter(|char| !char.is_ascii_digit()).collect();
            plain.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Of several outcomes together.
pub(crate) fn both(one: u64, other: u64) -> u64 {
    one.rotate_left(17) ^ other
}
