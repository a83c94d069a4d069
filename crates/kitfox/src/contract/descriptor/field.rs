//! Fields, and the messages that the entries of maps are.

use kitfox_core::message::{FieldSchema, Kind, Label, Scalar};

use super::messages::{DescriptorProto, FieldDescriptorProto, FieldOptions, MessageOptions};
use crate::contract::files::Schema;

const OPTIONAL: i32 = 1;
const REPEATED: i32 = 3;
const MESSAGE: i32 = 11;
const ENUM: i32 = 14;

/// The descriptor of a field of the message called `message`, in this one of its oneofs; and the
/// message of its entries where it is a map.
pub(super) fn field(
    package: &str,
    message: &str,
    field: &FieldSchema,
    oneof: Option<i32>,
) -> (FieldDescriptorProto, Option<DescriptorProto>) {
    let is_many = matches!(field.label, Label::Repeated | Label::Map);
    let is_plain = matches!(field.kind, Kind::Scalar(_) | Kind::Enum(_));
    let mut made = FieldDescriptorProto {
        name: field.name.to_owned(),
        number: i32::try_from(field.number).unwrap_or(i32::MAX),
        label: if is_many { REPEATED } else { OPTIONAL },
        options: field.deprecated.then_some(FieldOptions { deprecated: true }),
        oneof_index: oneof,
        json_name: field.json_name.to_owned(),
        proto3_optional: field.label == Label::Optional && is_plain && oneof.is_none(),
        ..Default::default()
    };
    let Kind::Map { key, value } = field.kind else {
        (made.r#type, made.type_name) = kind(package, &field.kind);
        return (made, None);
    };
    let name = entry_name(field.name);
    (made.r#type, made.type_name) = (MESSAGE, format!(".{message}.{name}"));
    let side = |name: &str, number: i32, (r#type, type_name): (i32, String)| FieldDescriptorProto {
        name: name.to_owned(),
        number,
        label: OPTIONAL,
        r#type,
        type_name,
        json_name: name.to_owned(),
        ..Default::default()
    };
    let entry = DescriptorProto {
        name,
        field: vec![
            side("key", 1, kind(package, &Kind::Scalar(key))),
            side("value", 2, kind(package, value)),
        ],
        options: Some(MessageOptions { map_entry: true, ..Default::default() }),
        ..Default::default()
    };
    (made, Some(entry))
}

/// The number of a type, and its name where it has one.
fn kind(package: &str, of: &Kind) -> (i32, String) {
    let named = || {
        let schema = Schema::of(of).expect("it is no scalar");
        format!(".{}", schema.resolve(package).1)
    };
    match of {
        Kind::Scalar(of) => (scalar(*of), String::new()),
        Kind::Enum(_) => (ENUM, named()),
        Kind::Message(_) | Kind::Map { .. } => (MESSAGE, named()),
    }
}

/// `by_name` as `ByNameEntry`.
fn entry_name(field: &str) -> String {
    let words = field.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<String>() + "Entry"
}

fn scalar(of: Scalar) -> i32 {
    match of {
        Scalar::Double => 1,
        Scalar::Float => 2,
        Scalar::Int64 => 3,
        Scalar::Uint64 => 4,
        Scalar::Int32 => 5,
        Scalar::Fixed64 => 6,
        Scalar::Fixed32 => 7,
        Scalar::Bool => 8,
        Scalar::String => 9,
        Scalar::Bytes => 12,
        Scalar::Uint32 => 13,
        Scalar::Sfixed32 => 15,
        Scalar::Sfixed64 => 16,
        Scalar::Sint32 => 17,
        Scalar::Sint64 => 18,
    }
}
