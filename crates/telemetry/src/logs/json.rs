//! A line as a JSON object.

use kitfox_core::TraceContext;
use kitfox_core::message::json;

use super::out::Out;
use super::value::{Text, Value};

pub(super) fn begin(time: &[u8; 27], out: &mut Out<'_>) {
    out.raw(b"{\"time\":\"");
    out.raw(time);
    out.raw(b"\"");
}

pub(super) fn trace(trace: &TraceContext, out: &mut Out<'_>) {
    out.raw(b",\"trace_id\":\"");
    out.hex(&trace.trace_id);
    out.raw(b"\",\"span_id\":\"");
    out.hex(&trace.span_id);
    out.raw(b"\"");
}

/// A field of any name.
pub(super) fn field(name: &str, field: Value<'_>, out: &mut Out<'_>) {
    out.raw(b",\"");
    out.text(Text::Plain(name), true);
    out.raw(b"\":");
    value(field, out);
}

/// A field whose name needs no escape.
#[inline(always)]
pub(super) fn known(name: &str, field: Value<'_>, out: &mut Out<'_>) {
    out.raw(b",\"");
    out.raw(name.as_bytes());
    out.raw(b"\":");
    match field {
        Value::Unsigned(integer) => out.integer(integer),
        field => value(field, out),
    }
}

fn value(value: Value<'_>, out: &mut Out<'_>) {
    match value {
        Value::Integer(integer) => out.integer(integer),
        Value::Unsigned(integer) => out.integer(integer),
        Value::Float(float) => json::write_f64(float, out.bytes),
        Value::Boolean(boolean) => out.boolean(boolean),
        Value::Duration(duration) => out.seconds(duration),
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
