//! Enums whose variants carry data: a group of fields of which at most one is set.

use super::fault::Fault;
use super::fields::{self, Fields};
use super::json::JsonReader;
use super::schema::{FieldSchema, Member, MessageSchema, Position};
use super::wire::{self, Reader, WireType};

/// What the macro writes for an enum whose variants carry data.
pub trait Oneof: Sized + Send + Sync + 'static {
    /// The variants as fields.
    const FIELDS: &'static [FieldSchema];
    /// The doc comment of the enum.
    const DOCS: &'static str;

    /// The variant that stands for none, where there is one.
    fn unset() -> Option<Self>;
    /// Writes the variant as a field, with its key.
    fn write_variant(&self, out: &mut Vec<u8>);
    /// Reads a field; false where its number is none of ours.
    fn read_variant(
        slot: &mut Option<Self>,
        number: u32,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<bool, Fault>;
    /// Writes the variant as a member of the JSON object that is open.
    fn write_json_variant(&self, out: &mut Vec<u8>) -> Result<(), Fault>;
    /// Reads the value of one variant.
    fn read_json_variant(
        slot: &mut Option<Self>,
        variant: usize,
        json: &mut JsonReader<'_>,
    ) -> Result<(), Fault>;
    /// Sets one variant, or what `path` leads to within it, from text.
    fn bind_variant(
        slot: &mut Option<Self>,
        variant: usize,
        path: &str,
        text: &str,
    ) -> Result<(), Fault>;
}

/// A field under `#[oneof]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field under `#[oneof]`",
    label = "expected an `Option` of an enum whose variants carry data",
    note = "write `#[oneof] pub shape: Option<Shape>`: none of the variants may be set",
    note = "for a struct or an enum without data leave `#[oneof]` out"
)]
pub trait OneofField: Sized {
    /// The enum in the `Option`.
    type Enum: Oneof;

    /// The enum, or none.
    fn slot(&self) -> &Option<Self::Enum>;
    /// The enum, or none.
    fn slot_mut(&mut self) -> &mut Option<Self::Enum>;
    /// The field before anything was read.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Oneof> OneofField for Option<T> {
    type Enum = T;

    fn slot(&self) -> &Option<T> {
        self
    }

    fn slot_mut(&mut self) -> &mut Option<T> {
        self
    }

    fn initial() -> Self {
        None
    }
}

/// An enum that is a message by itself: its only member is the oneof.
pub struct Standalone<T>(Option<T>, &'static MessageSchema);

impl<T: Oneof> Standalone<T> {
    fn variant(self) -> Result<T, Fault> {
        let schema = self.1;
        self.0.map_or_else(|| absent(schema), Ok)
    }
}

impl<T: Oneof> Fields for Standalone<T> {
    fn fields_schema(&self) -> &'static MessageSchema {
        self.1
    }

    fn is_blank(&self) -> bool {
        self.0.is_none()
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        if let Some(variant) = &self.0 {
            variant.write_variant(out);
        }
    }

    fn read_field(
        &mut self,
        number: u32,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        match T::read_variant(&mut self.0, number, wire, reader)? {
            true => Ok(()),
            false => reader.skip(number, wire),
        }
    }

    fn write_json_fields(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.0.as_ref().map_or(Ok(()), |variant| variant.write_json_variant(out))
    }

    fn read_json_field(
        &mut self,
        position: Position,
        json: &mut JsonReader<'_>,
    ) -> Result<(), Fault> {
        T::read_json_variant(&mut self.0, position.variant, json)
    }

    fn bind_field(&mut self, position: Position, path: &str, text: &str) -> Result<(), Fault> {
        T::bind_variant(&mut self.0, position.variant, path, text)
    }
}

/// The enum of a message in which no variant is set.
pub fn absent<T: Oneof>(schema: &'static MessageSchema) -> Result<T, Fault> {
    T::unset().ok_or_else(|| {
        let names: Vec<_> = T::FIELDS.iter().map(|field| field.json_name).collect();
        Fault::new(format!("{} needs one of {}", schema.name, names.join(", ")))
    })
}

/// Writes the enum as a message that lies in another one.
pub fn write_nested<T: Oneof>(variant: &T, out: &mut Vec<u8>) {
    let start = wire::begin_nested(out);
    variant.write_variant(out);
    wire::end_nested(start, out);
}

/// Reads the enum as a message that lies in another one, on top of what is there.
pub fn read_nested<T: Oneof>(
    before: Option<T>,
    schema: &'static MessageSchema,
    reader: &mut Reader<'_>,
) -> Result<T, Fault> {
    read(before, schema, &mut reader.nested()?)
}

/// Reads the enum as a message up to the end of the reader, on top of what is there.
pub fn read<T: Oneof>(
    before: Option<T>,
    schema: &'static MessageSchema,
    reader: &mut Reader<'_>,
) -> Result<T, Fault> {
    let mut message = Standalone(before, schema);
    fields::read_fields(&mut message, reader)?;
    message.variant()
}

/// Writes the enum as a JSON object.
pub fn write_json<T: Oneof>(variant: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.push(b'{');
    variant.write_json_variant(out)?;
    out.push(b'}');
    Ok(())
}

/// Reads the enum from a JSON object.
pub fn read_json<T: Oneof>(
    schema: &'static MessageSchema,
    json: &mut JsonReader<'_>,
) -> Result<T, Fault> {
    let mut message = Standalone(None, schema);
    fields::read_json(&mut message, json)?;
    message.variant()
}

/// Sets what a dotted path leads to from text.
pub fn bind<T: Oneof>(
    slot: &mut Option<T>,
    schema: &'static MessageSchema,
    path: &str,
    text: &str,
) -> Result<(), Fault> {
    let mut message = Standalone(slot.take(), schema);
    let bound = fields::bind(&mut message, path, text);
    *slot = message.0;
    bound
}

/// Whether a oneof and its message use a number twice. The macro looked at each by itself.
#[must_use]
pub const fn numbers_are_distinct(members: &[Member]) -> bool {
    !any_pair(members, true)
}

/// The same for names, of protobuf and of JSON.
#[must_use]
pub const fn names_are_distinct(members: &[Member]) -> bool {
    !any_pair(members, false)
}

const fn any_pair(members: &[Member], numbers: bool) -> bool {
    let mut member = 0;
    while member < members.len() {
        let mut other = member + 1;
        while other < members.len() {
            if share(&members[member], &members[other], numbers) {
                return true;
            }
            other += 1;
        }
        member += 1;
    }
    false
}

const fn share(left: &Member, right: &Member, numbers: bool) -> bool {
    let mut i = 0;
    while let Some(left) = nth(left, i) {
        let mut j = 0;
        while let Some(right) = nth(right, j) {
            let same = match numbers {
                true => left.number == right.number,
                false => equal(left.name, right.name) || equal(left.json_name, right.json_name),
            };
            if same {
                return true;
            }
            j += 1;
        }
        i += 1;
    }
    false
}

const fn nth(member: &Member, index: usize) -> Option<&FieldSchema> {
    match member {
        Member::Field(field) if index == 0 => Some(field),
        Member::Oneof(oneof) if index < oneof.fields.len() => Some(&oneof.fields[index]),
        _ => None,
    }
}

const fn equal(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
