//! What a line says, as data: for who hands logs on in another form.

use std::fmt::{self, Write};
use std::ops::Range;

use kitfox_core::TraceContext;
use tracing::Level;

/// What a log line says.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// How serious it is.
    pub level: Level,
    /// When it was: nanoseconds since 1970, UTC.
    pub unix_nanos: u64,
    /// Where in the code it comes from.
    pub target: &'a str,
    /// What happened.
    pub message: &'a str,
    /// The span of the call that it is of.
    pub trace: Option<&'a TraceContext>,
    attributes: &'a Attributes,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// Text, not escaped.
    Text(&'a str),
    /// An integer.
    Integer(i64),
    /// A number; a duration in seconds.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
}

impl<'a> LogRecord<'a> {
    /// The fields, in order, with the secrets among them hidden already.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, AttributeValue<'a>)> {
        let Attributes { text, entries, .. } = self.attributes;
        entries.iter().map(|(name, stored)| {
            let value = match stored {
                Stored::Text(range) => AttributeValue::Text(&text[range.clone()]),
                Stored::Integer(integer) => AttributeValue::Integer(*integer),
                Stored::Float(float) => AttributeValue::Float(*float),
                Stored::Boolean(boolean) => AttributeValue::Boolean(*boolean),
            };
            (&text[name.clone()], value)
        })
    }
}

/// Fields that are kept: names and texts behind each other in one text.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    text: String,
    entries: Vec<(Range<usize>, Stored)>,
    message: Range<usize>,
    trace: Option<TraceContext>,
    /// How long the text may be.
    limit: usize,
}

/// Text that is there, or is yet to be formatted.
#[derive(Clone, Copy)]
pub(super) enum Text<'a> {
    Plain(&'a str),
    Display(&'a dyn fmt::Display),
    Debug(&'a dyn fmt::Debug),
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

    pub(super) fn message(&mut self, message: Text<'_>) -> &str {
        self.message = self.keep(message);
        &self.text[self.message.clone()]
    }

    /// Keeps a field, and gives its text back.
    pub(super) fn text(&mut self, name: &str, value: Text<'_>) -> &str {
        let name = self.keep(Text::Plain(name));
        let value = self.keep(value);
        self.entries.push((name, Stored::Text(value.clone())));
        &self.text[value]
    }

    pub(super) fn integer(&mut self, name: &str, value: i64) {
        let name = self.keep(Text::Plain(name));
        self.entries.push((name, Stored::Integer(value)));
    }

    pub(super) fn float(&mut self, name: &str, value: f64) {
        let name = self.keep(Text::Plain(name));
        self.entries.push((name, Stored::Float(value)));
    }

    pub(super) fn boolean(&mut self, name: &str, value: bool) {
        let name = self.keep(Text::Plain(name));
        self.entries.push((name, Stored::Boolean(value)));
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

    fn keep(&mut self, value: Text<'_>) -> Range<usize> {
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
