//! Attributes: names with values, of a resource, a span, a log record or a point.

use crate::logs::AttributeValue;

use super::message::{Message, length_of};

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
    if let AttributeValue::Text(text) = value {
        return text_attribute(message, field, name, text);
    }
    message.nested(field, |pair| {
        pair.bytes(KEY, name);
        pair.nested(VALUE, |any| match value {
            AttributeValue::Text(text) => any.bytes(TEXT, text),
            AttributeValue::Integer(integer) => {
                // Said even if it is zero: it is one of several.
                any.varint(u64::from(INTEGER << 3));
                any.varint(integer.cast_unsigned());
            }
            AttributeValue::Float(float) => any.double(FLOAT, float),
            AttributeValue::Boolean(boolean) => {
                any.varint(u64::from(BOOLEAN << 3));
                any.varint(u64::from(boolean));
            }
        });
    });
}

/// The most frequent kind, whose lengths are known before.
#[inline]
fn text_attribute(message: &mut Message<'_>, field: u32, name: &str, text: &str) {
    let of_text = 1 + length_of(text.len()) + text.len();
    let of_name = 1 + length_of(name.len()) + name.len();
    message.begin(field, of_name + 1 + length_of(of_text) + of_text);
    message.bytes(KEY, name);
    message.begin(VALUE, of_text);
    message.bytes(TEXT, text);
}
