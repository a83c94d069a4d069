//! One line: its fields, in whatever form it is written.

use std::fmt;
use std::time::Duration;

use kitfox_core::{Context, TraceContext};
use tracing::Level;

use super::Redaction;
use super::attributes::Attributes;
use super::fixed::Fixed;
use super::out::Out;
use super::value::{Text, Value};
use super::{json, logfmt, pretty, time};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Logfmt,
    Pretty { colour: bool },
}

/// A line that is being written: [`Logs::line`](super::Logs::line) gives it.
///
/// Names are the caller's own and written as they are: letters, digits, `_` and `.`, please. Values
/// are escaped. A line has an end: what is past
/// [`LogSettings::line_bytes`](super::LogSettings::line_bytes) is cut, and says so.
pub struct Line<'a> {
    out: Out<'a>,
    form: Form,
    level: Level,
    target: &'static str,
    redaction: &'a Redaction,
    /// Kept where somebody else is handed the line too.
    attributes: Option<&'a mut Attributes>,
    /// What people find at the end of the line.
    trace: Option<TraceContext>,
    method: &'static str,
}

impl<'a> Line<'a> {
    pub(super) fn begin(
        form: Form,
        level: Level,
        unix_nanos: u64,
        target: &'static str,
        mut out: Out<'a>,
        redaction: &'a Redaction,
        attributes: Option<&'a mut Attributes>,
    ) -> Self {
        let time = time::rfc3339(unix_nanos);
        match form {
            Form::Json => json::begin(&time, &mut out),
            Form::Logfmt => logfmt::begin(&time, &mut out),
            Form::Pretty { colour } => pretty::begin(&time, level, colour, &mut out),
        }
        Line { out, form, level, target, redaction, attributes, trace: None, method: "" }
    }

    /// How serious it is and where it comes from, before anything else; for people, at other places.
    pub(super) fn head(&mut self) {
        let field = match self.form {
            Form::Json => json::field,
            Form::Logfmt => logfmt::field,
            Form::Pretty { .. } => return,
        };
        field("level", Value::Text(Text::Plain(name(self.level))), &mut self.out);
        field("target", Value::Text(Text::Plain(self.target)), &mut self.out);
    }

    /// What happened; before any field.
    pub fn message(&mut self, message: &str) {
        self.message_of(Text::Plain(message));
    }

    pub(super) fn message_of(&mut self, message: Text<'_>) {
        let message = match &mut self.attributes {
            Some(attributes) => Text::Plain(attributes.message(message)),
            None => message,
        };
        match self.form {
            Form::Json => json::field("message", Value::Text(message), &mut self.out),
            Form::Logfmt => logfmt::field("message", Value::Text(message), &mut self.out),
            Form::Pretty { colour } => {
                pretty::message(message, self.level, colour, &mut self.out);
            }
        }
    }

    /// The trace and the span that the line is of.
    pub fn trace(&mut self, trace: &TraceContext) {
        if let Some(attributes) = &mut self.attributes {
            attributes.trace(trace);
        }
        match self.form {
            Form::Json => json::trace(trace, &mut self.out),
            Form::Logfmt => logfmt::trace(trace, &mut self.out),
            Form::Pretty { .. } => self.trace = Some(trace.clone()),
        }
    }

    /// What became of a call, where a person reads it; says whether one does.
    pub(super) fn call_ended(
        &mut self,
        method: &str,
        took: Option<Duration>,
        outcome: &str,
    ) -> bool {
        let Form::Pretty { colour } = self.form else { return false };
        if let Some(attributes) = &mut self.attributes {
            attributes.message(Text::Plain(outcome));
        }
        pretty::call(method, took, outcome, self.level, colour, &mut self.out);
        // That it is of a call can be seen.
        self.target = "";
        true
    }

    /// The method of a call that the line is of, and the ids of its span or of one within.
    pub(super) fn call(&mut self, cx: &Context, trace: Option<&TraceContext>) {
        if let Some(trace) = trace {
            self.trace(trace);
        }
        let Some(method) = cx.method() else { return };
        if self.is_pretty() {
            self.method = pretty::method(method.path);
        } else {
            self.text("method", method.path.trim_start_matches('/'));
        }
    }

    /// A text.
    #[inline]
    pub fn text(&mut self, name: &str, value: &str) {
        self.put(name, Value::Text(Text::Plain(value)));
    }

    /// What a `Display` shows, formatted straight into the line.
    #[inline]
    pub fn display(&mut self, name: &str, value: &dyn fmt::Display) {
        self.put(name, Value::Text(Text::Display(value)));
    }

    /// What a `Debug` shows, formatted straight into the line.
    #[inline]
    pub fn debug(&mut self, name: &str, value: &dyn fmt::Debug) {
        self.put(name, Value::Text(Text::Debug(value)));
    }

    /// A count.
    #[inline]
    pub fn number(&mut self, name: &str, value: u64) {
        self.put(name, Value::Unsigned(value));
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, name: &str, value: i64) {
        self.put(name, Value::Integer(value));
    }

    /// A number.
    #[inline]
    pub fn float(&mut self, name: &str, value: f64) {
        self.put(name, Value::Float(value));
    }

    /// Yes or no.
    #[inline]
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.put(name, Value::Boolean(value));
    }

    /// A time span: in seconds with six decimals, for people `1.50ms`.
    #[inline]
    pub fn duration(&mut self, name: &str, value: Duration) {
        self.put(name, Value::Duration(value));
    }

    /// A field of user code: its text is hidden where its name says that it is a secret, and a
    /// name that the line itself needs (`level`) is written as `field.level`.
    pub fn field(&mut self, name: &'static str, value: &str) {
        self.put_user(name, Value::Text(Text::Plain(value)));
    }

    pub(super) fn put_user(&mut self, name: &'static str, value: Value<'_>) {
        let value = value.redacted(name, self.redaction);
        self.put_any(reserved(name).unwrap_or(name), value);
    }

    /// Head, message and fields that were encoded before.
    pub(super) fn fixed(&mut self, fixed: &Fixed) {
        if let Some(attributes) = &mut self.attributes {
            attributes.message(Text::Plain(fixed.message));
            for (name, value) in &fixed.fields {
                attributes.keep(name, Value::Text(Text::Plain(value)));
            }
        }
        self.out.raw(&fixed.bytes);
    }

    /// Whether a person reads it at a terminal.
    pub(super) fn is_pretty(&self) -> bool {
        matches!(self.form, Form::Pretty { .. })
    }

    /// A field whose name needs no escape.
    #[inline(always)]
    pub(super) fn put(&mut self, name: &str, value: Value<'_>) {
        let usual = matches!(self.form, Form::Json) && self.attributes.is_none();
        if usual && self.out.takes(name.len()) {
            return json::known(name, value, &mut self.out);
        }
        self.put_any(name, value);
    }

    /// A field of any name.
    pub(super) fn put_any(&mut self, name: &str, value: Value<'_>) {
        if !self.out.takes(name.len()) {
            return;
        }
        let value = match &mut self.attributes {
            Some(attributes) => attributes.keep(name, value),
            None => value,
        };
        match self.form {
            Form::Json => json::field(name, value, &mut self.out),
            Form::Logfmt => logfmt::field(name, value, &mut self.out),
            Form::Pretty { colour } => pretty::field(name, value, colour, &mut self.out),
        }
    }

    pub(super) fn end(mut self) {
        match self.form {
            Form::Json => json::end(&mut self.out),
            Form::Logfmt => logfmt::end(&mut self.out),
            Form::Pretty { colour } => {
                pretty::end(
                    &[self.target, self.method],
                    self.trace.as_ref(),
                    colour,
                    &mut self.out,
                );
            }
        }
    }
}

/// What a field of user code is called whose name the line itself needs.
fn reserved(name: &str) -> Option<&'static str> {
    Some(match name {
        "time" => "field.time",
        "level" => "field.level",
        "target" => "field.target",
        "message" => "field.message",
        "method" => "field.method",
        "trace_id" => "field.trace_id",
        "span_id" => "field.span_id",
        "cut" => "field.cut",
        _ => return None,
    })
}

/// As the filter and lines have it.
pub(super) fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}
