//! A line for a person at a terminal: when, how bad, what happened, then the details.
//!
//! Time, level and message are columns. What is looked at last is dim and stands last: where in
//! the code the line comes from, and the first digits of its trace.

use std::time::Duration;

use kitfox_core::TraceContext;
use tracing::Level;

use super::logfmt;
use super::out::Out;
use super::value::{Text, Value};

/// How wide the column of messages is, in characters: as wide as the longest name of a code needs it
/// to be behind a method and its duration.
const MESSAGE: usize = 55;

/// How wide the columns of a call's method and duration are, within that.
const METHOD: usize = 28;
const TOOK: usize = 6;

const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
const RED: &[u8] = b"\x1b[31m";
const YELLOW: &[u8] = b"\x1b[33m";
const PLAIN: &[u8] = b"\x1b[0m";

/// Everything up to the message: `08:25:04.123  INFO`.
pub(super) fn begin(time: &[u8], level: Level, colour: bool, out: &mut Out<'_>) {
    painted(DIM, colour, out, |out| out.raw(&time[11..23]));
    out.raw(b" ");
    painted(paint(level), colour, out, |out| {
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

/// What happened, in a column.
pub(super) fn message(text: Text<'_>, level: Level, colour: bool, out: &mut Out<'_>) {
    let mut width = 0;
    let paint = if level <= Level::WARN { BOLD } else { b"" };
    painted(paint, colour, out, |out| {
        let start = out.bytes.len();
        out.text(text, false);
        width = out.bytes[start..].iter().filter(|byte| !matches!(byte, 0x80..0xc0)).count();
    });
    out.spaces(MESSAGE.saturating_sub(width).max(1));
}

/// What became of a call: `Strings/Uppercase   843µs  ok`, in the columns of a message.
pub(super) fn call(
    method: &str,
    took: Option<Duration>,
    outcome: &str,
    level: Level,
    colour: bool,
    out: &mut Out<'_>,
) {
    let short = took.map(short).unwrap_or_default();
    let padding = (METHOD + TOOK).saturating_sub(width(method) + width(&short)).max(1);
    out.text(Text::Plain(method), false);
    out.spaces(padding);
    out.raw(short.as_bytes());
    out.raw(b"  ");
    let paint = match level {
        Level::INFO if outcome != "ok" => YELLOW,
        level => paint(level),
    };
    painted(paint, colour, out, |out| out.text(Text::Plain(outcome), false));
    let before = width(method) + padding + width(&short) + 2;
    out.spaces(MESSAGE.saturating_sub(before + width(outcome)).max(1));
}

pub(super) fn field(name: &str, value: Value<'_>, colour: bool, out: &mut Out<'_>) {
    out.raw(b" ");
    painted(DIM, colour, out, |out| {
        logfmt::name(name, out);
        out.raw(b"=");
    });
    let paint = if name == "error" || name.ends_with(".error") { RED } else { b"" };
    painted(paint, colour, out, |out| self::value(value, out));
}

/// A value, in quotes where it has spaces that do not tell themselves where they belong.
fn value(value: Value<'_>, out: &mut Out<'_>) {
    match value {
        Value::Duration(duration) => out.raw(short(duration).as_bytes()),
        Value::Text(text @ Text::Debug(_)) => out.text(text, false),
        Value::Text(text) => {
            let start = out.bytes.len();
            out.text(text, false);
            if out.bytes[start..].is_empty() || out.bytes[start..].contains(&b' ') {
                out.bytes.insert(start, b'"');
                out.raw(b"\"");
            }
        }
        value => logfmt::value(value, out),
    }
}

/// What is looked at last: where the line comes from, in the code and among the calls.
pub(super) fn end(tail: &[&str], trace: Option<&TraceContext>, colour: bool, out: &mut Out<'_>) {
    out.raw(b" ");
    painted(DIM, colour, out, |out| {
        if out.cut {
            return out.raw(b" (cut)");
        }
        for part in tail.iter().filter(|part| !part.is_empty()) {
            out.raw(b" ");
            out.text(Text::Plain(part), false);
        }
        if let Some(trace) = trace {
            let [a, b, c, d, ..] = trace.trace_id;
            out.raw(b" ");
            out.hex(&[a, b, c, d]);
        }
    });
    out.raw(b"\n");
}

/// The name of a method without its package: `Strings/Uppercase`.
pub(super) fn method(path: &str) -> &str {
    let service = path.rfind('/').map_or(path, |slash| &path[..slash]);
    let begin = service.rfind(['.', '/']).map_or(0, |before| before + 1);
    &path[begin..]
}

/// Three digits and a unit.
fn short(duration: Duration) -> String {
    let micros = duration.as_micros();
    if micros < 1_000 {
        return format!("{micros}µs");
    }
    let (number, unit) = match duration.as_secs_f64() {
        seconds if seconds < 0.999_5 => (seconds * 1e3, "ms"),
        seconds => (seconds, "s"),
    };
    let decimals = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}{unit}")
}

fn paint(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => b"\x1b[1;31m",
        Level::WARN => YELLOW,
        Level::INFO => b"\x1b[32m",
        Level::DEBUG => b"\x1b[34m",
        Level::TRACE => b"\x1b[35m",
    }
}

/// In characters.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn painted(paint: &[u8], colour: bool, out: &mut Out<'_>, write: impl FnOnce(&mut Out<'_>)) {
    if !colour || paint.is_empty() {
        return write(out);
    }
    out.raw(paint);
    write(out);
    out.raw(PLAIN);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_three_digits() {
        let text = |micros| short(Duration::from_micros(micros));
        assert_eq!(
            [0, 999, 1_000, 9_994, 9_996].map(text),
            ["0µs", "999µs", "1.00ms", "9.99ms", "10.0ms"]
        );
        assert_eq!([99_960, 999_400, 999_600].map(text), ["100ms", "999ms", "1.00s"]);
        assert_eq!([59_000_000, 3_600_000_000].map(text), ["59.0s", "3600s"]);
    }

    #[test]
    fn a_method_is_shown_without_its_package() {
        assert_eq!(method("/strings.v1.Strings/Uppercase"), "Strings/Uppercase");
        assert_eq!(method("/Strings/Uppercase"), "Strings/Uppercase");
        assert_eq!(method("nonsense"), "nonsense");
    }
}
