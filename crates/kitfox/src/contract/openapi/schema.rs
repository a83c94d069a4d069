//! Messages, enums and what they hold as JSON Schema: the JSON of proto3.

use kitfox_core::message::{EnumSchema, FieldSchema, Kind, Label, Member, MessageSchema, Scalar};
use serde_json::{Map, Value, json};

use super::names::Names;
use crate::contract::files::{Schema, Type};

/// The schema of a type of its own.
pub(super) fn component(names: &Names, of: &Type) -> Value {
    let package = &of.package;
    let mut schema = match of.schema {
        Schema::Message(message) => object(names, package, message, &[]),
        Schema::Enum(of) => choice(of),
    };
    let (docs, deprecated) = match of.schema {
        Schema::Message(message) => (message.docs.to_owned(), message.deprecated),
        Schema::Enum(of) => (docs_of(of), of.deprecated),
    };
    describe(&mut schema, &docs, deprecated);
    schema
}

/// The object that a message is, without the fields named in `left_out`.
pub(super) fn object(
    names: &Names,
    package: &str,
    message: &'static MessageSchema,
    left_out: &[&str],
) -> Value {
    let there = |field: &FieldSchema| !left_out.contains(&field.json_name);
    let fields = message.fields().map(|(field, _)| field).filter(|field| there(field));
    let properties: Map<_, _> =
        fields.map(|field| (field.json_name.to_owned(), property(names, package, field))).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    let mut pairs = Vec::new();
    for member in message.members {
        let Member::Oneof(oneof) = member else { continue };
        let group: Vec<_> = oneof.fields.iter().filter(|field| there(field)).collect();
        for (index, first) in group.iter().enumerate() {
            let others = group[index + 1..].iter();
            pairs.extend(others.map(|second| json!([first.json_name, second.json_name])));
        }
    }
    if !pairs.is_empty() {
        let both: Vec<_> = pairs.iter().map(|pair| json!({ "required": pair })).collect();
        schema["not"] = json!({ "anyOf": both });
    }
    schema
}

fn property(names: &Names, package: &str, field: &FieldSchema) -> Value {
    let mut schema = field_schema(names, package, field);
    describe(&mut schema, field.docs, field.deprecated);
    schema
}

/// What a field holds, lists and maps included.
pub(super) fn field_schema(names: &Names, package: &str, field: &FieldSchema) -> Value {
    let schema = kind(names, package, &field.kind);
    match field.label {
        Label::Repeated => json!({ "type": "array", "items": schema }),
        Label::Implicit | Label::Optional | Label::Map => schema,
    }
}

pub(super) fn kind(names: &Names, package: &str, of: &Kind) -> Value {
    match of {
        Kind::Scalar(of) => scalar(*of),
        Kind::Map { value, .. } => {
            json!({ "type": "object", "additionalProperties": kind(names, package, value) })
        }
        Kind::Message(message) => self::message(names, package, message()),
        Kind::Enum(of) => {
            let (_, name) = Schema::Enum(of()).resolve(package);
            reference(names, &name).unwrap_or_else(|| json!({ "type": "null" }))
        }
    }
}

/// A message, by its name or, where it is Google's, in the form that it has in JSON.
pub(super) fn message(names: &Names, package: &str, of: &'static MessageSchema) -> Value {
    let (_, name) = Schema::Message(of).resolve(package);
    reference(names, &name).unwrap_or_else(|| googles(names, of))
}

fn reference(names: &Names, full: &str) -> Option<Value> {
    let component = names.component(full)?;
    Some(json!({ "$ref": format!("#/components/schemas/{component}") }))
}

fn googles(names: &Names, of: &'static MessageSchema) -> Value {
    match of.name.strip_prefix("google.protobuf.").unwrap_or(of.name) {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$",
            "examples": ["1.5s"],
        }),
        "Any" => json!({
            "type": "object",
            "properties": { "@type": { "type": "string" } },
            "additionalProperties": true,
        }),
        "Struct" => json!({ "type": "object", "additionalProperties": true }),
        "ListValue" => json!({ "type": "array", "items": {} }),
        "Value" => json!({}),
        wrapper if wrapper.ends_with("Value") => match of.field_by_number(1) {
            Some(value) => kind(names, of.package, &value.kind),
            None => json!({}),
        },
        // Of `google.rpc`.
        _ => object(names, of.package, of, &[]),
    }
}

fn scalar(of: Scalar) -> Value {
    match of {
        Scalar::Double => json!({ "type": "number", "format": "double" }),
        Scalar::Float => json!({ "type": "number", "format": "float" }),
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => {
            json!({ "type": "integer", "format": "int32" })
        }
        Scalar::Uint32 | Scalar::Fixed32 => {
            json!({ "type": "integer", "format": "uint32", "minimum": 0 })
        }
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => {
            json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" })
        }
        Scalar::Uint64 | Scalar::Fixed64 => {
            json!({ "type": "string", "format": "uint64", "pattern": "^[0-9]+$" })
        }
        Scalar::Bool => json!({ "type": "boolean" }),
        Scalar::String => json!({ "type": "string" }),
        Scalar::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
    }
}

fn choice(of: &EnumSchema) -> Value {
    let names: Vec<_> = of.values.iter().map(|value| value.name).collect();
    json!({ "type": "string", "enum": names })
}

/// JSON Schema has no place for the docs of one value.
fn docs_of(of: &EnumSchema) -> String {
    let mut docs = of.docs.to_owned();
    let said = of.values.iter().filter(|value| value.deprecated || !value.docs.is_empty());
    for (index, value) in said.enumerate() {
        if index == 0 && !docs.is_empty() {
            docs.push('\n');
        }
        let about = value.docs.replace('\n', " ");
        let deprecated = if value.deprecated { " (deprecated)" } else { "" };
        let colon = if about.is_empty() { "" } else { ": " };
        docs.push_str(&format!("\n- `{}`{deprecated}{colon}{about}", value.name));
    }
    docs.trim_start().to_owned()
}

/// Adds what is for people.
pub(super) fn describe(schema: &mut Value, docs: &str, deprecated: bool) {
    if !docs.is_empty() {
        schema["description"] = docs.into();
    }
    if deprecated {
        schema["deprecated"] = true.into();
    }
}
