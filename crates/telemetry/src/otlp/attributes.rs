//! Attributes: names with values, of a resource, a span, a log record or a point.

use crate::logs::AttributeValue;

use super::message::{Message, length_of, length_of_number};

/// Numbers of fields in `KeyValue` and `AnyValue`.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;
const BOOLEAN: u32 = 2;
const INTEGER: u32 = 3;
const FLOAT: u32 = 4;

/// Adds an attribute to the message, in whose schema attributes have the number `field`.
#[inline]
pub(crate) fn attribute(
    message: &mut Message<'_>,
    field: u32,
    name: &str,
    value: AttributeValue<'_>,
) {
    match value {
        AttributeValue::Text(text) => {
            begin(message, field, name, 1 + length_of(text.len()) + text.len());
            message.bytes(TEXT, text);
        }
        AttributeValue::Integer(integer) => {
            number(message, field, name, INTEGER, integer.cast_unsigned());
        }
        AttributeValue::Boolean(boolean) => {
            number(message, field, name, BOOLEAN, u64::from(boolean));
        }
        AttributeValue::Float(float) => {
            begin(message, field, name, 9);
            message.double(FLOAT, float);
        }
    }
}

/// A number is said even if it is zero: it is one of several kinds.
#[inline]
fn number(message: &mut Message<'_>, field: u32, name: &str, kind: u32, number: u64) {
    begin(message, field, name, 1 + length_of_number(number));
    message.varint(u64::from(kind << 3));
    message.varint(number);
}

/// What goes before a value that takes up so many bytes. All lengths are known before, so that
/// nothing is moved.
#[inline]
fn begin(message: &mut Message<'_>, field: u32, name: &str, of_value: usize) {
    let of_name = 1 + length_of(name.len()) + name.len();
    message.begin(field, of_name + 1 + length_of(of_value) + of_value);
    message.bytes(KEY, name);
    message.begin(VALUE, of_value);
}
