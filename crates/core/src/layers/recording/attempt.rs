//! The record of an attempt, where that is one message each way: nearly as much is known of it as of its
//! call, and little of it is the attempt's own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::open::enter_attempt;
use super::{Bound, Calling, OpenRecord, Records};
use crate::contract::Method;
use crate::moment::{self, Moment};
use crate::record::{Outcome, Record, Side, Ticket, Volume};
use crate::{Body, Context, Endpoint, Error, Layer, Reply, Request};

/// [`Recording`](super::Recording) of attempts, for a channel that puts calls on a wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptRecording;

impl<E: Endpoint> Layer<E> for AttemptRecording {
    type Endpoint = AttemptRecordingEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> AttemptRecordingEndpoint<E> {
        let records = super::Recording::new(Side::Attempt).of(method);
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
        if let Body::Stream(_) = request.payload.body() {
            let open = self.records.open(bound, &mut request);
            let call = Box::pin(Calling::new(self.inner.call(request), open));
            return Attempting::Stream { call };
        }
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
        // In a box: every call is as large as its future.
        Stream { call: Pin<Box<Calling<'a, F, OpenRecord<'a>>>> },
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Attempting<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let (call, open) = match self.project() {
            AttemptingProjection::Recorded { call, open } => (call, open),
            AttemptingProjection::Unobserved { call } => return call.poll(cx),
            AttemptingProjection::Stream { call } => return call.as_mut().poll(cx),
        };
        let _entered = open.own_context.then(|| open.context.enter());
        let answer = ready!(call.poll(cx));
        let took = moment::nanos_after(open.begun).saturating_sub(open.begun);
        Poll::Ready(match &answer {
            Ok(reply) => match reply.message() {
                Some((bytes, status)) => {
                    open.close(Outcome::Answered(status), took, Volume::one(bytes));
                    answer
                }
                None => open.stream(answer),
            },
            Err(error) => {
                open.close(Outcome::Failed(error), took, Volume::default());
                answer
            }
        })
    }
}

/// A record that is not over.
struct Open<'a> {
    /// None when it is over.
    bound: Option<Bound<'a>>,
    own_context: bool,
    sampled: bool,
    context: Context,
    started: Instant,
    begun: u64,
    bytes: u64,
}

impl<'a> Open<'a> {
    #[inline]
    fn begin(bound: Bound<'a>, request: &mut Request) -> Self {
        let (started, begun) = (moment::now(), moment::nanos());
        let (own_context, sampled) = enter_attempt(&mut request.context, &bound);
        let context = request.context.clone();
        let bytes = match request.payload.body() {
            Body::Unary(message) => message.len() as u64,
            Body::Stream(_) => 0,
        };
        let bound = Some(bound);
        Open { bound, own_context, sampled, context, started, begun, bytes }
    }

    #[inline]
    fn close(&mut self, outcome: Outcome<'_>, took: u64, received: Volume) {
        let Some(bound) = self.bound.take() else { return };
        bound.recorder().end(&Record {
            context: &self.context,
            ticket: Ticket::default(),
            started: self.started,
            nanos: took,
            sampled: self.sampled,
            outcome,
            received,
            sent: Volume { messages: 1, bytes: self.bytes },
        });
    }

    #[cold]
    fn dropped(&mut self) {
        let took = moment::nanos_of(Instant::now()).saturating_sub(self.begun);
        self.close(Outcome::Dropped, took, Volume::default());
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
            begun: Moment { instant: self.started, nanos: self.begun },
            bytes: self.bytes,
            streamed: None,
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
