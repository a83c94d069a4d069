//! A line as `name=value` pairs.

use kitfox_core::message::json;

use super::out::Out;
use super::value::{Text, Value};

/// Everything up to the fields.
pub(super) fn begin(time: &[u8], level: &'static str, target: &str, out: &mut Out<'_>) {
    out.raw(b"time=");
    out.raw(time);
    out.raw(b" level=");
    out.raw(level.as_bytes());
    field("target", Value::Text(Text::Plain(target)), out);
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
        Value::Duration(duration) => out.text(Text::Debug(&duration), false),
        Value::Hex(bytes) => out.hex(bytes),
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
