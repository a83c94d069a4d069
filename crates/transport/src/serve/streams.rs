//! Runs the streams of an HTTP/2 connection.
//!
//! A stream that gets a task of its own costs an allocation, a place in a queue, and a wake-up of
//! its connection when it is done. Most calls never wait for anything, so a stream is first polled
//! where it came from, in its connection's task; only what is not done then gets a task. The
//! answers of all requests that came in one read then leave in one write.
//!
//! A handler that computes would keep its connection's other streams waiting, and to one
//! processor. So one stream in sixteen is timed, and where it took longer than a task costs by
//! far, the next streams get tasks of their own at once.
//!
//! The tasks are tokio's, not the platform's: a stream never outlives its connection (it is
//! cancelled with it), which is the platform's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Instant;

/// A poll that took longer has work that other processors could share.
const LONG: Duration = Duration::from_micros(20);
/// One of how many polls is timed.
const SAMPLE: u32 = 16;
/// How many streams get a task at once after one that took long.
const APART: u32 = 256;
/// The most streams that are tried in one poll of their connection; the rest get tasks.
const BURST: u32 = 64;

/// The executor of one connection's streams. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Learned>);

/// Written by the connection's task only, so nothing is lost by loading and storing.
#[derive(Debug, Default)]
struct Learned {
    tried: AtomicU32,
    burst: AtomicU32,
    apart: AtomicU32,
}

impl Streams {
    /// Runs `connection`, whose streams these are.
    pub(super) fn around<C>(&self, connection: C) -> Turns<C> {
        Turns { connection, streams: self.clone() }
    }

    /// A new poll of the connection begins.
    fn turn(&self) {
        self.0.burst.store(0, Ordering::Relaxed);
    }

    /// Whether the next stream is tried in the connection's task.
    fn tries(&self) -> bool {
        let apart = self.0.apart.load(Ordering::Relaxed);
        if apart > 0 {
            self.0.apart.store(apart - 1, Ordering::Relaxed);
            return false;
        }
        let burst = self.0.burst.load(Ordering::Relaxed);
        self.0.burst.store(burst.saturating_add(1), Ordering::Relaxed);
        burst < BURST
    }

    /// Whether this try is timed.
    fn times(&self) -> bool {
        let tried = self.0.tried.load(Ordering::Relaxed);
        self.0.tried.store(tried.wrapping_add(1), Ordering::Relaxed);
        tried.is_multiple_of(SAMPLE)
    }
}

pin_project! {
    /// A connection that tells its streams where a turn begins.
    pub(super) struct Turns<C> {
        #[pin]
        connection: C,
        streams: Streams,
    }
}

impl<C> Turns<C> {
    /// The connection.
    pub(super) fn connection(self: Pin<&mut Self>) -> Pin<&mut C> {
        self.project().connection
    }
}

impl<C: Future> Future for Turns<C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let this = self.project();
        this.streams.turn();
        this.connection.poll(cx)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        if !self.tries() {
            return spawn(stream);
        }
        let mut stream = Box::pin(stream);
        // A wake-up that comes before the task exists is not lost: the task starts with a poll.
        let mut cx = Context::from_waker(Waker::noop());
        let polled = if self.times() {
            let start = Instant::now();
            let polled = stream.as_mut().poll(&mut cx);
            if start.elapsed() > LONG {
                self.0.apart.store(APART, Ordering::Relaxed);
            }
            polled
        } else {
            stream.as_mut().poll(&mut cx)
        };
        if polled == Poll::Pending {
            spawn(stream);
        }
    }
}

fn spawn(stream: impl Future<Output = ()> + Send + 'static) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a platform's task would pay for a cancellation that the connection already has"
    )]
    drop(tokio::spawn(stream));
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_need_not_wait_is_done_at_once() {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        Streams::default().execute(async move { seen.store(true, Ordering::SeqCst) });
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_goes_on_in_a_task() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let (told, hear) = tokio::sync::oneshot::channel();
        Streams::default().execute(async move { told.send(receive.await.unwrap()).unwrap() });
        send.send(7).unwrap();
        assert_eq!(hear.await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_stream_sends_the_next_ones_apart() {
        let streams = Streams::default();
        streams.execute(async {});
        assert!(streams.tries());
        // Time is paused, and this moves it inside of the poll that is timed.
        streams.0.tried.store(0, Ordering::Relaxed);
        streams.execute(async { tokio::time::advance(Duration::from_millis(1)).await });
        streams.turn();
        assert_eq!((0..1000).take_while(|_| !streams.tries()).count(), APART as usize);
    }

    #[test]
    fn a_burst_has_an_end_and_a_turn_begins_a_new_one() {
        let streams = Streams::default();
        assert_eq!((0..1000).filter(|_| streams.tries()).count(), BURST as usize);
        streams.turn();
        assert!(streams.tries());
    }
}
