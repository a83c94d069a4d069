//! Fields that are kept: names and texts behind each other in one text.

use std::fmt::{self, Write};
use std::ops::Range;

use kitfox_core::TraceContext;
use tracing::Level;

use super::out::Out;
use super::record::{AttributeValue, LogRecord};
use super::value::{Text, Value};

/// What is kept of one line, or of one span.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    text: String,
    entries: Vec<(Range<usize>, Stored)>,
    message: Range<usize>,
    trace: Option<TraceContext>,
    /// How long the text may be.
    limit: usize,
}

#[derive(Debug)]
enum Stored {
    Text(Range<usize>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
}

impl Attributes {
    pub(super) fn clear(&mut self, limit: usize) {
        self.text.clear();
        self.entries.clear();
        self.message = 0..0;
        self.trace = None;
        self.limit = limit;
    }

    pub(super) fn trace(&mut self, trace: &TraceContext) {
        self.trace = Some(trace.clone());
    }

    /// Keeps what happened, and gives it back.
    pub(super) fn message(&mut self, message: Text<'_>) -> &str {
        self.message = self.write(message);
        &self.text[self.message.clone()]
    }

    /// Keeps a field, and gives its value back: formatted now, and only once, if it was yet to be.
    pub(super) fn keep<'v>(&'v mut self, name: &str, value: Value<'v>) -> Value<'v> {
        let stored = match value {
            Value::Text(text) => {
                let range = self.push_text(name, text);
                return Value::Text(Text::Plain(&self.text[range]));
            }
            Value::Integer(integer) => Stored::Integer(integer),
            Value::Unsigned(integer) => match i64::try_from(integer) {
                Ok(integer) => Stored::Integer(integer),
                Err(_) => {
                    self.push_text(name, Text::Display(&integer));
                    return value;
                }
            },
            Value::Float(float) => Stored::Float(float),
            Value::Boolean(boolean) => Stored::Boolean(boolean),
            Value::Duration(duration) => Stored::Float(duration.as_secs_f64()),
            Value::Address(address) => {
                let mut text = Vec::with_capacity(48);
                Out::new(&mut text, usize::MAX).address(address);
                let text = String::from_utf8(text).expect("an address is ASCII");
                self.push_text(name, Text::Plain(&text));
                return value;
            }
        };
        let name = self.write(Text::Plain(name));
        self.entries.push((name, stored));
        value
    }

    /// Keeps a field in place of one of that name, in a text of at most `limit` bytes.
    pub(super) fn set(&mut self, name: &str, value: Value<'_>, limit: usize) {
        self.limit = limit;
        let text = &self.text;
        self.entries.retain(|(known, _)| text[known.clone()] != *name);
        self.keep(name, value);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, AttributeValue<'_>)> {
        self.entries.iter().map(|(name, stored)| {
            let value = match stored {
                Stored::Text(range) => AttributeValue::Text(&self.text[range.clone()]),
                Stored::Integer(integer) => AttributeValue::Integer(*integer),
                Stored::Float(float) => AttributeValue::Float(*float),
                Stored::Boolean(boolean) => AttributeValue::Boolean(*boolean),
            };
            (&self.text[name.clone()], value)
        })
    }

    pub(super) fn record<'a>(
        &'a self,
        level: Level,
        unix_nanos: u64,
        target: &'a str,
    ) -> LogRecord<'a> {
        LogRecord {
            level,
            unix_nanos,
            target,
            message: &self.text[self.message.clone()],
            trace: self.trace.as_ref(),
            attributes: self,
        }
    }

    fn push_text(&mut self, name: &str, value: Text<'_>) -> Range<usize> {
        let name = self.write(Text::Plain(name));
        let value = self.write(value);
        self.entries.push((name, Stored::Text(value.clone())));
        value
    }

    fn write(&mut self, value: Text<'_>) -> Range<usize> {
        let start = self.text.len();
        // What does not fit is not kept, and what its formatter says of it does not matter.
        let _cut = value.write(self);
        start..self.text.len()
    }
}

impl Write for Attributes {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}
