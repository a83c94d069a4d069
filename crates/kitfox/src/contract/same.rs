//! Whether two schemas are the same on every wire.

use kitfox_core::message::{FieldSchema, Kind, OneofSchema};

use super::files::Schema;

/// Whether two types of one name are one type to peers. A type that is compiled twice has two
/// schemas.
pub(crate) fn same(one: Schema, other: Schema) -> bool {
    match (one, other) {
        (Schema::Message(one), Schema::Message(other)) => {
            std::ptr::eq(one, other)
                || one.fields().map(described).eq(other.fields().map(described))
        }
        (Schema::Enum(one), Schema::Enum(other)) => {
            let numbers = |of: &'static [kitfox_core::message::EnumValue]| {
                of.iter().map(|value| (value.name, value.number))
            };
            std::ptr::eq(one, other) || numbers(one.values).eq(numbers(other.values))
        }
        _ => false,
    }
}

fn described(
    (field, oneof): (&'static FieldSchema, Option<&'static OneofSchema>),
) -> impl PartialEq {
    let oneof = oneof.map(|oneof| oneof.name);
    (field.name, field.json_name, field.number, field.label, kind(&field.kind), oneof)
}

fn kind(of: &Kind) -> String {
    match of {
        Kind::Scalar(scalar) => scalar.name().to_owned(),
        Kind::Enum(schema) => format!("enum {}", schema().name),
        Kind::Message(schema) => format!("message {}", schema().name),
        Kind::Map { key, value } => format!("map<{}, {}>", key.name(), kind(value)),
    }
}
