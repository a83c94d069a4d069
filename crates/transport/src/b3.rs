//! b3: the headers in which Zipkin and its friends pass a trace on, all in one or one for each part.
//!
//! After <https://github.com/openzipkin/b3-propagation>. A caller may leave open whether the trace is
//! recorded, or decide it without a span of its own: that is a [`Sampling`]. Its wish to debug is a
//! wish to record. Identifiers of traces may have 64 bits, which are the last of 128.

use http::{HeaderMap, HeaderName, HeaderValue};
use kitfox_core::{Context, Sampling, TraceContext};

/// All in one.
pub(crate) const SINGLE: &str = "b3";

/// Whether a header is one of these: `b3`, or one that begins with `x-b3-`. Asked of many headers.
pub(crate) fn is_one(name: &str) -> bool {
    matches!(name.as_bytes(), [b'x', b'-', b'b', b'3', b'-', ..] | [b'b', b'3'])
}

const B3: HeaderName = HeaderName::from_static(SINGLE);
const TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
const SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
const PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
const SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// In which headers a trace is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum B3 {
    /// In `b3` alone.
    Single,
    /// In `X-B3-TraceId`, `X-B3-SpanId`, `X-B3-ParentSpanId` and `X-B3-Sampled`: older peers know
    /// only these.
    Multi,
}

/// What the headers say; `b3` counts before the others. What is no trace counts as unsaid.
pub(crate) fn read(headers: &HeaderMap) -> (Option<TraceContext>, Sampling) {
    let single = headers.get(B3).and_then(|value| read_single(value.as_bytes()));
    single.unwrap_or_else(|| read_multi(headers))
}

/// `<trace>-<span>`, `<trace>-<span>-<decision>`, `<trace>-<span>-<decision>-<parent>`, `<decision>`
fn read_single(text: &[u8]) -> Option<(Option<TraceContext>, Sampling)> {
    let mut parts = text.split(|byte| *byte == b'-');
    let first = parts.next()?;
    let Some(span) = parts.next() else {
        return Some((None, without_span(decision(first)?)));
    };
    let said = match parts.next() {
        Some(said) => Some(decision(said)?),
        None => None,
    };
    let parent_is_one = parts.next().is_none_or(|parent| hex::<8>(parent).is_some());
    if !parent_is_one || parts.next().is_some() {
        return None;
    }
    with_span(first, span, said)
}

fn read_multi(headers: &HeaderMap) -> (Option<TraceContext>, Sampling) {
    let value = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
    let debug = value(FLAGS) == Some(b"1");
    let said = if debug { Some(true) } else { value(SAMPLED).and_then(decision) };
    let span = value(TRACE_ID).zip(value(SPAN_ID));
    let read = span.and_then(|(trace, span)| with_span(trace, span, said));
    read.unwrap_or_else(|| (None, said.map_or(Sampling::ByTrace, without_span)))
}

/// `true` and `false` are from before there was a specification.
fn decision(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

fn without_span(recorded: bool) -> Sampling {
    if recorded { Sampling::Wanted } else { Sampling::Unwanted }
}

fn with_span(
    trace: &[u8],
    span: &[u8],
    recorded: Option<bool>,
) -> Option<(Option<TraceContext>, Sampling)> {
    let trace_id = match trace.len() {
        16 => {
            let mut long = [0; 16];
            long[8..].copy_from_slice(&hex::<8>(trace)?);
            long
        }
        _ => hex::<16>(trace)?,
    };
    let span_id = hex::<8>(span)?;
    if trace_id == [0; 16] || span_id == [0; 8] {
        return None;
    }
    let sampling = if recorded.is_some() { Sampling::ByTrace } else { Sampling::Open };
    let flags = u8::from(recorded == Some(true));
    Some((Some(TraceContext { trace_id, span_id, flags, state: None }), sampling))
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != N * 2 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Writes the span of `context` as well. Its parent goes along, for peers that answer in the caller's
/// own span, as Zipkin's do.
pub(crate) fn write(form: B3, context: &Context, headers: &mut HeaderMap) {
    let Some(TraceContext { trace_id, span_id, flags, .. }) = context.trace() else { return };
    let (trace, span) = (Digits::of(&trace_id), Digits::of(&span_id));
    let parent = context.parent_span();
    let parent = parent.as_ref().map(Digits::of);
    let sampled = if flags & 1 == 1 { "1" } else { "0" };
    match form {
        B3::Single => {
            let mut text = Vec::with_capacity(68);
            for part in [trace.text(), b"-", span.text(), b"-", sampled.as_bytes()] {
                text.extend_from_slice(part);
            }
            if let Some(parent) = &parent {
                text.push(b'-');
                text.extend_from_slice(parent.text());
            }
            headers.insert(B3, value(&text));
        }
        B3::Multi => {
            headers.insert(TRACE_ID, value(trace.text()));
            headers.insert(SPAN_ID, value(span.text()));
            if let Some(parent) = &parent {
                headers.insert(PARENT_SPAN_ID, value(parent.text()));
            }
            headers.insert(SAMPLED, HeaderValue::from_static(sampled));
        }
    }
}

fn value(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("hex and dashes are a header value")
}

/// The hexadecimal digits of an identifier.
struct Digits {
    digits: [u8; 32],
    length: usize,
}

impl Digits {
    fn of(id: &(impl AsRef<[u8]> + ?Sized)) -> Self {
        let (id, mut digits) = (id.as_ref(), [0; 32]);
        let length = id.len() * 2;
        write_hex(id, &mut digits[..length]);
        Digits { digits, length }
    }

    fn text(&self) -> &[u8] {
        &self.digits[..self.length]
    }
}

/// Writes two digits for each byte.
pub(crate) fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";

    fn said(headers: &[(&'static str, &str)]) -> (Option<String>, Sampling) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let (trace, sampling) = read(&map);
        (trace.map(|trace| trace.to_string()), sampling)
    }

    fn w3c(trace: &str, sampled: u8) -> Option<String> {
        Some(format!("00-{trace}-{SPAN}-0{sampled}"))
    }

    #[test]
    fn one_header_says_it_all() {
        let long = format!("{TRACE}-{SPAN}");
        for (end, sampled, sampling) in [
            ("-1", 1, Sampling::ByTrace),
            ("-d", 1, Sampling::ByTrace),
            ("-0", 0, Sampling::ByTrace),
            ("-1-05e3ac9a4f6e3b90", 1, Sampling::ByTrace),
            ("", 0, Sampling::Open),
        ] {
            let read = said(&[("b3", &format!("{long}{end}"))]);
            assert_eq!(read, (w3c(TRACE, sampled), sampling), "{end}");
        }
        let short = said(&[("b3", &format!("{}-{SPAN}-1", &TRACE[16..]))]);
        assert_eq!(short.0, w3c(&format!("{:0>32}", &TRACE[16..]), 1));
        assert_eq!(said(&[("b3", "0")]), (None, Sampling::Unwanted));
        assert_eq!(said(&[("b3", "d")]), (None, Sampling::Wanted));
    }

    #[test]
    fn several_headers_say_it_and_one_counts_before_them() {
        let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
        let with = |name, value| said(&[ids[0], ids[1], (name, value)]);
        assert_eq!(with("x-b3-sampled", "1"), (w3c(TRACE, 1), Sampling::ByTrace));
        assert_eq!(with("x-b3-sampled", "false"), (w3c(TRACE, 0), Sampling::ByTrace));
        assert_eq!(with("x-b3-flags", "1"), (w3c(TRACE, 1), Sampling::ByTrace));
        assert_eq!(with("x-b3-parentspanid", SPAN), (w3c(TRACE, 0), Sampling::Open));
        assert_eq!(with("b3", "0"), (None, Sampling::Unwanted));
        assert_eq!(with("b3", "nonsense"), (w3c(TRACE, 0), Sampling::Open));
        assert_eq!(said(&[("x-b3-sampled", "0")]), (None, Sampling::Unwanted));
        assert_eq!(said(&[ids[0]]), (None, Sampling::ByTrace));
    }

    #[test]
    fn what_is_no_trace_is_unsaid() {
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            "-".to_owned(),
            "2".to_owned(),
            format!("{TRACE}-{SPAN}-"),
            format!("{TRACE}-{SPAN}-2"),
            format!("{TRACE}-{SPAN}-1-05e3"),
            format!("{TRACE}-{SPAN}-1-{SPAN}-1"),
            format!("{TRACE}{SPAN}"),
            format!("{}-{SPAN}-1", &TRACE[1..]),
            format!("{zeros}-{SPAN}-1"),
            format!("{TRACE}-{}-1", &zeros[16..]),
            format!("{}-{SPAN}-1", TRACE.replace('8', "g")),
        ] {
            assert_eq!(said(&[("b3", &bad)]), (None, Sampling::ByTrace), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut caller: TraceContext = w3c(TRACE, 1).unwrap().parse().unwrap();
        let cx = Context::background();
        cx.begin_span(caller.clone(), None);
        caller.span_id = [7; 8];
        let cx = cx.with_trace(caller.clone());
        for form in [B3::Single, B3::Multi] {
            let mut headers = HeaderMap::new();
            write(form, &cx, &mut headers);
            assert_eq!(read(&headers), (Some(caller.clone()), Sampling::ByTrace));
            match form {
                B3::Single => {
                    assert_eq!(headers["b3"], format!("{TRACE}-0707070707070707-1-{SPAN}"));
                }
                B3::Multi => assert_eq!(headers["x-b3-parentspanid"], SPAN),
            }
        }
        let mut headers = HeaderMap::new();
        write(B3::Single, &Context::background(), &mut headers);
        assert!(headers.is_empty());
    }
}
