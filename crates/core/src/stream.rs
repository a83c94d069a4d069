//! Streams of messages: encoded, as layers see them, and typed, as business logic does.

mod batch;
mod channel;
mod source;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use tokio::time::Instant;

pub use batch::{Batch, TooLong};
pub use channel::Sender;
use source::OneByOne;
pub(crate) use source::{Source, fill, too_long};

use crate::reply::Guards;
use crate::{Error, Metadata};

/// Encoded messages as they come, the guards of the call they belong to, and its trailers.
///
/// The guards are let go as soon as the stream ends, breaks (yields an error) or is dropped.
///
/// In a box, so that calls with one message do not grow by what only streams have.
pub struct MessageStream(Box<Parts>);

struct Parts {
    messages: Option<Pin<Box<dyn Source>>>,
    guards: Guards,
    trailers: Option<Trailers>,
    deadline: Option<Instant>,
}

impl MessageStream {
    /// A stream of encoded messages. What comes after an error is never asked for.
    #[must_use]
    pub fn new(messages: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        MessageStream::of(Box::pin(OneByOne { messages }))
    }

    /// The messages of `source`.
    pub(crate) fn of(source: Pin<Box<dyn Source>>) -> Self {
        let guards = Guards::default();
        let (messages, trailers, deadline) = (Some(source), None, None);
        MessageStream(Box::new(Parts { messages, guards, trailers, deadline }))
    }

    /// A stream of one message.
    #[must_use]
    pub fn once(message: Bytes) -> Self {
        let mut message = Some(message);
        MessageStream::new(Ready(move || message.take().map(Ok)))
    }

    /// With a place for what follows the last message. Whoever makes the messages fills it before
    /// it ends the stream.
    #[must_use]
    pub fn with_trailers(mut self, trailers: Trailers) -> Self {
        self.0.trailers = Some(trailers);
        self
    }

    /// What follows the last message: complete when the stream has ended. Those of a stream that
    /// breaks are with its error.
    #[must_use]
    pub fn trailers(&self) -> Option<&Trailers> {
        self.0.trailers.as_ref()
    }

    /// When the stream ends at the latest, with an error, where the call has a deadline. Only who asks
    /// for a message is told: who cannot, because nobody takes the last one, drops the stream then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The stream ends then, if it is asked.
    pub(crate) fn until(mut self, deadline: Instant) -> Self {
        self.0.deadline = Some(deadline);
        self
    }

    /// With the messages wrapped; guards and trailers stay where they are.
    #[must_use]
    pub fn map<S>(self, wrap: impl FnOnce(MessageStream) -> S) -> Self
    where
        S: Stream<Item = Result<Bytes, Error>> + Send + 'static,
    {
        self.wrap(|source| OneByOne { messages: wrap(MessageStream::of(source)) })
    }

    /// The same for the layers that every call has, which batches pass through.
    pub(crate) fn wrap<S>(mut self, wrap: impl FnOnce(Pin<Box<dyn Source>>) -> S) -> Self
    where
        S: Source + 'static,
    {
        let messages = self.0.messages.take();
        self.0.messages = messages.map(|source| -> Pin<Box<dyn Source>> { Box::pin(wrap(source)) });
        self
    }

    pub(crate) fn hold(&mut self, guards: Guards) {
        self.0.guards.join(guards);
    }

    /// Adds trailers that were known before the stream began.
    pub(crate) fn follow_with(&mut self, trailers: Metadata) {
        self.0.trailers.get_or_insert_default().add(trailers);
    }
}

impl MessageStream {
    /// Adds messages that are ready to `batch`, and says whether there are more. What was added
    /// stands in the batch whatever the answer is: pending, the end of the stream or its failure.
    ///
    /// This is the short way for wires whose frames are those of a [`Batch`]; it costs a fraction
    /// of asking for each message.
    pub fn poll_batch(
        &mut self,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let Some(messages) = &mut self.0.messages else { return Poll::Ready(None) };
        let next = ready!(messages.as_mut().poll_batch(cx, batch));
        if let Some(Ok(())) = next {
            return Poll::Ready(next);
        }
        Poll::Ready(self.0.end(next))
    }
}

impl Stream for MessageStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Some(messages) = &mut self.0.messages else { return Poll::Ready(None) };
        let next = ready!(messages.as_mut().poll_next(cx));
        if let Some(Ok(_)) = next {
            return Poll::Ready(next);
        }
        Poll::Ready(self.0.end(next))
    }
}

impl Parts {
    /// The stream is over, and `last` says how: lets go of what it holds.
    fn end<T>(&mut self, mut last: Option<Result<T, Error>>) -> Option<Result<T, Error>> {
        self.messages = None;
        self.guards = Guards::default();
        if let Some(Err(error)) = &mut last
            && let Some(trailers) = self.trailers.as_ref().and_then(Trailers::take)
        {
            error.metadata_mut().trailers.extend(trailers);
        }
        last
    }
}

impl fmt::Debug for MessageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").field("open", &self.0.messages.is_some()).finish()
    }
}

/// What follows the last message of a stream: a place that is empty until the stream has ended.
/// Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Trailers(Arc<Mutex<Option<Metadata>>>);

impl Trailers {
    /// Adds to them.
    pub fn add(&self, trailers: Metadata) {
        if !trailers.is_empty() {
            self.slot().get_or_insert_default().extend(trailers);
        }
    }

    /// Takes them out; `None` where there are none.
    #[must_use]
    pub fn take(&self) -> Option<Metadata> {
        self.slot().take()
    }

    fn slot(&self) -> MutexGuard<'_, Option<Metadata>> {
        // Nothing that holds it can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
