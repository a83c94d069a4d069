//! The value of a field, on its way into a line.

use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::Redaction;
use super::record::AttributeValue;
use super::redaction::HIDDEN;

/// The value of a field.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Text(Text<'a>),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Boolean(bool),
    Duration(Duration),
    Address(SocketAddr),
}

/// Text that is there, or is yet to be formatted.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Plain(&'a str),
    Display(&'a dyn fmt::Display),
    Debug(&'a dyn fmt::Debug),
}

impl Value<'_> {
    /// Itself, or if it is text and its name says that it is a secret, something else.
    pub(super) fn redacted(self, name: &'static str, redaction: &Redaction) -> Self {
        match self {
            Value::Text(_) if redaction.hides_known(name) => Value::Text(Text::Plain(HIDDEN)),
            value => value,
        }
    }
}

impl<'a> From<AttributeValue<'a>> for Value<'a> {
    fn from(value: AttributeValue<'a>) -> Self {
        match value {
            AttributeValue::Text(text) => Value::Text(Text::Plain(text)),
            AttributeValue::Integer(integer) => Value::Integer(integer),
            AttributeValue::Float(float) => Value::Float(float),
            AttributeValue::Boolean(boolean) => Value::Boolean(boolean),
        }
    }
}

impl Text<'_> {
    pub(super) fn write(self, out: &mut impl Write) -> fmt::Result {
        match self {
            Text::Plain(text) => out.write_str(text),
            Text::Display(value) => write!(out, "{value}"),
            Text::Debug(value) => write!(out, "{value:?}"),
        }
    }
}
