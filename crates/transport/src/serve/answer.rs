//! One request and its answer: counted while in flight, and a panic is its own failure only.

use std::any::Any;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::InFlight;
use super::stalled;
use crate::Handler;

type BoxError = Box<dyn Error + Send + Sync>;

/// Answers `request`. A panic becomes 500 without a body, `CONNECT` 501.
// No `async fn`: that would move the request once more.
#[expect(clippy::manual_async_fn, reason = "a call costs less")]
pub(super) fn answer<H, B>(
    in_flight: InFlight<H>,
    request: Request<B>,
) -> impl Future<Output = Result<Response<Answer<H>>, Infallible>>
where
    H: Handler,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    async move {
        // A tunnel would live in a task of hyper's choice, beside all that watches a connection.
        if request.method() == Method::CONNECT {
            return Ok(empty(StatusCode::NOT_IMPLEMENTED, in_flight));
        }
        let head = request.method() == Method::HEAD;
        let served = in_flight.served();
        let handled = {
            // Where it stands, for it is large.
            let future = pin!(served.handler.handle(&served.peer, request));
            Caught { future }.await
        };
        Ok(match handled {
            Some(response) if head => without_body(response, in_flight),
            Some(response) => response.map(|body| Answer::new(Some(body), in_flight)),
            None => empty(StatusCode::INTERNAL_SERVER_ERROR, in_flight),
        })
    }
}

/// The answer to `HEAD`: what `GET` would be told, without the body, which HTTP/2 would send.
#[cold]
fn without_body<H: Handler>(
    response: Response<H::Body>,
    in_flight: InFlight<H>,
) -> Response<Answer<H>> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    Response::from_parts(parts, Answer::new(None, in_flight))
}

fn empty<H: Handler>(status: StatusCode, in_flight: InFlight<H>) -> Response<Answer<H>> {
    let mut response = Response::new(Answer::new(None, in_flight));
    *response.status_mut() = status;
    response
}

pin_project! {
    /// The body of an answer: its request is in flight until it is dropped.
    pub(super) struct Answer<H: Handler> {
        #[pin]
        body: Option<H::Body>,
        // What is left of a piece that was too large for one.
        rest: Bytes,
        in_flight: InFlight<H>,
    }
}

impl<H: Handler> Answer<H> {
    fn new(body: Option<H::Body>, in_flight: InFlight<H>) -> Self {
        Answer { body, rest: Bytes::new(), in_flight }
    }
}

impl<H: Handler> Body for Answer<H> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let piece = this.in_flight.served().piece;
        if !this.rest.is_empty() {
            stalled::asked(true);
            let next = this.rest.split_to(piece.min(this.rest.len()));
            return Poll::Ready(Some(Ok(Frame::data(next))));
        }
        let Some(body) = this.body.as_pin_mut() else {
            return Poll::Ready(None);
        };
        // What a panic left half done is dropped with the body: an error is its last word.
        match catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))) {
            Ok(mut polled) => {
                stalled::asked(polled.is_ready());
                if let Poll::Ready(Some(Ok(frame))) = &mut polled
                    && let Some(data) = frame.data_mut()
                    && data.len() > piece
                {
                    *this.rest = data.split_off(piece);
                }
                polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            Err(panic) => {
                report(&*panic);
                Poll::Ready(Some(Err("the answer's body panicked".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// A future whose panic is `None`.
struct Caught<'a, F> {
    future: Pin<&'a mut F>,
}

impl<F: Future> Future for Caught<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.future.as_mut();
        // What the panic left half done is dropped with the request.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(panic) => {
                report(&*panic);
                Poll::Ready(None)
            }
        }
    }
}

fn report(panic: &(dyn Any + Send)) {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text");
    tracing::error!(message, "a handler panicked outside of any method: its request failed");
}
