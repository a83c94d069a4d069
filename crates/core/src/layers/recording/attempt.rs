//! The record of an attempt, until its answer is a stream: nearly as much is known of it as of its call, and
//! little of it is the attempt's own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::stream::Requested;
use super::{Bound, OpenRecord, Records, ended};
use crate::contract::Method;
use crate::moment::Moment;
use crate::record::{Outcome, Record, Side, Stage, Ticket, Volume};
use crate::{Context, Endpoint, Error, Layer, Reply, Request};

/// [`Recording`](super::Recording) of attempts, for a channel that puts calls on a wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptRecording;

impl<E: Endpoint> Layer<E> for AttemptRecording {
    type Endpoint = AttemptRecordingEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> AttemptRecordingEndpoint<E> {
        let records = Records::new(Side::Attempt, method);
        AttemptRecordingEndpoint { records, inner }
    }
}

/// An endpoint whose calls are recorded as attempts.
#[derive(Debug)]
pub struct AttemptRecordingEndpoint<E> {
    records: Records,
    inner: E,
}

impl<E: Endpoint> Endpoint for AttemptRecordingEndpoint<E> {
    fn call(&self, mut request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let Some(bound) = self.records.bound(&request.context) else {
            return Attempting::Unobserved { call: self.inner.call(request) };
        };
        let open = Open::begin(bound, &mut request);
        Attempting::Recorded { call: self.inner.call(request), open }
    }
}

pin_project! {
    #[project = AttemptingProjection]
    enum Attempting<'a, F> {
        Unobserved {
            #[pin]
            call: F,
        },
        Recorded {
            #[pin]
            call: F,
            // After the call itself, so that what it says while it is dropped is in its record.
            open: Open<'a>,
        },
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Attempting<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let (call, open) = match self.project() {
            AttemptingProjection::Recorded { call, open } => (call, open),
            AttemptingProjection::Unobserved { call } => return call.poll(cx),
        };
        let _entered = open.own_context.then(|| open.context.enter());
        let answer = ready!(call.poll(cx));
        let took = open.begun.until_shared();
        match ended(&answer) {
            Some((outcome, reply)) => open.close(outcome, took, reply),
            None => return Poll::Ready(open.stream(answer)),
        }
        Poll::Ready(answer)
    }
}

/// A record that is not over.
struct Open<'a> {
    /// None when it is over.
    bound: Option<Bound<'a>>,
    own_context: bool,
    sampled: bool,
    context: Context,
    begun: Moment,
    requested: Requested,
}

impl<'a> Open<'a> {
    #[inline(always)]
    fn begin(bound: Bound<'a>, request: &mut Request) -> Self {
        let begun = Moment::shared();
        let (own_context, sampled) = enter_attempt(&mut request.context, &bound);
        let context = request.context.clone();
        let requested = Requested::of(&mut request.payload);
        Open { bound: Some(bound), own_context, sampled, context, begun, requested }
    }

    #[inline(always)]
    fn close(&mut self, outcome: Outcome<'_>, took: u64, received: Volume) {
        let Some(bound) = self.bound.take() else { return };
        bound.recorder().end(&Record {
            context: &self.context,
            ticket: Ticket::default(),
            started: self.begun.instant,
            nanos: took,
            sampled: self.sampled,
            outcome,
            received,
            sent: self.requested.volume(),
        });
    }

    #[cold]
    fn dropped(&mut self) {
        self.close(Outcome::Dropped, self.begun.until(Instant::now()), Volume::default());
    }

    /// The answer is a stream, whose end will be that of the attempt.
    #[cold]
    fn stream(&mut self, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let mut open = OpenRecord {
            bound: self.bound.take(),
            side: Side::Attempt,
            own_context: self.own_context,
            sampled: self.sampled,
            context: self.context.clone(),
            ticket: Ticket::default(),
            begun: self.begun,
            requested: self.requested.clone(),
        };
        open.stream(answer)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.bound.is_some() {
            self.dropped();
        }
    }
}

/// An attempt begins. Says whether its span is recorded, and is its own.
#[inline]
fn enter_attempt(context: &mut Context, bound: &Bound<'_>) -> (bool, bool) {
    context.enter_stage(Stage::Channel);
    // Where nothing is recorded, the call's own span is as good a parent.
    if !context.is_sampled() {
        return (false, false);
    }
    let span = bound.recorder().attempt_span(context);
    let own_context = span.is_some();
    if let Some(span) = span {
        *context = context.with_trace(span);
    }
    (own_context, true)
}
