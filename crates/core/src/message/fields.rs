//! A message as its fields, for the loops that are the same for all messages.
//!
//! The macro writes, for each message, what depends on its types: which field a number or a
//! position means. Going through tags, names and nesting is done here, once for all messages.

use super::fault::Fault;
use super::json::{JsonReader, Key};
use super::schema::{Member, MessageSchema, Position};
use super::wire::{self, Reader, WireType};

/// What the macro writes for a message.
pub trait Fields {
    /// The schema of the message.
    fn fields_schema(&self) -> &'static MessageSchema;
    /// Whether nothing would be written.
    fn is_blank(&self) -> bool;
    /// Writes all fields.
    fn write_fields(&self, out: &mut Vec<u8>);
    /// Reads one field, or skips it where its number is unknown.
    fn read_field(
        &mut self,
        number: u32,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Fault>;
    /// Writes all fields as members of the JSON object that is open.
    fn write_json_fields(&self, out: &mut Vec<u8>) -> Result<(), Fault>;
    /// Reads the value of one field.
    fn read_json_field(
        &mut self,
        position: Position,
        json: &mut JsonReader<'_>,
    ) -> Result<(), Fault>;
    /// Sets one field, or what `path` leads to within it, from text.
    fn bind_field(&mut self, position: Position, path: &str, text: &str) -> Result<(), Fault>;
}

/// Writes a message that lies in another one.
#[inline]
pub fn write_nested<M: Fields>(message: &M, out: &mut Vec<u8>) {
    let start = wire::begin_nested(out);
    message.write_fields(out);
    wire::end_nested(start, out);
}

/// Reads a message that lies in another one, on top of what is there.
pub fn read_nested(message: &mut dyn Fields, reader: &mut Reader<'_>) -> Result<(), Fault> {
    read_fields(message, &mut reader.nested()?)
}

/// Reads a message up to the end of the reader, on top of what is there.
pub fn read_fields(message: &mut dyn Fields, reader: &mut Reader<'_>) -> Result<(), Fault> {
    while !reader.is_empty() {
        let (number, wire) = reader.tag()?;
        message
            .read_field(number, wire, reader)
            .map_err(|fault| at_number(fault, message.fields_schema(), number))?;
    }
    Ok(())
}

#[cold]
fn at_number(fault: Fault, schema: &MessageSchema, number: u32) -> Fault {
    match schema.field_by_number(number) {
        Some(field) => fault.at(field.name),
        None => fault,
    }
}

/// Writes a message as a JSON object.
#[inline]
pub fn write_json<M: Fields>(message: &M, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.push(b'{');
    message.write_json_fields(out)?;
    out.push(b'}');
    Ok(())
}

/// Reads a message from a JSON object. Members that the message does not have are passed over.
pub fn read_json(message: &mut dyn Fields, json: &mut JsonReader<'_>) -> Result<(), Fault> {
    let schema = message.fields_schema();
    let mut seen = Seen::default();
    let mut expected = 0;
    json.open_object()?;
    loop {
        let guess = match schema.members.get(expected) {
            Some(Member::Field(field)) => Some(field.json_name),
            _ => None,
        };
        let position = match json.next_key_or(guess)? {
            None => return Ok(()),
            Some(Key::Guessed) => Position { member: expected, variant: 0 },
            Some(Key::Other(key)) => match schema.position(&key, expected) {
                Some(position) => position,
                None => {
                    json.skip()?;
                    continue;
                }
            },
        };
        let field = schema.field_at(position);
        if !field.takes_null && json.null()? {
            continue;
        }
        if !seen.insert(position.member) {
            return Err(set_twice(schema, position));
        }
        message.read_json_field(position, json).map_err(|fault| fault.at(field.json_name))?;
        expected = position.member + 1;
    }
}

#[cold]
fn set_twice(schema: &MessageSchema, position: Position) -> Fault {
    let field = schema.field_at(position);
    let what = match schema.members[position.member] {
        Member::Field(_) => "the field is there twice".to_owned(),
        Member::Oneof(oneof) => {
            let names: Vec<_> = oneof.fields.iter().map(|field| field.json_name).collect();
            format!("only one of {} can be set", names.join(", "))
        }
    };
    Fault::new(what).at(field.json_name)
}

/// Sets what a dotted path leads to from text.
pub fn bind(message: &mut dyn Fields, path: &str, text: &str) -> Result<(), Fault> {
    let schema = message.fields_schema();
    if path.is_empty() {
        return Err(no_text(schema));
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(position) = schema.position(first, 0) else {
        return Err(Fault::unknown_field(schema, first));
    };
    message.bind_field(position, rest, text).map_err(|fault| fault.at(first))
}

/// A message is not written as one text.
#[cold]
pub fn no_text(schema: &MessageSchema) -> Fault {
    Fault::new(format!("{} is a message, set its fields: `….{}`", schema.name, {
        schema.fields().next().map_or("field", |(field, _)| field.name)
    }))
}

/// Which members of an object were there already.
#[derive(Default)]
struct Seen {
    first: u64,
    more: Vec<usize>,
}

impl Seen {
    fn insert(&mut self, member: usize) -> bool {
        if member < 64 {
            let bit = 1 << member;
            let fresh = self.first & bit == 0;
            self.first |= bit;
            return fresh;
        }
        let fresh = !self.more.contains(&member);
        if fresh {
            self.more.push(member);
        }
        fresh
    }
}
