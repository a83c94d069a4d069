//! Nobody works for a caller who has stopped waiting.
//!
//! A call whose deadline has passed is not begun, and one that reaches it is dropped. The timer is
//! made only when a call is not done at once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::contract::Method;
use crate::{Code, Endpoint, Error, Layer, Reply, Request};

const NAME: &str = "deadline";

/// Holds calls to the deadline of their context.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deadline;

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
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Some(deadline) = request.context.deadline() else {
            return self.0.call(request).await;
        };
        if deadline <= Instant::now() {
            let why = "the deadline had passed before the call began";
            return Err(Error::by_layer(NAME, Code::DeadlineExceeded, why));
        }
        Until { future: self.0.call(request), deadline, timer: None }.await
    }
}

pin_project! {
    struct Until<F> {
        #[pin]
        future: F,
        deadline: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Until<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(output);
        }
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(*this.deadline)));
        }
        let timer = this.timer.as_pin_mut().expect("set just above");
        timer.poll(cx).map(|()| {
            let why = "there was no answer before the deadline";
            Err(Error::by_layer(NAME, Code::DeadlineExceeded, why))
        })
    }
}
