//! Messages and enums.

use kitfox_core::message::{EnumSchema, FieldSchema, Kind, Label, Member, MessageSchema, Reserved};

use super::reference::reference;
use super::{Text, comment};
use crate::contract::files::{File, Files, Schema};
use crate::contract::names::{json_name, oneof_name};
use crate::contract::tree::Node;

pub(super) fn write(files: &Files, file: &File, node: &Node<'_>, out: &mut Text) {
    match node.of.map(|of| (of.schema, &*of.name)) {
        Some((Schema::Enum(of), _)) => write_enum(of, node.name, out),
        Some((Schema::Message(message), name)) => {
            comment::write(message.docs, out);
            let writer = Writer { files, file, scope: name };
            out.block(&format!("message {}", node.name), |out| writer.inside(message, node, out));
        }
        None => out.block(&format!("message {}", node.name), |out| {
            for inner in &node.inner {
                out.blank();
                write(files, file, inner, out);
            }
        }),
    }
}

/// Writes what is in one message.
struct Writer<'a> {
    files: &'a Files,
    file: &'a File,
    /// The full name of the message.
    scope: &'a str,
}

impl Writer<'_> {
    fn inside(&self, message: &'static MessageSchema, node: &Node<'_>, out: &mut Text) {
        if message.deprecated {
            out.line("option deprecated = true;");
        }
        reserved(&message.reserved, out);
        for inner in &node.inner {
            out.blank();
            write(self.files, self.file, inner, out);
        }
        if !node.inner.is_empty() {
            out.blank();
        }
        for member in message.members {
            match member {
                Member::Field(field) => self.field(field, label(field), out),
                Member::Oneof(oneof) => {
                    comment::write(oneof.docs, out);
                    out.block(&format!("oneof {}", oneof_name(message, oneof)), |out| {
                        oneof.fields.iter().for_each(|field| self.field(field, "", out));
                    });
                }
            }
        }
    }

    fn field(&self, field: &FieldSchema, label: &str, out: &mut Text) {
        comment::write(field.docs, out);
        let mut options = Vec::new();
        if field.deprecated {
            options.push("deprecated = true".to_owned());
        }
        if field.json_name != json_name(field.name) {
            options.push(format!("json_name = \"{}\"", field.json_name));
        }
        let options = match options.is_empty() {
            true => String::new(),
            false => format!(" [{}]", options.join(", ")),
        };
        let (kind, name, number) = (self.kind(&field.kind), field.name, field.number);
        out.line(&format!("{label}{kind} {name} = {number}{options};"));
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Scalar(scalar) => scalar.name().to_owned(),
            Kind::Map { key, value } => format!("map<{}, {}>", key.name(), self.kind(value)),
            Kind::Enum(_) | Kind::Message(_) => {
                let schema = Schema::of(kind).expect("it is no scalar");
                let (_, name) = schema.resolve(&self.file.package);
                reference(self.files, self.file, self.scope, &name)
            }
        }
    }
}

fn label(field: &FieldSchema) -> &'static str {
    match (field.label, field.kind) {
        (Label::Repeated, _) => "repeated ",
        (Label::Optional, Kind::Scalar(_) | Kind::Enum(_)) => "optional ",
        // A message is optional by itself.
        (Label::Optional | Label::Implicit | Label::Map, _) => "",
    }
}

fn write_enum(of: &EnumSchema, name: &str, out: &mut Text) {
    comment::write(of.docs, out);
    out.block(&format!("enum {name}"), |out| {
        if of.deprecated {
            out.line("option deprecated = true;");
        }
        reserved(&of.reserved, out);
        for value in of.values {
            comment::write(value.docs, out);
            let options = if value.deprecated { " [deprecated = true]" } else { "" };
            out.line(&format!("{} = {}{options};", value.name, value.number));
        }
    });
}

fn reserved(reserved: &Reserved, out: &mut Text) {
    let range = |(first, last): &(i32, i32)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let numbers: Vec<_> = reserved.numbers.iter().map(range).collect();
    let names: Vec<_> = reserved.names.iter().map(|name| format!("\"{name}\"")).collect();
    for list in [numbers, names] {
        if !list.is_empty() {
            out.line(&format!("reserved {};", list.join(", ")));
        }
    }
}
