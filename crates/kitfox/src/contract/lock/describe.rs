//! A service as the lock has it.

use kitfox_core::contract::{Contract, Idempotency, Method};
use kitfox_core::error::{ErrorSchema, ErrorVariant};
use kitfox_core::message::{
    EnumSchema, FieldSchema, Kind as Holds, Label, MessageSchema, OneofSchema, Reserved,
};

use super::section::{Block, Kind, Line, Section};
use crate::contract::error::ContractError;
use crate::contract::files::{Files, Schema};
use crate::contract::names::json_name;

/// What the lock has of this service.
pub(crate) fn describe(contract: &'static Contract) -> Result<Section, ContractError> {
    let files = Files::of(&[contract])?;
    let package = contract.package;
    let mut blocks: Vec<_> = contract.methods.iter().map(|of| method(package, of)).collect();
    for of in contract.methods {
        errors(package, of.errors, &mut blocks);
    }
    for file in files.own() {
        for of in &file.types {
            let name = of.name.clone();
            blocks.push(match of.schema {
                Schema::Message(schema) => message(&of.package, name, schema),
                Schema::Enum(schema) => enumeration(name, schema),
            });
        }
    }
    blocks.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    Ok(Section { service: format!("{package}.{}", contract.name), blocks })
}

fn method(package: &str, method: &'static Method) -> Block {
    let side = |word: &str, streams: bool, message: &'static MessageSchema| {
        let (_, name) = Schema::Message(message).resolve(package);
        let stream = streams.then(|| "stream".to_owned());
        Line::new([Some(word.to_owned()), stream, Some(name)].into_iter().flatten())
    };
    let mut lines = vec![
        side("takes", method.shape.streams_in(), (method.input)()),
        side("gives", method.shape.streams_out(), (method.output)()),
    ];
    if !method.errors.variants.is_empty() {
        lines.push(Line::new(["fails", method.errors.domain]));
    }
    match method.idempotency {
        Idempotency::None => {}
        Idempotency::Keyed => lines.push(Line::new(["idempotency_key"])),
        Idempotency::Idempotent => lines.push(Line::new(["idempotent"])),
        Idempotency::Safe => lines.push(Line::new(["safe"])),
    }
    let routes = method.routes.iter();
    lines.extend(routes.map(|route| Line::new(["route", route.verb.name(), route.template])));
    Block { kind: Kind::Method, name: method.name.to_owned(), lines }
}

/// Errors of one domain are one block, whichever methods have them.
fn errors(package: &str, schema: &'static ErrorSchema, blocks: &mut Vec<Block>) {
    if schema.variants.is_empty() {
        return;
    }
    let known =
        blocks.iter().position(|block| block.kind == Kind::Errors && block.name == schema.domain);
    let index = known.unwrap_or_else(|| {
        let name = schema.domain.to_owned();
        blocks.push(Block { kind: Kind::Errors, name, lines: Vec::new() });
        blocks.len() - 1
    });
    let lines = &mut blocks[index].lines;
    for variant in schema.variants {
        let line = error(package, variant);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.sort_by(|one, other| one.0.cmp(&other.0));
}

fn error(package: &str, variant: &ErrorVariant) -> Line {
    let mut words = vec![variant.reason.to_owned(), variant.code.name().to_owned()];
    words.extend(variant.detail.map(|detail| Schema::Message(detail()).resolve(package).1));
    Line(words)
}

fn message(package: &str, name: String, schema: &'static MessageSchema) -> Block {
    let mut fields: Vec<_> = schema.fields().collect();
    fields.sort_by_key(|(field, _)| field.number);
    let fields = fields.into_iter().map(|(of, oneof)| field(package, of, oneof));
    let lines = fields.chain(reserved(&schema.reserved)).collect();
    Block { kind: Kind::Message, name, lines }
}

fn field(package: &str, field: &FieldSchema, oneof: Option<&OneofSchema>) -> Line {
    let mut words = vec![field.number.to_string(), field.name.to_owned()];
    words.extend(match (field.label, oneof) {
        (Label::Repeated, _) => Some("repeated".to_owned()),
        (Label::Optional, None) => Some("optional".to_owned()),
        (Label::Optional | Label::Implicit | Label::Map, _) => None,
    });
    words.push(holds(package, &field.kind));
    if let Some(oneof) = oneof {
        words.extend(["oneof".to_owned(), oneof.name.to_owned()]);
    }
    if field.json_name != json_name(field.name) {
        words.extend(["json".to_owned(), field.json_name.to_owned()]);
    }
    Line(words)
}

fn holds(package: &str, kind: &Holds) -> String {
    match kind {
        Holds::Scalar(scalar) => scalar.name().to_owned(),
        Holds::Map { key, value } => format!("map<{},{}>", key.name(), holds(package, value)),
        Holds::Enum(_) | Holds::Message(_) => {
            Schema::of(kind).expect("it is no scalar").resolve(package).1
        }
    }
}

fn enumeration(name: String, schema: &'static EnumSchema) -> Block {
    let mut values: Vec<_> = schema.values.iter().collect();
    values.sort_by_key(|value| value.number);
    let values = values
        .into_iter()
        .map(|value| Line::new([value.number.to_string(), value.name.to_owned()]));
    let lines = values.chain(reserved(&schema.reserved)).collect();
    Block { kind: Kind::Enum, name, lines }
}

fn reserved(reserved: &Reserved) -> impl Iterator<Item = Line> {
    let numbers = reserved.numbers.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}..={last}"),
    });
    let names = reserved.names.iter().map(|name| (*name).to_owned());
    numbers.chain(names).map(|what| Line::new(["reserved".to_owned(), what]))
}
