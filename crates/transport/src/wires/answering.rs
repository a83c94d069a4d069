//! The future of an answer. Written by hand: an `async` block would move each answer twice more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Response;
use http_body::Body;
use kitfox_core::Endpoint;
use pin_project_lite::pin_project;

use super::afterwards::Afterwards;
use super::body::{AnswerBody, BoxError};
use super::step::Step;

pin_project! {
    /// An answer, and what is done with it when it is there.
    struct Answering<'a, F> {
        #[pin]
        answer: Answer<'a, F>,
        afterwards: Option<Box<Afterwards>>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    enum Answer<'a, F> {
        OfCall { #[pin] call: F },
        There { response: Option<Box<Response<AnswerBody>>> },
        Aside { future: BoxFuture<'a, Response<AnswerBody>> },
    }
}

/// Answers as `step` says, and then does what comes `afterwards`.
pub(super) fn answer<'a, E, B>(
    step: Step<'a, E, B>,
    afterwards: Option<Box<Afterwards>>,
) -> impl Future<Output = Response<AnswerBody>> + Send + use<'a, E, B>
where
    E: Endpoint,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let answer = match step {
        Step::Call(call) => Answer::OfCall { call: call.answer() },
        Step::Answered(response) => Answer::There { response: Some(response) },
        Step::Aside(future) => Answer::Aside { future },
    };
    Answering { answer, afterwards }
}

impl<F: Future<Output = Response<AnswerBody>>> Future for Answering<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.answer.project() {
            // Where it is wanted, and there alone: an answer is large.
            AnswerProjection::OfCall { call } => {
                let mut answer = call.poll(cx);
                change(&mut answer, this.afterwards);
                answer
            }
            AnswerProjection::There { response } => {
                let response = response.take().expect("a future is not polled after its end");
                let mut answer = Poll::Ready(*response);
                change(&mut answer, this.afterwards);
                answer
            }
            AnswerProjection::Aside { future } => {
                let mut answer = future.as_mut().poll(cx);
                change(&mut answer, this.afterwards);
                answer
            }
        }
    }
}

#[inline]
fn change(answer: &mut Poll<Response<AnswerBody>>, afterwards: &mut Option<Box<Afterwards>>) {
    if let Poll::Ready(response) = answer
        && let Some(afterwards) = afterwards.take()
    {
        afterwards.change(response);
    }
}
