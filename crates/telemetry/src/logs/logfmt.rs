//! A line as `name=value` pairs.

use kitfox_core::TraceContext;
use kitfox_core::message::json;

use super::out::Out;
use super::value::{Text, Value};

pub(super) fn begin(time: &[u8], out: &mut Out<'_>) {
    out.raw(b"time=");
    out.raw(time);
}

pub(super) fn trace(trace: &TraceContext, out: &mut Out<'_>) {
    out.raw(b" trace_id=");
    out.hex(&trace.trace_id);
    out.raw(b" span_id=");
    out.hex(&trace.span_id);
}

pub(super) fn field(name: &str, field: Value<'_>, out: &mut Out<'_>) {
    out.raw(b" ");
    self::name(name, out);
    out.raw(b"=");
    value(field, out);
}

pub(super) fn end(out: &mut Out<'_>) {
    if out.cut {
        out.raw(b" cut=true");
    }
    out.raw(b"\n");
}

/// A name, with `_` in place of what no name can have.
pub(super) fn name(name: &str, out: &mut Out<'_>) {
    let start = out.bytes.len();
    out.text(Text::Plain(name), true);
    for byte in &mut out.bytes[start..] {
        if matches!(byte, b' ' | b'=' | b'"' | b'\\') {
            *byte = b'_';
        }
    }
}

/// A value, in quotes where it would not be told from what follows without.
pub(super) fn value(value: Value<'_>, out: &mut Out<'_>) {
    match value {
        Value::Integer(integer) => out.integer(integer),
        Value::Unsigned(integer) => out.integer(integer),
        Value::Float(float) if float.is_finite() => json::write_f64(float, out.bytes),
        Value::Float(float) => out.raw(format!("{float}").as_bytes()),
        Value::Boolean(boolean) => out.boolean(boolean),
        Value::Duration(duration) => {
            out.seconds(duration);
            out.raw(b"s");
        }
        Value::Address(address) => out.address(address),
        Value::Text(text) => {
            let start = out.bytes.len();
            out.text(text, true);
            let written = &out.bytes[start..];
            if written.is_empty()
                || written.iter().any(|byte| matches!(byte, b' ' | b'=' | b'"' | b'\\'))
            {
                out.bytes.insert(start, b'"');
                out.raw(b"\"");
            }
        }
    }
}
