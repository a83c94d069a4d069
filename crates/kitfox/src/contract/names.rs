//! Names that protobuf makes of others.

use kitfox_core::message::{MessageSchema, OneofSchema};

/// The name in JSON of a field that is given none: `word_count` is `wordCount`.
pub(crate) fn json_name(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter if std::mem::take(&mut upper) => json.push(letter.to_ascii_uppercase()),
            letter => json.push(letter),
        }
    }
    json
}

/// The name of a oneof, which is on no wire and must not be that of a field beside it.
pub(crate) fn oneof_name(message: &'static MessageSchema, oneof: &OneofSchema) -> String {
    let mut name = oneof.name.to_owned();
    while message.fields().any(|(field, _)| field.name == name) {
        name.push_str("_kind");
    }
    name
}
