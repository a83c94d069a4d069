//! The spans that user code tells apart with `tracing`, within those of its calls.
//!
//! One that begins in a call whose trace is recorded gets an identifier of its own, and is exported when
//! it is closed. What is logged in it carries that identifier, and a call that is made in it is part of
//! it. What belongs to no call, or to one that is not recorded, costs a look and is left alone.

use kitfox_core::platform::WallClock;
use kitfox_core::{Context, TraceContext};
use tokio::time::Instant;
use tracing::Metadata;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::{Span, SpanKind, Spans};
use crate::logs::AttributeValue;

/// A span of user code that is open.
#[derive(Debug)]
pub(crate) struct UserSpan {
    own: TraceContext,
    parent: [u8; 8],
    /// The span of the call that it is within. What a call within this span does is not its own.
    call: [u8; 8],
    started: Instant,
    clock: WallClock,
    spans: Spans,
}

impl UserSpan {
    /// One that begins now in the call of `cx`, within `outer` at most.
    pub(crate) fn begin<'a, R: LookupSpan<'a>>(
        cx: &Context,
        spans: Spans,
        outer: Option<SpanRef<'a, R>>,
    ) -> Option<Self> {
        let call = cx.trace().filter(TraceContext::sampled)?;
        let parent = innermost(outer, call.span_id).map_or(call.span_id, |outer| outer.span_id);
        let own = TraceContext { span_id: super::sampler::span_id(cx.random()), ..call.clone() };
        let (call, started, clock) = (call.span_id, Instant::now(), cx.clock().clone());
        Some(UserSpan { own, parent, call, started, clock, spans })
    }

    /// It is over.
    pub(crate) fn end<'f>(
        self,
        metadata: &Metadata<'_>,
        fields: impl Iterator<Item = (&'f str, AttributeValue<'f>)>,
    ) {
        let span = Span {
            trace: &self.own,
            parent: Some(self.parent),
            remote: false,
            name: metadata.name(),
            kind: SpanKind::Internal,
            start: self.clock.unix_nanos(self.started),
            end: self.clock.unix_nanos(Instant::now()),
            error: None,
        };
        self.spans.write(&span, |attributes| {
            attributes.text("target", metadata.target());
            for (name, value) in fields {
                attributes.put(name, value);
            }
        });
    }
}

/// The innermost span of user code, from `span` outwards, that is within the call with the span `call`.
pub(crate) fn innermost<'a, R: LookupSpan<'a>>(
    span: Option<SpanRef<'a, R>>,
    call: [u8; 8],
) -> Option<TraceContext> {
    span?.scope().find_map(|span| {
        let extensions = span.extensions();
        let user = extensions.get::<UserSpan>().filter(|user| user.call == call)?;
        Some(user.own.clone())
    })
}

/// The same, from the one in which this thread is.
pub(crate) fn entered(call: [u8; 8]) -> Option<TraceContext> {
    tracing::dispatcher::get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let current = tracing::Subscriber::current_span(registry);
        innermost(registry.span(current.id()?), call)
    })
}
