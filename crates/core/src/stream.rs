//! Streams of messages: encoded, as layers see them, and typed, as business logic does.

mod channel;

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;

pub use channel::Sender;

use crate::Error;
use crate::reply::Guards;

/// Encoded messages as they come, and the guards of the call they belong to.
///
/// The guards are let go as soon as the stream ends, breaks (yields an error) or is dropped.
pub struct MessageStream {
    messages: Option<BoxStream<'static, Result<Bytes, Error>>>,
    guards: Guards,
}

impl MessageStream {
    /// A stream of encoded messages. What comes after an error is never asked for.
    #[must_use]
    pub fn new(messages: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        MessageStream { messages: Some(Box::pin(messages)), guards: Guards::default() }
    }

    /// A stream of one message.
    #[must_use]
    pub fn once(message: Bytes) -> Self {
        let mut message = Some(message);
        MessageStream::new(Ready(move || message.take().map(Ok)))
    }

    pub(crate) fn hold(&mut self, guards: Guards) {
        self.guards.join(guards);
    }
}

impl Stream for MessageStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Some(messages) = &mut self.messages else { return Poll::Ready(None) };
        let next = std::task::ready!(messages.as_mut().poll_next(cx));
        if !matches!(next, Some(Ok(_))) {
            self.messages = None;
            self.guards = Guards::default();
        }
        Poll::Ready(next)
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").field("open", &self.messages.is_some()).finish()
    }
}

/// Messages of type `T` as they come; each may be the error `E` that ends the stream.
///
/// A method that streams takes or returns one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use kitfox_core::Streaming;
///
/// let mut words: Streaming<&str> = Streaming::of(["a", "b"]);
/// assert_eq!(words.next().await.unwrap().unwrap(), "a");
/// # });
/// ```
pub struct Streaming<T, E = Error>(BoxStream<'static, Result<T, E>>);

impl<T, E> Streaming<T, E> {
    /// The messages of `stream`.
    #[must_use]
    pub fn new(stream: impl Stream<Item = Result<T, E>> + Send + 'static) -> Self {
        Streaming(Box::pin(stream))
    }

    /// Messages that are there already.
    #[must_use]
    pub fn of<I>(messages: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + Unpin + 'static,
    {
        let mut messages = messages.into_iter();
        Streaming(Box::pin(Ready(move || messages.next().map(Ok))))
    }

    /// The next message; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<T, E>> {
        std::future::poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }

    /// The next message; `None` after the last. For a method that returns what breaks its stream:
    /// `while let Some(word) = words.try_next().await? { .. }`.
    ///
    /// # Errors
    /// What broke the stream.
    pub async fn try_next(&mut self) -> Result<Option<T>, E> {
        self.next().await.transpose()
    }
}

impl<T, E> Stream for Streaming<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T, E> fmt::Debug for Streaming<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").finish_non_exhaustive()
    }
}

/// A stream whose next item is there whenever it is asked for.
struct Ready<F>(F);

impl<T, F: FnMut() -> Option<T> + Unpin> Stream for Ready<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<T>> {
        Poll::Ready((self.0)())
    }
}
