//! A span in OTLP.

use kitfox_core::TraceContext;

use super::batch::ITEMS;
use super::message::Message;
use crate::traces::{Attributes, Span, SpanKind};

/// Numbers of fields in `Span` and `Status`.
const TRACE_ID: u32 = 1;
const SPAN_ID: u32 = 2;
const TRACE_STATE: u32 = 3;
const PARENT_SPAN_ID: u32 = 4;
const NAME: u32 = 5;
const KIND: u32 = 6;
const START: u32 = 7;
const END: u32 = 8;
const STATUS: u32 = 15;
const FLAGS: u32 = 16;
/// In `Span` as well.
pub(crate) const SPAN_ATTRIBUTES: u32 = 9;
const STATUS_MESSAGE: u32 = 2;
const STATUS_CODE: u32 = 3;
const FAILED: u64 = 2;

/// Bits of a span's flags beside those of the trace: whether the parent is in another process, and
/// that this is known.
const REMOTE_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

/// Writes a span, as an item of a batch.
#[inline]
pub(crate) fn write_span(
    out: &mut Vec<u8>,
    span: &Span<'_>,
    write: impl FnOnce(&mut Attributes<'_, '_>),
) {
    Message(out).nested(ITEMS, |message| {
        let TraceContext { trace_id, span_id, flags, state } = span.trace;
        message.bytes(TRACE_ID, trace_id);
        message.bytes(SPAN_ID, span_id);
        if let Some(state) = state {
            message.bytes(TRACE_STATE, &**state);
        }
        if let Some(parent) = span.parent {
            message.bytes(PARENT_SPAN_ID, parent);
        }
        message.bytes(NAME, span.name);
        message.number(KIND, kind(span.kind));
        message.fixed64(START, span.start);
        message.fixed64(END, span.end);
        write(&mut Attributes::new(message));
        if let Some(why) = span.error {
            message.nested(STATUS, |status| {
                if !why.is_empty() {
                    status.bytes(STATUS_MESSAGE, why);
                }
                status.number(STATUS_CODE, FAILED);
            });
        }
        let remote = if span.remote { REMOTE } else { 0 };
        message.fixed32(FLAGS, u32::from(*flags) | REMOTE_KNOWN | remote);
    });
}

fn kind(kind: SpanKind) -> u64 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    }
}
