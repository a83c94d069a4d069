//! Fields that are the same in many lines, and encoded once.

use tracing::Level;

use super::line::{self, Form};
use super::out::Out;
use super::value::{Text, Value};
use super::{json, logfmt};

/// Level, target, message and fields of text, as a machine reads them.
pub(super) struct Fixed {
    pub(super) bytes: Vec<u8>,
    pub(super) message: &'static str,
    pub(super) fields: Vec<(&'static str, &'static str)>,
}

impl Fixed {
    /// None for people: what they read is laid out line by line.
    pub(super) fn new(
        form: Form,
        level: Level,
        target: &'static str,
        message: &'static str,
        fields: Vec<(&'static str, &'static str)>,
    ) -> Option<Self> {
        let field = match form {
            Form::Json => json::field,
            Form::Logfmt => logfmt::field,
            Form::Pretty { .. } => return None,
        };
        let mut bytes = Vec::new();
        let mut out = Out::new(&mut bytes, usize::MAX);
        let head = [("level", line::name(level)), ("target", target), ("message", message)];
        for (name, value) in head.iter().chain(&fields) {
            field(name, Value::Text(Text::Plain(value)), &mut out);
        }
        Some(Fixed { bytes, message, fields })
    }
}
