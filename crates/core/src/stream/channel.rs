//! Streams that somebody writes, one message at a time.
//!
//! A writer is never far ahead of its reader: where there is no place for a message, `send` waits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::sync::mpsc::{self, Receiver};

use super::Streaming;
use crate::{Code, Error};

/// The writing end of a [`Streaming`]; dropping it ends the stream.
pub struct Sender<T, E = Error>(mpsc::Sender<Result<T, E>>);

impl<T, E> Sender<T, E> {
    /// Writes `message`, once the reader has made place for it.
    ///
    /// # Errors
    /// `Canceled` when nobody reads the stream any more.
    pub async fn send(&self, message: T) -> Result<(), Error> {
        self.0.send(Ok(message)).await.map_err(|_| unread())
    }

    /// Ends the stream with `error`, after what was written before.
    pub async fn fail(self, error: E) {
        // Whoever does not read any more need not know.
        let _ = self.0.send(Err(error)).await;
    }
}

impl<T, E> fmt::Debug for Sender<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("read", &!self.0.is_closed()).finish()
    }
}

#[cold]
fn unread() -> Error {
    Error::by_layer("stream", Code::Canceled, "nobody reads the stream any more")
}

impl<T: Send + 'static, E: Send + 'static> Streaming<T, E> {
    /// The messages that `write` sends. An error that it returns comes after them and ends the
    /// stream.
    ///
    /// It runs within the stream, not beside it: only while somebody waits for a message, and no
    /// longer than the stream lives. This is how a method writes its answer:
    ///
    /// ```
    /// use kitfox_core::{Error, Streaming};
    ///
    /// fn doubled(mut numbers: Streaming<u32>) -> Streaming<u32> {
    ///     Streaming::produce(async move |answer| {
    ///         while let Some(number) = numbers.try_next().await? {
    ///             answer.send(2 * number).await?;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let mut answer = doubled(Streaming::of([1, 2]));
    /// # assert_eq!(answer.try_next().await.unwrap(), Some(2));
    /// # assert_eq!(answer.try_next().await.unwrap(), Some(4));
    /// # assert_eq!(answer.try_next().await.unwrap(), None);
    /// # });
    /// ```
    #[must_use]
    pub fn produce<F, Fut>(write: F) -> Self
    where
        F: FnOnce(Sender<T, E>) -> Fut,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        let (sender, messages) = mpsc::channel(1);
        Streaming::new(Produced { work: Some(write(Sender(sender))), messages, failure: None })
    }

    /// A stream and its writing end, for messages that come from elsewhere. `capacity` messages, at
    /// least one, wait to be read; more wait to be written.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use kitfox_core::Streaming;
    ///
    /// let (lines, mut stream) = Streaming::<&str>::channel(16);
    /// lines.send("hello").await.unwrap();
    /// drop(lines);
    /// assert_eq!(stream.try_next().await.unwrap(), Some("hello"));
    /// assert_eq!(stream.try_next().await.unwrap(), None);
    /// # });
    /// ```
    #[must_use]
    pub fn channel(capacity: usize) -> (Sender<T, E>, Self) {
        let (sender, messages) = mpsc::channel(capacity.max(1));
        (Sender(sender), Streaming::new(Received(messages)))
    }
}

struct Received<T>(Receiver<T>);

impl<T> Stream for Received<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}

pin_project! {
    struct Produced<T, E, F> {
        // None once it is done.
        #[pin]
        work: Option<F>,
        messages: Receiver<Result<T, E>>,
        failure: Option<E>,
    }
}

impl<T, E, F: Future<Output = Result<(), E>>> Stream for Produced<T, E, F> {
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        // The work goes on only when what it wrote before is read.
        if let Poll::Ready(Some(message)) = this.messages.poll_recv(cx) {
            return Poll::Ready(Some(message));
        }
        if let Some(work) = this.work.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = work.poll(cx)
        {
            this.work.set(None);
            *this.failure = outcome.err();
        }
        match this.messages.poll_recv(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(Some(message)),
            Poll::Ready(None) if this.work.is_none() => Poll::Ready(this.failure.take().map(Err)),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::Platform;

    /// A stream of the numbers from one on, and how many were asked for.
    fn counting() -> (Streaming<u32>, Arc<AtomicU32>) {
        let begun = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&begun);
        let stream = Streaming::produce(async move |numbers| {
            loop {
                numbers.send(counter.fetch_add(1, Ordering::SeqCst) + 1).await?;
            }
        });
        (stream, begun)
    }

    #[tokio::test]
    async fn a_writer_waits_for_its_reader() {
        let (mut stream, begun) = counting();
        assert_eq!(begun.load(Ordering::SeqCst), 0, "nobody has asked yet");
        for number in 1..=1000 {
            assert_eq!(stream.try_next().await.unwrap(), Some(number));
            assert!(begun.load(Ordering::SeqCst) <= number + 1);
        }
    }

    #[tokio::test]
    async fn what_was_written_comes_before_the_failure_and_nothing_after() {
        let mut stream: Streaming<u32> = Streaming::produce(async |numbers| {
            numbers.send(1).await?;
            Err(Error::new(Code::Aborted, "torn"))
        });
        assert_eq!(stream.try_next().await.unwrap(), Some(1));
        assert_eq!(stream.try_next().await.unwrap_err().code(), Code::Aborted);
        assert_eq!(stream.try_next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_dropped_stream_drops_its_writer() {
        let held = Arc::new(());
        let guard = Arc::clone(&held);
        let mut stream: Streaming<u32> = Streaming::produce(async move |_| {
            let _guard = guard;
            std::future::pending().await
        });
        assert!(stream.next().now_or_never().is_none());
        assert_eq!(Arc::strong_count(&held), 2);
        drop(stream);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn a_writer_that_gave_its_sender_away_ends_with_it() {
        let tasks = Platform::system().tasks().clone();
        let stream = Streaming::<u32>::produce(async move |numbers| {
            drop(tasks.spawn(async move {
                tokio::task::yield_now().await;
                numbers.send(7).await
            }));
            Ok(())
        });
        let all: Vec<_> = stream.map(Result::unwrap).collect().await;
        assert_eq!(all, [7]);
    }

    #[tokio::test]
    async fn a_channel_holds_as_much_as_it_was_told_and_ends_with_its_sender() {
        let (sender, mut stream) = Streaming::<u32>::channel(2);
        sender.send(1).await.unwrap();
        sender.send(2).await.unwrap();
        assert!(sender.send(3).now_or_never().is_none(), "there is no place");
        assert_eq!(stream.try_next().await.unwrap(), Some(1));
        sender.send(3).await.unwrap();
        drop(sender);
        assert_eq!(stream.try_next().await.unwrap(), Some(2));
        assert_eq!(stream.try_next().await.unwrap(), Some(3));
        assert_eq!(stream.try_next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_writer_hears_that_nobody_reads() {
        let (sender, stream) = Streaming::<u32>::channel(0);
        drop(stream);
        assert_eq!(sender.send(1).await.unwrap_err().code(), Code::Canceled);
        let (sender, mut stream) = Streaming::<u32>::channel(1);
        sender.fail(Error::new(Code::DataLoss, "torn")).await;
        assert_eq!(stream.try_next().await.unwrap_err().code(), Code::DataLoss);
        assert_eq!(stream.try_next().await.unwrap(), None);
    }
}
