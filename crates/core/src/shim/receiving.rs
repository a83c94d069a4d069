//! The messages of an answer on their way to the caller.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::context::canceled;
use crate::{Context, Error, MessageStream, Metadata, Trailers};

/// A stream that ends when its caller's context is cancelled, and leaves its trailers where the
/// caller wants them.
pub(super) struct Receiving {
    /// None once they have ended.
    messages: Option<MessageStream>,
    cx: Context,
    /// Made by the first wait, where somebody may cancel the call.
    cancelled: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Receiving {
    pub(super) fn new(messages: MessageStream, cx: &Context) -> Self {
        Receiving { messages: Some(messages), cx: cx.clone(), cancelled: None }
    }

    fn end(&mut self, trailers: Option<Metadata>) {
        self.messages = None;
        if let Some(received) = self.cx.received() {
            received.end_with(trailers.unwrap_or_default());
        }
    }
}

impl Stream for Receiving {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Receiving { messages, cx: caller, cancelled } = &mut *self;
        let Some(messages) = messages else { return Poll::Ready(None) };
        // Not even what is there already: who cancels a call wants no more of it.
        if caller.is_cancelled() {
            self.end(None);
            return Poll::Ready(Some(Err(canceled())));
        }
        let Poll::Ready(next) = Pin::new(&mut *messages).poll_next(cx) else {
            if !caller.is_cancellable() {
                return Poll::Pending;
            }
            let cancelled = cancelled.get_or_insert_with(|| Box::pin(caller.cancelled_owned()));
            ready!(cancelled.as_mut().poll(cx));
            self.end(None);
            return Poll::Ready(Some(Err(canceled())));
        };
        let trailers = match &next {
            Some(Ok(_)) => return Poll::Ready(next),
            Some(Err(error)) => error.metadata().map(|metadata| metadata.trailers.clone()),
            None => messages.trailers().and_then(Trailers::take),
        };
        self.end(trailers);
        Poll::Ready(next)
    }
}
