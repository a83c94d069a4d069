//! A line as a JSON object.

use kitfox_core::TraceContext;
use kitfox_core::message::json;

use super::out::Out;
use super::value::{Text, Value};

/// Everything up to the fields.
pub(super) fn begin(time: &[u8], level: &'static str, target: &str, out: &mut Out<'_>) {
    out.raw(b"{\"time\":\"");
    out.raw(time);
    out.raw(b"\",\"level\":\"");
    out.raw(level.as_bytes());
    out.raw(b"\",\"target\":\"");
    out.text(Text::Plain(target), true);
    out.raw(b"\"");
}

pub(super) fn message(text: Text<'_>, out: &mut Out<'_>) {
    out.raw(b",\"message\":\"");
    out.text(text, true);
    out.raw(b"\"");
}

pub(super) fn trace(trace: &TraceContext, out: &mut Out<'_>) {
    out.raw(b",\"trace_id\":\"");
    out.hex(&trace.trace_id);
    out.raw(b"\",\"span_id\":\"");
    out.hex(&trace.span_id);
    out.raw(b"\"");
}

pub(super) fn field(name: &str, value: Value<'_>, out: &mut Out<'_>) {
    out.raw(b",\"");
    out.text(Text::Plain(name), true);
    out.raw(b"\":");
    match value {
        Value::Integer(integer) => out.integer(integer),
        Value::Unsigned(integer) => out.integer(integer),
        Value::Float(float) => json::write_f64(float, out.bytes),
        Value::Boolean(boolean) => out.boolean(boolean),
        Value::Duration(duration) => out.seconds(duration),
        Value::Hex(bytes) => {
            out.raw(b"\"");
            out.hex(bytes);
            out.raw(b"\"");
        }
        Value::Address(address) => {
            out.raw(b"\"");
            out.address(address);
            out.raw(b"\"");
        }
        Value::Text(text) => {
            out.raw(b"\"");
            out.text(text, true);
            out.raw(b"\"");
        }
    }
}

pub(super) fn end(out: &mut Out<'_>) {
    if out.cut {
        out.raw(b",\"cut\":true");
    }
    out.raw(b"}\n");
}
