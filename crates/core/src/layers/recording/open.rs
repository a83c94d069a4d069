//! A record that is not over.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::Bound;
use super::stream::{Counted, Counts};
use crate::context::Entered;
use crate::moment::{self, Polled};
use crate::record::{Outcome, Record, Side, Stage, Ticket, Volume};
use crate::{Body, Context, MethodNumber, Payload, Request};

/// A record that is not over. Dropping it says that nobody waited for the end.
pub(super) struct Open<'a> {
    /// None when it is over.
    bound: Option<Bound<'a>>,
    side: Side,
    /// Whether the context is another one than that of whoever called.
    own_context: bool,
    context: Context,
    ticket: Ticket,
    started: Instant,
    request: Volume,
    /// What of a request that is a stream has gone by.
    streamed: Option<Arc<Counts>>,
    pub(super) reply: Volume,
}

impl<'a> Open<'a> {
    pub(super) fn begin(
        bound: Bound<'a>,
        side: Side,
        method: MethodNumber,
        request: &mut Request,
    ) -> Self {
        let (context, recorder) = (&mut request.context, bound.recorder());
        let mut own_context = true;
        let started = match side {
            Side::Server => context.started().unwrap_or_else(Instant::now),
            Side::Client => Instant::now(),
            Side::Attempt => moment::now(),
        };
        if side == Side::Attempt {
            context.enter_stage(Stage::Channel);
            // Where nothing is recorded, the call's own span is as good a parent.
            let span = if context.is_sampled() { recorder.attempt_span(context) } else { None };
            own_context = span.is_some();
            if let Some(span) = span {
                *context = context.with_trace(span);
            }
        } else {
            context.enter_stage(Stage::Layers);
            context.enter_method(method);
        }
        let ticket = recorder.begin(context, started);
        let context = context.clone();
        let (request, streamed) = match request.payload.body() {
            Body::Unary(message) => (Volume::one(message.len()), None),
            Body::Stream(_) => (Volume::default(), Some(count(&mut request.payload))),
        };
        let (bound, reply) = (Some(bound), Volume::default());
        Open { bound, side, own_context, context, ticket, started, request, streamed, reply }
    }

    /// For as long as the stream that is the answer.
    pub(super) fn keep(&mut self) -> Open<'static> {
        self.context.enter_stage(Stage::Stream);
        Open {
            bound: self.bound.take().map(Bound::keep),
            side: self.side,
            own_context: self.own_context,
            context: self.context.clone(),
            ticket: self.ticket,
            started: self.started,
            request: self.request,
            streamed: self.streamed.take(),
            reply: self.reply,
        }
    }

    /// While the call is polled, its context is the current one.
    pub(super) fn entered(&self) -> Option<Entered> {
        self.own_context.then(|| self.context.enter())
    }

    /// What stands around a call decides about it at one moment, before it is polled.
    pub(super) fn entering(&self) -> Option<Polled> {
        match self.side {
            Side::Client => Some(Polled::begin(Some(self.started))),
            // It may have begun a while ago: its body had to arrive.
            Side::Server => Some(Polled::begin(None)),
            Side::Attempt => None,
        }
    }

    /// A client's call is one moment at its beginning, which may be that of its first poll, and one at
    /// its end. What a method does takes its time.
    pub(super) fn polled(&self, first: bool) -> Option<Polled> {
        let reading = first.then_some(self.started);
        (self.side == Side::Client).then(|| Polled::begin(reading))
    }

    /// When the call is over that has just been answered.
    pub(super) fn ended(&self) -> Instant {
        match self.side {
            Side::Server => Instant::now(),
            Side::Client | Side::Attempt => moment::after(self.started),
        }
    }

    /// It was answered by one message of so many bytes.
    pub(super) fn answered(&mut self, bytes: usize, status: Option<u16>, ended: Instant) {
        self.reply = Volume::one(bytes);
        self.close(Outcome::Answered(status), ended);
    }

    pub(super) fn close(&mut self, outcome: Outcome<'_>, ended: Instant) {
        let Some(bound) = self.bound.take() else { return };
        let request = self.streamed.as_deref().map_or(self.request, Counts::volume);
        let (received, sent) = match self.side {
            Side::Server => (request, self.reply),
            Side::Client | Side::Attempt => (self.reply, request),
        };
        bound.recorder().end(&Record {
            context: &self.context,
            ticket: self.ticket,
            started: self.started,
            ended,
            outcome,
            received,
            sent,
        });
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.bound.is_some() {
            self.close(Outcome::Dropped, Instant::now());
        }
    }
}

/// Counts the messages of a request as they go by.
#[cold]
fn count(payload: &mut Payload) -> Arc<Counts> {
    let codec = payload.codec();
    let streamed = std::mem::replace(payload, Payload::unary(codec, Bytes::new()));
    let counts = Arc::<Counts>::default();
    let counting = Arc::clone(&counts);
    let wrap = |messages| Counted { messages, counts: counting };
    *payload = Payload::stream(codec, streamed.into_stream().wrap(wrap));
    counts
}
