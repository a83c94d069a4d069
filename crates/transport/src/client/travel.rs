//! What travels with a call, as headers: trace, baggage, attempt, key, criticality.

use http::{HeaderMap, HeaderName, HeaderValue};
use kitfox_core::{Baggage, Context, Criticality, TraceContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::b3::{self, B3, write_hex};
use crate::names;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static(names::PREVIOUS_ATTEMPTS);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CRITICALITY: HeaderName = HeaderName::from_static(names::CRITICALITY);

/// What W3C's `baggage-octet` leaves out, and the sign of the encoding itself.
const BAGGAGE_VALUE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// Adds what `context` says to the headers of its call. What no header can carry stays behind: a
/// call is worth more than its trace.
/// The trace goes in W3C's form, and in that of `b3` as well where the channel was told so.
pub(super) fn write(context: &Context, b3: Option<B3>, headers: &mut HeaderMap) {
    if let Some(trace) = context.trace() {
        write_trace(&trace, headers);
    }
    if let Some(form) = b3 {
        b3::write(form, context, headers);
    }
    if let Some(value) = context.baggage().and_then(baggage) {
        headers.insert(BAGGAGE, value);
    }
    let previous = context.attempt().saturating_sub(1);
    if previous > 0 {
        headers.insert(PREVIOUS_ATTEMPTS, HeaderValue::from(previous));
    }
    if let Some(key) = context.idempotency_key().and_then(|key| HeaderValue::from_str(key).ok()) {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    // The default goes without saying.
    if context.criticality() != Criticality::default() {
        headers.insert(CRITICALITY, HeaderValue::from_static(context.criticality().name()));
    }
}

fn write_trace(trace: &TraceContext, headers: &mut HeaderMap) {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    write_hex(&trace.trace_id, &mut text[3..35]);
    write_hex(&trace.span_id, &mut text[36..52]);
    write_hex(&[trace.flags & 1], &mut text[53..]);
    let parent = HeaderValue::from_bytes(&text).expect("hex and dashes are a header value");
    headers.insert(TRACEPARENT, parent);
    let state = trace.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok());
    if let Some(state) = state {
        headers.insert(TRACESTATE, state);
    }
}

fn baggage(baggage: &Baggage) -> Option<HeaderValue> {
    let mut text = String::new();
    for (name, value) in baggage.iter() {
        // A name is a token, as a header's is.
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            continue;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push('=');
        text.extend(utf8_percent_encode(value, BAGGAGE_VALUE));
    }
    if text.is_empty() {
        return None;
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(context: &Context) -> HeaderMap {
        let mut headers = HeaderMap::new();
        write(context, None, &mut headers);
        headers
    }

    #[test]
    fn a_plain_call_says_nothing() {
        assert!(sent(&Context::background()).is_empty());
    }

    #[test]
    fn a_trace_is_sent_as_it_reads() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut trace: TraceContext = text.parse().unwrap();
        trace.state = Some("vendor=1".into());
        let headers = sent(&Context::background().with_trace(trace));
        assert_eq!(headers[TRACEPARENT], text);
        assert_eq!(headers[TRACESTATE], "vendor=1");
    }

    #[test]
    fn baggage_is_encoded_and_bad_names_stay_behind() {
        let members = [("user", "a, b;\u{e9}%"), ("no name", "x"), ("plan", "free")];
        let members = members.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let context = Context::background().with_baggage(Baggage::new(members));
        assert_eq!(sent(&context)[BAGGAGE], "user=a%2C%20b%3B%C3%A9%25,plan=free");
    }

    #[test]
    fn attempt_key_and_criticality_are_sent_where_they_say_something() {
        let context = Context::background()
            .with_idempotency_key("k-1")
            .with_criticality(Criticality::SheddablePlus)
            .outgoing()
            .with_attempt(3);
        let headers = sent(&context);
        assert_eq!(headers[PREVIOUS_ATTEMPTS], "2");
        assert_eq!(headers[IDEMPOTENCY_KEY], "k-1");
        assert_eq!(headers[CRITICALITY], "sheddable-plus");
    }
}
