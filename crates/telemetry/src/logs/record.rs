//! What a line says, as data: for who hands logs on in another form.

use kitfox_core::TraceContext;
use tracing::Level;

use super::attributes::Attributes;

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
    pub(super) attributes: &'a Attributes,
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
        self.attributes.iter()
    }
}
