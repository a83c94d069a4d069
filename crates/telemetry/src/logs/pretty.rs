//! A line for a person at a terminal: when, how bad, what happened, then the details.
//!
//! Time, level and message are columns. What is looked at last is dim and stands last: where in
//! the code the line comes from, and the first digits of its trace.

use kitfox_core::TraceContext;
use tracing::Level;

use super::logfmt;
use super::out::Out;
use super::value::{Text, Value};

/// How wide the column of messages is, in characters.
const MESSAGE: usize = 44;

const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
const RED: &[u8] = b"\x1b[31m";
const PLAIN: &[u8] = b"\x1b[0m";

/// Everything up to the message: `08:25:04.123  INFO`.
pub(super) fn begin(time: &[u8], level: Level, colour: bool, out: &mut Out<'_>) {
    let paint: &[u8] = match level {
        Level::ERROR => b"\x1b[1;31m",
        Level::WARN => b"\x1b[33m",
        Level::INFO => b"\x1b[32m",
        Level::DEBUG => b"\x1b[34m",
        Level::TRACE => b"\x1b[35m",
    };
    painted(DIM, colour, out, |out| out.raw(&time[11..23]));
    out.raw(b" ");
    painted(paint, colour, out, |out| {
        out.raw(match level {
            Level::ERROR => b"ERROR",
            Level::WARN => b" WARN",
            Level::INFO => b" INFO",
            Level::DEBUG => b"DEBUG",
            Level::TRACE => b"TRACE",
        });
    });
    out.raw(b"  ");
}

pub(super) fn message(text: Text<'_>, level: Level, colour: bool, out: &mut Out<'_>) {
    let mut width = 0;
    painted(BOLD, colour && level <= Level::WARN, out, |out| {
        let start = out.bytes.len();
        out.text(text, false);
        let characters = out.bytes[start..].iter().filter(|byte| !matches!(byte, 0x80..0xc0));
        width = characters.count();
    });
    let column = out.bytes.len() + MESSAGE.saturating_sub(width);
    out.bytes.resize(column, b' ');
}

pub(super) fn field(name: &str, value: Value<'_>, colour: bool, out: &mut Out<'_>) {
    out.raw(b" ");
    painted(DIM, colour, out, |out| {
        logfmt::name(name, out);
        out.raw(b"=");
    });
    painted(RED, colour && name.ends_with("error"), out, |out| logfmt::value(value, out));
}

pub(super) fn end(
    target: &'static str,
    trace: Option<&TraceContext>,
    colour: bool,
    out: &mut Out<'_>,
) {
    out.raw(b" ");
    painted(DIM, colour, out, |out| {
        if out.cut {
            out.raw(b" (cut)");
        }
        out.raw(b" ");
        out.text(Text::Plain(target), false);
        if let Some(trace) = trace {
            out.raw(b" ");
            let [a, b, c, d, ..] = trace.trace_id;
            out.hex(&[a, b, c, d]);
        }
    });
    out.raw(b"\n");
}

fn painted(paint: &[u8], colour: bool, out: &mut Out<'_>, write: impl FnOnce(&mut Out<'_>)) {
    if !colour {
        return write(out);
    }
    out.raw(paint);
    write(out);
    out.raw(PLAIN);
}
