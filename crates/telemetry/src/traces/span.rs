//! Spans, which are written when they are over, straight into the batch that is exported.

use std::fmt;
use std::sync::Arc;

use kitfox_core::TraceContext;

use crate::logs::AttributeValue;
use crate::otlp::{Buffer, Message, SPAN_ATTRIBUTES, attribute, with_scratch, write_span};

/// Where spans go; a cheap clone of the same.
///
/// What finds no room is dropped and counted, and nobody waits.
#[derive(Clone)]
pub struct Spans(pub(crate) Arc<Buffer>);

/// Something that took time, and is over.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The trace that it is part of, and its own identifier.
    pub trace: &'a TraceContext,
    /// The span that it is part of.
    pub parent: Option<[u8; 8]>,
    /// Whether that one is in another process.
    pub remote: bool,
    /// What it is: `strings.v1.Strings/Uppercase`.
    pub name: &'a str,
    /// From where it is seen.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it was over, in nanoseconds since 1970.
    pub end: u64,
    /// Why it failed, if it did; may be empty.
    pub error: Option<&'a str>,
}

/// From where a span is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// It is work within a process.
    #[default]
    Internal,
    /// It answers a call.
    Server,
    /// It makes a call.
    Client,
}

/// The attributes of a span that is being written.
pub struct Attributes<'a, 'b>(&'a mut Message<'b>);

impl Spans {
    /// Writes a span, with the attributes that `write` gives it. Whoever calls has seen to it that
    /// its trace is sampled.
    #[inline]
    pub fn write(&self, span: &Span<'_>, write: impl FnOnce(&mut Attributes<'_, '_>)) {
        if !self.0.has_room(span.name.len()) {
            return;
        }
        with_scratch(|out| {
            write_span(out, span, write);
            self.0.push(out, 1);
        });
    }
}

impl<'a, 'b> Attributes<'a, 'b> {
    pub(crate) fn new(message: &'a mut Message<'b>) -> Self {
        Attributes(message)
    }

    /// An attribute that is text.
    #[inline]
    pub fn text(&mut self, name: &str, value: &str) {
        self.put(name, AttributeValue::Text(value));
    }

    /// An attribute that is a number.
    pub fn number(&mut self, name: &str, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.put(name, AttributeValue::Integer(value));
    }

    /// An attribute.
    #[inline]
    pub fn put(&mut self, name: &str, value: AttributeValue<'_>) {
        attribute(self.0, SPAN_ATTRIBUTES, name, value);
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("buffered", &self.0.held()).finish()
    }
}

impl fmt::Debug for Attributes<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}
