//! b3's headers, a line each: one for all, or one for each part.

use kitfox::{Context, Sampling, TraceContext};
use kitfox_transport::client::B3;
use kitfox_transport::fuzzing::b3;

use super::text::{head_and_rest, headers};
use crate::outcome::both;

pub(super) const WORDS: &[&str] = &[
    "\n",
    "b3:",
    "x-b3-traceid:",
    "x-b3-spanid:",
    "x-b3-parentspanid:",
    "x-b3-sampled:",
    "x-b3-flags:",
    "80f198ee56343ba864fe8b2a57d3eff7",
    "0000000000000000",
    "e457b5a2e4d86bd1",
    "-",
    "-1",
    "-0",
    "-d",
    "true",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let (lines, _) = head_and_rest(input);
    let (trace, sampling) = b3::read(&headers(&lines));
    match (&trace, sampling) {
        (Some(trace), Sampling::ByTrace | Sampling::Open) => {
            assert!(trace.trace_id != [0; 16] && trace.span_id != [0; 8]);
            assert!(sampling == Sampling::ByTrace || !trace.sampled());
            written_is_read(trace);
        }
        (None, Sampling::ByTrace | Sampling::Wanted | Sampling::Unwanted) => {}
        other => panic!("{other:?} says nothing"),
    }
    let short = trace.as_ref().map_or(0, |trace| 1 + u64::from(trace.trace_id[..8] == [0; 8]));
    both(sampling as u64, both(short, trace.map_or(0, |trace| u64::from(trace.flags))))
}

fn written_is_read(trace: &TraceContext) {
    let context = Context::background().with_trace(trace.clone());
    for form in [B3::Single, B3::Multi] {
        let (again, sampling) = b3::read(&b3::write(form, &context));
        assert_eq!((again.as_ref(), sampling), (Some(trace), Sampling::ByTrace));
    }
}
