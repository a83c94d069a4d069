//! A log record in OTLP.

use kitfox_core::TraceContext;
use tracing::Level;

use super::attributes::attribute;
use super::batch::ITEMS;
use super::message::Message;
use crate::logs::{AttributeValue, LogRecord};

/// Numbers of fields in `LogRecord` and `AnyValue`.
const TIME: u32 = 1;
const SEVERITY: u32 = 2;
const SEVERITY_TEXT: u32 = 3;
const BODY: u32 = 5;
const ATTRIBUTES: u32 = 6;
const FLAGS: u32 = 8;
const TRACE_ID: u32 = 9;
const SPAN_ID: u32 = 10;
const OBSERVED: u32 = 11;
const TEXT: u32 = 1;

/// Writes a log record, as an item of a batch.
pub(super) fn write_log(out: &mut Vec<u8>, record: &LogRecord<'_>) {
    Message(out).nested(ITEMS, |message| {
        message.fixed64(TIME, record.unix_nanos);
        let (number, text) = severity(record.level);
        message.number(SEVERITY, number);
        message.bytes(SEVERITY_TEXT, text);
        message.nested(BODY, |any| any.bytes(TEXT, record.message));
        attribute(message, ATTRIBUTES, "target", AttributeValue::Text(record.target));
        for (name, value) in record.attributes() {
            attribute(message, ATTRIBUTES, name, value);
        }
        if let Some(TraceContext { trace_id, span_id, flags, .. }) = record.trace {
            message.fixed32(FLAGS, u32::from(*flags));
            message.bytes(TRACE_ID, trace_id);
            message.bytes(SPAN_ID, span_id);
        }
        message.fixed64(OBSERVED, record.unix_nanos);
    });
}

/// As the data model of OpenTelemetry maps levels.
fn severity(level: Level) -> (u64, &'static str) {
    match level {
        Level::TRACE => (1, "TRACE"),
        Level::DEBUG => (5, "DEBUG"),
        Level::INFO => (9, "INFO"),
        Level::WARN => (13, "WARN"),
        Level::ERROR => (17, "ERROR"),
    }
}
