//! Nobody works for a caller who has stopped waiting.
//!
//! A call whose deadline has passed is not begun, and one that reaches it is dropped: before its
//! answer, or in the middle of the stream that is its answer. The timer is made only when a call is
//! not done at once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::contract::Method;
use crate::moment;
use crate::stream::Source;
use crate::{Batch, Body, Code, Endpoint, Error, Layer, Reply, Request};

const NAME: &str = "deadline";

/// Holds calls to the deadline of their context.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline;

impl Deadline {
    /// The error of a call that is not begun, for a stack that keeps all that it knows of a call in one
    /// future.
    #[must_use]
    pub fn passed() -> Error {
        expired("the deadline had passed before the call began")
    }

    /// The error of a call that is ended.
    #[must_use]
    pub fn reached() -> Error {
        expired("there was no answer before the deadline")
    }

    /// The answer of a call that had to be over at `deadline`: if it is a stream, it is held to that, by
    /// the `timer` that there is.
    ///
    /// # Errors
    /// The one of the answer; that of the deadline, if the other end was the first to end the call at it.
    pub fn hold(
        answer: Result<Reply, Error>,
        deadline: Instant,
        timer: Option<Pin<Box<Sleep>>>,
    ) -> Result<Reply, Error> {
        if is_message(&answer) { answer } else { beyond(answer, deadline, timer) }
    }
}

impl<E: Endpoint> Layer<E> for Deadline {
    type Endpoint = DeadlineEndpoint<E>;

    fn layer(&self, _: &'static Method, inner: E) -> DeadlineEndpoint<E> {
        DeadlineEndpoint(inner)
    }
}

/// An endpoint held to the [`Deadline`].
#[derive(Debug)]
pub struct DeadlineEndpoint<E>(E);

impl<E: Endpoint> Endpoint for DeadlineEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let deadline = request.context.deadline();
        if deadline.is_some_and(|deadline| deadline <= moment::now()) {
            return Until::Over;
        }
        Until::Begun { call: self.0.call(request), deadline, timer: None }
    }
}

pin_project! {
    #[project = UntilProjection]
    enum Until<F> {
        Begun {
            #[pin]
            call: F,
            deadline: Option<Instant>,
            // In a box, which only a call that waits pays for: every call is as large as its future.
            timer: Option<Pin<Box<Sleep>>>,
        },
        // The deadline had passed before the call.
        Over,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Until<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let (call, deadline, timer) = match self.project() {
            UntilProjection::Begun { call, deadline, timer } => (call, *deadline, timer),
            UntilProjection::Over => {
                return Poll::Ready(Err(Deadline::passed()));
            }
        };
        if let Poll::Ready(answer) = call.poll(cx) {
            return Poll::Ready(match deadline {
                Some(deadline) => Deadline::hold(answer, deadline, timer.take()),
                None => answer,
            });
        }
        let Some(deadline) = deadline else { return Poll::Pending };
        let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).map(|()| Err(Deadline::reached()))
    }
}

fn is_message(answer: &Result<Reply, Error>) -> bool {
    answer.as_ref().is_ok_and(|reply| matches!(reply.payload().body(), Body::Unary(_)))
}

/// The deadline of an answer that has begun, or is none.
#[cold]
fn beyond(
    answer: Result<Reply, Error>,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
) -> Result<Reply, Error> {
    let reply = answer.map_err(|error| in_time(error, deadline))?;
    let timer = timer.map(Timer::new);
    let untimed = 0;
    let wrap = |messages| StreamUntil { messages, deadline, timer, untimed };
    Ok(reply.wrap_stream_until(deadline, wrap))
}

/// How many messages that were there at once go by between two looks at the clock.
const UNTIMED: u8 = 32;

struct StreamUntil {
    messages: Pin<Box<dyn Source>>,
    deadline: Instant,
    timer: Option<Timer>,
    untimed: u8,
}

impl StreamUntil {
    /// Whether the deadline has passed while messages were there at once.
    fn is_over(&mut self) -> bool {
        if self.untimed < UNTIMED {
            return false;
        }
        self.untimed = 0;
        self.deadline <= Instant::now()
    }

    /// Waits for the deadline.
    fn wait(&mut self, cx: &mut TaskContext<'_>) -> Poll<Error> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Timer::new(Box::pin(sleep_until(deadline))));
        timer.poll(cx).map(|()| cut_off())
    }
}

impl Stream for StreamUntil {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over() {
            return Poll::Ready(Some(Err(cut_off())));
        }
        if let Poll::Ready(next) = self.messages.as_mut().poll_next(cx) {
            self.untimed += 1;
            let deadline = self.deadline;
            return Poll::Ready(next.map(|next| next.map_err(|error| in_time(error, deadline))));
        }
        self.wait(cx).map(|error| Some(Err(error)))
    }
}

impl Source for StreamUntil {
    fn poll_batch(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        if self.is_over() {
            return Poll::Ready(Some(Err(cut_off())));
        }
        if let Poll::Ready(next) = self.messages.as_mut().poll_batch(cx, batch) {
            // Nobody counted them, but a batch is some.
            self.untimed = UNTIMED;
            let deadline = self.deadline;
            return Poll::Ready(next.map(|next| next.map_err(|error| in_time(error, deadline))));
        }
        self.wait(cx).map(|error| Some(Err(error)))
    }
}

/// A timer that is asked again and again by the same task, which it wakes anyway.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// Whom it wakes.
    waker: Option<Waker>,
}

impl Timer {
    fn new(sleep: Pin<Box<Sleep>>) -> Self {
        Timer { sleep, waker: None }
    }

    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        // A task that has done enough in this turn is woken at once instead, and has to ask again.
        self.waker = has_budget_remaining().then(|| cx.waker().clone());
        self.sleep.as_mut().poll(cx)
    }
}

/// The other end keeps the same deadline, and may be the first to end the call at it.
#[cold]
fn in_time(error: Error, deadline: Instant) -> Error {
    if error.code() == Code::Canceled && deadline <= Instant::now() {
        return expired("the call was cut off at the deadline").with_source(error);
    }
    error
}

#[cold]
fn cut_off() -> Error {
    expired("the stream did not end before the deadline")
}

#[cold]
fn expired(why: &'static str) -> Error {
    Error::by_layer(NAME, Code::DeadlineExceeded, why)
}
