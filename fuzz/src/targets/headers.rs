//! The headers that say something of a call: timeouts, trace, baggage. A line each.

use kitfox::TraceContext;
use kitfox_transport::fuzzing::{baggage, connect_timeout, grpc_timeout};

use super::text::{head_and_rest, headers};
use crate::outcome::both;

pub(super) const WORDS: &[&str] = &[
    "\n",
    "grpc-timeout:",
    "connect-timeout-ms:",
    "traceparent:",
    "tracestate:",
    "baggage:",
    "99999999H",
    "1n",
    "9999999999",
    "00-",
    "-01",
    "0af7651916cd43dd8448eb211c80319c",
    "b7ad6b7169203331",
    "a=1",
    "%20",
    "%",
    ",",
    ";p=1",
    "=",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let (lines, _) = head_and_rest(input);
    let headers = headers(&lines);
    let mut outcome = 0;
    for value in headers.get_all("grpc-timeout") {
        // What a client of ours writes for it is the same, rounded up to what eight digits say.
        let read = grpc_timeout::read(value.as_bytes());
        if let Some(time) = read {
            let written = grpc_timeout::write(time);
            let again = grpc_timeout::read(written.as_bytes()).expect("what we write we read");
            assert!(again >= time && again <= time + time / 1000, "{time:?} became {again:?}");
        }
        outcome = both(outcome, read.map_or(1, |time| time.as_secs().leading_zeros().into()));
    }
    for value in headers.get_all("connect-timeout-ms") {
        let read = connect_timeout::read(value.as_bytes());
        if let Some(time) = read {
            let again = connect_timeout::read(connect_timeout::write(time).as_bytes());
            assert_eq!(again, Some(time));
        }
        outcome = both(outcome, read.map_or(2, |time| time.as_millis().leading_zeros().into()));
    }
    for value in headers.get_all("traceparent") {
        let read = value.to_str().ok().and_then(|text| text.parse::<TraceContext>().ok());
        if let Some(trace) = &read {
            let again: TraceContext = trace.to_string().parse().expect("what we write we read");
            assert_eq!((again.trace_id, again.span_id), (trace.trace_id, trace.span_id));
            assert_eq!(again.sampled(), trace.sampled());
        }
        outcome = both(outcome, 3 + u64::from(read.is_some()));
    }
    let carried = baggage::read(&headers);
    if let Some(carried) = &carried {
        let again = baggage::read(&baggage::write(carried));
        let all = |baggage: &kitfox::Baggage| {
            // What is no token is left out by who writes.
            let pairs =
                baggage.iter().filter(|(name, _)| http::HeaderName::try_from(*name).is_ok());
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(again.as_ref().map(all).unwrap_or_default(), all(carried));
    }
    both(outcome, carried.map_or(0, |carried| 1 + carried.iter().count() as u64))
}
