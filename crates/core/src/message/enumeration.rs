//! Enums whose variants are plain names. A number that has no name here survives.

use super::fault::Fault;
use super::json::{self, JsonReader};
use super::scalar::low_half;
use super::schema::EnumSchema;
use super::wire::{self, Reader};

/// An enum of plain names, between its variants and their numbers. Written by `#[kitfox::message]`,
/// not by hand.
///
/// ```
/// # extern crate kitfox_core as kitfox;
/// use kitfox::message::Enumeration;
///
/// #[kitfox_macros::message]
/// enum State {
///     Unspecified,
///     Shipped = 5,
///     #[unknown]
///     Unknown(i32),
/// }
///
/// assert_eq!(State::Shipped.number(), 5);
/// assert_eq!(State::from_number(5), State::Shipped);
/// assert_eq!(State::from_number(6), State::Unknown(6));
/// ```
pub trait Enumeration: Sized {
    /// Names and numbers.
    fn enum_schema() -> &'static EnumSchema;
    /// The number of the variant on the wire.
    fn number(&self) -> i32;
    /// The variant of a number; the catch-all for a number without a name.
    fn from_number(number: i32) -> Self;
}

/// Writes the number as a varint, sign-extended as protobuf wants it.
#[inline]
pub fn write(number: i32, out: &mut Vec<u8>) {
    wire::write_varint(i64::from(number).cast_unsigned(), out);
}

/// Reads a number.
#[inline]
pub fn read(reader: &mut Reader<'_>) -> Result<i32, Fault> {
    Ok(low_half(reader.varint()?).cast_signed())
}

/// Writes the name, or the number where there is none.
pub fn write_json(schema: &EnumSchema, number: i32, out: &mut Vec<u8>) {
    match schema.name_of(number) {
        Some(name) => {
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.push(b'"');
        }
        None => json::write_integer(number, out),
    }
}

/// Reads a name or a number.
pub fn read_json(schema: &EnumSchema, json: &mut JsonReader<'_>) -> Result<i32, Fault> {
    match json.peek()? {
        b'"' => parse(schema, &json.string()?),
        b'-' | b'0'..=b'9' => in_range(schema, json.integer()?),
        _ => Err(json.expected(&format!("a name of {}", schema.name))),
    }
}

/// Reads a name or a number from text.
pub fn parse(schema: &EnumSchema, text: &str) -> Result<i32, Fault> {
    if let Some(number) = schema.number(text) {
        return Ok(number);
    }
    match json::parse_integer(text) {
        Ok(number) => in_range(schema, number),
        Err(_) => Err(unknown(schema, text)),
    }
}

fn in_range(schema: &EnumSchema, number: i128) -> Result<i32, Fault> {
    i32::try_from(number)
        .map_err(|_| Fault::new(format!("{number} is out of range for enum {}", schema.name)))
}

#[cold]
fn unknown(schema: &EnumSchema, text: &str) -> Fault {
    let names: Vec<_> = schema.values.iter().take(8).map(|value| value.name).collect();
    let more = if schema.values.len() > names.len() { ", …" } else { "" };
    let text: String = text.chars().take(40).collect();
    let name = schema.name;
    Fault::new(format!("`{text}` is no value of {name}, which has {}{more}", names.join(", ")))
}
