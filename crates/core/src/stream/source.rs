//! Where the messages of a stream come from.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::Batch;
use crate::{Code, Error};

/// Encoded messages, one by one or as many as are ready: what the layers of every call wrap.
pub(crate) trait Source: Stream<Item = Result<Bytes, Error>> + Send {
    /// Adds messages to `batch`, and says whether there are more. What was added stands in the
    /// batch whatever the answer is: pending, the end of the stream or its failure.
    ///
    /// Some at a time, even where all are ready: so that layers may look at the clock.
    fn poll_batch(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>>;
}

/// How many messages are some.
const SOME: usize = 32;

/// Lets `add` put some messages into `batch`, until it is full.
pub(crate) fn fill(
    batch: &mut Batch,
    mut add: impl FnMut(&mut Batch) -> Poll<Option<Result<(), Error>>>,
) -> Poll<Option<Result<(), Error>>> {
    for _ in 0..SOME {
        if batch.is_full() {
            break;
        }
        match ready!(add(batch)) {
            Some(Ok(())) => {}
            end => return Poll::Ready(end),
        }
    }
    Poll::Ready(Some(Ok(())))
}

pin_project! {
    /// Any stream of encoded messages.
    pub(crate) struct OneByOne<S> {
        #[pin]
        pub(crate) messages: S,
    }
}

impl<S: Stream> Stream for OneByOne<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        self.project().messages.poll_next(cx)
    }
}

impl<S: Stream<Item = Result<Bytes, Error>> + Send> Source for OneByOne<S> {
    fn poll_batch(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let mut messages = self.project().messages;
        fill(batch, |batch| {
            messages
                .as_mut()
                .poll_next(cx)
                .map(|next| next.map(|message| batch.push(0, message?).map_err(|_| too_long())))
        })
    }
}

/// A message that no frame holds.
#[cold]
pub(crate) fn too_long() -> Error {
    Error::by_layer("encode", Code::Internal, "a message is longer than a frame can be: 4 GiB")
}
