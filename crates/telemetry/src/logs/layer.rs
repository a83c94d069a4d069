//! What user code logs with `tracing`, as lines of the call that it is of.

mod values;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use kitfox_core::Context;
use tokio::time::Instant;
use tracing::span;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context as LayerContext;
use tracing_subscriber::registry::LookupSpan;

use super::{Inner, Logs};
use crate::traces::{Spans, UserSpan, innermost};
use values::SpanFields;

/// The logs that hear `tracing`, the first of the process first.
static LISTENING: RwLock<Vec<Weak<Inner>>> = RwLock::new(Vec::new());
/// Whether there are several, whose filters may differ.
static SEVERAL: AtomicBool = AtomicBool::new(false);

/// Makes lines of `tracing`'s events, over tracing-subscriber's `Registry`.
///
/// A line has the event's level, target, message and fields, those of the spans around it as
/// `<span>.<field>`, and of the call in which it happens the ids of trace and span, the method and
/// the members of the baggage that [`LogSettings`](super::LogSettings) name. It goes to the logs of
/// the call's host; outside of any call to the first logs of the process that listen
/// ([`Logs::listen`]). Their filters decide which events and spans there are at all.
///
/// A span in a call whose trace is recorded is exported as a part of that, and is what the lines in it
/// are of.
#[derive(Clone, Copy, Debug)]
pub struct LogLayer {
    find: fn(&Context) -> Option<Logs>,
    spans: fn(&Context) -> Option<Spans>,
}

/// The layer of `tracing` for whom `find` knows the logs of a call's host.
#[must_use]
pub fn layer(find: fn(&Context) -> Option<Logs>) -> LogLayer {
    LogLayer { find, spans: |_| None }
}

impl Logs {
    /// Lets these logs have what is logged with `tracing`, as long as they live. The first that
    /// listen have what belongs to no call.
    pub fn listen(&self) {
        let mut listening = LISTENING.write().unwrap_or_else(PoisonError::into_inner);
        listening.retain(|logs| logs.strong_count() > 0);
        if !listening.iter().any(|logs| std::ptr::eq(logs.as_ptr(), Arc::as_ptr(&self.0))) {
            listening.push(Arc::downgrade(&self.0));
        }
        SEVERAL.store(listening.len() > 1, Ordering::Relaxed);
        drop(listening);
        tracing::callsite::rebuild_interest_cache();
    }
}

/// All that listen.
fn listening() -> impl Iterator<Item = Logs> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let listening = LISTENING.read().unwrap_or_else(PoisonError::into_inner);
        let mut alive = listening.get(at..)?.iter().enumerate();
        let (skipped, logs) = alive.find_map(|(n, logs)| Some((n, logs.upgrade()?)))?;
        at += skipped + 1;
        Some(Logs(logs))
    })
}

impl LogLayer {
    /// With who knows where the spans of a call go.
    #[must_use]
    pub fn with_spans(self, spans: fn(&Context) -> Option<Spans>) -> Self {
        LogLayer { spans, ..self }
    }

    /// Where a line goes that is logged now, and the call that it is of.
    fn place(&self) -> Option<(Logs, Option<Context>)> {
        let cx = Context::current();
        let logs = cx.as_ref().and_then(self.find).or_else(|| listening().next())?;
        Some((logs, cx))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let wanted = |logs: Logs| logs.enabled(*metadata.level(), metadata.target());
        if listening().any(wanted) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let finest = listening().map(|logs| logs.filter().finest());
        Some(finest.fold(LevelFilter::OFF, LevelFilter::max))
    }

    fn on_new_span(&self, new: &span::Attributes<'_>, id: &span::Id, spans: LayerContext<'_, S>) {
        let Some(span) = spans.span(id) else { return };
        if let Some(cx) = Context::current()
            && let Some(exported) = (self.spans)(&cx)
            && let Some(user) = UserSpan::begin(&cx, exported, span.parent())
        {
            span.extensions_mut().insert(user);
        }
        if new.fields().is_empty() {
            return;
        }
        let Some((logs, _)) = self.place() else { return };
        let mut fields = SpanFields::default();
        new.record(&mut fields.keep(span.name(), logs.redaction()));
        span.extensions_mut().insert(fields);
    }

    fn on_close(&self, id: span::Id, spans: LayerContext<'_, S>) {
        let Some(span) = spans.span(&id) else { return };
        let user = span.extensions_mut().remove::<UserSpan>();
        if let Some(user) = user {
            let extensions = span.extensions();
            let fields = extensions.get::<SpanFields>();
            let fields = fields.into_iter().flat_map(|fields| fields.of(span.name()));
            user.end(span.metadata(), fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, spans: LayerContext<'_, S>) {
        let (Some((logs, _)), Some(span)) = (self.place(), spans.span(id)) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(fields) = extensions.get_mut::<SpanFields>() {
            values.record(&mut fields.keep(span.name(), logs.redaction()));
        }
    }

    fn on_event(&self, event: &Event<'_>, spans: LayerContext<'_, S>) {
        let Some((logs, cx)) = self.place() else { return };
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        if SEVERAL.load(Ordering::Relaxed) && !logs.enabled(level, target) {
            return;
        }
        let at = match &cx {
            Some(cx) => cx.clock().unix_nanos(Instant::now()),
            None => logs.now(),
        };
        logs.line(level, at, target, |line| {
            event.record(&mut values::message(line));
            event.record(&mut values::fields(line));
            if let Some(scope) = spans.event_scope(event) {
                for span in scope.from_root() {
                    if let Some(fields) = span.extensions().get::<SpanFields>() {
                        fields.write(line);
                    }
                }
            }
            if let Some(cx) = &cx {
                let call = cx.trace();
                let traced = call.as_ref().filter(|call| call.sampled());
                let user = traced.and_then(|call| innermost(spans.event_span(event), call.span_id));
                line.call(cx, user.as_ref().or(call.as_ref()));
                logs.baggage(cx, line);
            }
        });
    }
}

#[cfg(test)]
mod tests;
