//! `tracing`'s many kinds of values as those of a line.

use std::error::Error;
use std::fmt;

use tracing::field::{Field, Visit};

use crate::logs::attributes::Attributes;
use crate::logs::value::{Text, Value};
use crate::logs::{AttributeValue, Line, Redaction};

/// The memory that the fields of one span may take up, in bytes.
const SPAN_FIELDS: usize = 4096;

/// What `tracing` calls the text of an event.
const MESSAGE: &str = "message";

/// Writes what happened, which a line has before its fields.
pub(super) fn message(line: &mut Line<'_>) -> impl Visit {
    Values(|name, value: Value<'_>| {
        if let (MESSAGE, Value::Text(text)) = (name, value) {
            line.message_of(text);
        }
    })
}

/// Writes everything else.
pub(super) fn fields(line: &mut Line<'_>) -> impl Visit {
    Values(|name, value: Value<'_>| {
        if name != MESSAGE || !matches!(value, Value::Text(_)) {
            line.put_user(name, value);
        }
    })
}

/// The fields of a span, with its name before theirs, and without what is secret.
#[derive(Default)]
pub(super) struct SpanFields(Attributes);

impl SpanFields {
    /// Keeps fields; in place of those of the same name.
    pub(super) fn keep(&mut self, span: &str, redaction: &Redaction) -> impl Visit {
        Values(move |name, value: Value<'_>| {
            let value = value.redacted(name, redaction);
            self.0.set(&format!("{span}.{name}"), value, SPAN_FIELDS);
        })
    }

    /// The fields, with the names that they have within the span of this name.
    pub(super) fn of(&self, span: &str) -> impl Iterator<Item = (&str, AttributeValue<'_>)> {
        let prefix = span.len() + 1;
        self.0.iter().map(move |(name, value)| (name.get(prefix..).unwrap_or(name), value))
    }

    pub(super) fn write(&self, line: &mut Line<'_>) {
        for (name, value) in self.0.iter() {
            line.put_any(name, value.into());
        }
    }
}

/// Gives each field to a function.
struct Values<F>(F);

impl<F: FnMut(&'static str, Value<'_>)> Values<F> {
    fn give(&mut self, field: &Field, value: Value<'_>) {
        let name = field.name();
        (self.0)(name.strip_prefix("r#").unwrap_or(name), value);
    }
}

impl<F: FnMut(&'static str, Value<'_>)> Visit for Values<F> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.give(field, Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.give(field, Value::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.give(field, Value::Unsigned(value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.give(field, Value::Text(Text::Display(&value)));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.give(field, Value::Text(Text::Display(&value)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.give(field, Value::Boolean(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.give(field, Value::Text(Text::Plain(value)));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.give(field, Value::Text(Text::Display(&Chain(value))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.give(field, Value::Text(Text::Debug(value)));
    }
}

/// An error and what it came from: `no connection: refused`.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
