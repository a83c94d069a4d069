//! Runs the streams of an HTTP/2 connection.
//!
//! A stream that gets a task of its own costs an allocation, a place in a queue, and a wake-up of
//! its connection when it is done. Most calls never wait for anything, so a stream is first polled
//! where it came from, in its connection's task; only what is not done then gets a task. The
//! answers of all requests that came in one read then leave in one write.
//!
//! A handler that computes would keep its connection's other streams waiting, and to one
//! processor. So one stream in sixteen is timed, and where two in a row took long (one may have
//! lost its processor meanwhile), the next streams get tasks of their own at once.
//!
//! A stream that is done wakes its connection, which is running already. A tokio task that wakes
//! itself goes to the end of the queue, and another thread is woken to take it from there: for one
//! call at a time that costs more than everything that was saved. So the connection gets a waker
//! of ours. What wakes it while it runs is seen when its poll is over, and polls it once more; and
//! what wakes it from within a stream's first poll needs nothing at all, because hyper turns to
//! the connection again after each stream it hands over.
//!
//! The tasks are tokio's, not the platform's: a stream never outlives its connection (it is
//! cancelled with it), which is the platform's.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::stalled::{Stallable, observed};

/// A poll that took longer has work that other processors should share: the most that a task of
/// tokio's should run without an await.
const LONG: Duration = Duration::from_micros(100);
/// One of how many polls is timed.
const SAMPLE: u32 = 16;
/// How many streams get a task at once after one that took long.
const APART: u32 = 256;
/// The most streams that are tried in one poll of their connection; the rest get tasks.
const BURST: u32 = 64;

/// How often a connection that is woken while it runs is polled again before others run.
const AGAIN: u32 = 4;

/// The executor of one connection's streams. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Streams(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// How long a piece of an answer may stand.
    patience: Duration,
    turn: AtomicU8,
    /// The task that the connection runs in.
    task: Mutex<Option<Waker>>,
    // What was learned. Written by the connection's task only, so nothing is lost by loading and
    // storing.
    tried: AtomicU32,
    /// The last stream that was timed took long.
    long: AtomicBool,
    burst: AtomicU32,
    apart: AtomicU32,
}

/// The connection waits, and its task must be woken.
const WAITS: u8 = 0;
/// The connection is being polled.
const RUNS: u8 = 1;
/// The connection was woken since its poll began.
const WOKEN: u8 = 2;

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.turn.swap(WOKEN, Ordering::AcqRel) == WAITS {
            let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}

impl Shared {
    /// Remembers the task that `cx` wakes.
    fn runs_in(&self, cx: &Context<'_>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if !task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            *task = Some(cx.waker().clone());
        }
    }

    /// Ends a poll that left the connection waiting; false where it was woken meanwhile.
    fn rests(&self) -> bool {
        self.turn.compare_exchange(RUNS, WAITS, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether the next stream is tried in the connection's task.
    fn tries(&self) -> bool {
        let apart = self.apart.load(Ordering::Relaxed);
        if apart > 0 {
            self.apart.store(apart - 1, Ordering::Relaxed);
            return false;
        }
        let burst = self.burst.load(Ordering::Relaxed);
        self.burst.store(burst.saturating_add(1), Ordering::Relaxed);
        burst < BURST
    }

    /// Whether this try is timed.
    fn times(&self) -> bool {
        let tried = self.tried.load(Ordering::Relaxed);
        self.tried.store(tried.wrapping_add(1), Ordering::Relaxed);
        tried.is_multiple_of(SAMPLE)
    }

    /// Polls `stream` in the connection's task, and tells whether it left a piece of its answer.
    fn attempt(&self, stream: Pin<&mut impl Future<Output = ()>>) -> (Poll<()>, bool) {
        // A wake-up that comes before the stream has a task is not lost: a task starts with a poll.
        let mut cx = Context::from_waker(Waker::noop());
        let before = self.turn.load(Ordering::Acquire);
        let polled = if self.times() {
            let start = Instant::now();
            let polled = observed(|| stream.poll(&mut cx));
            let long = start.elapsed() > LONG;
            if self.long.swap(long, Ordering::Relaxed) && long {
                self.apart.store(APART, Ordering::Relaxed);
            }
            polled
        } else {
            observed(|| stream.poll(&mut cx))
        };
        if before == RUNS {
            self.turn.swap(RUNS, Ordering::AcqRel);
        }
        polled
    }
}

impl Streams {
    /// Of a connection whose peer must make room for a piece of an answer within `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Streams(Arc::new(Shared { patience, ..Shared::default() }))
    }

    /// Runs `connection`, whose streams these are.
    pub(super) fn around<C>(&self, connection: C) -> Turns<C> {
        Turns { connection, waker: Waker::from(Arc::clone(&self.0)), shared: Arc::clone(&self.0) }
    }
}

pin_project! {
    /// A connection's future, in turns that its streams are part of.
    pub(super) struct Turns<C> {
        #[pin]
        connection: C,
        waker: Waker,
        shared: Arc<Shared>,
    }
}

impl<C> Turns<C> {
    /// The connection. Poll it after touching it.
    pub(super) fn connection(self: Pin<&mut Self>) -> Pin<&mut C> {
        self.project().connection
    }
}

impl<C: Future> Future for Turns<C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let mut this = self.project();
        this.shared.runs_in(cx);
        this.shared.burst.store(0, Ordering::Relaxed);
        for _ in 0..AGAIN {
            // A swap, to see all that those did who woke it before.
            this.shared.turn.swap(RUNS, Ordering::AcqRel);
            let polled = this.connection.as_mut().poll(&mut Context::from_waker(this.waker));
            if polled.is_ready() || this.shared.rests() {
                return polled;
            }
        }
        // Left at WOKEN: what wakes it from here on is answered by this.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let patience = self.0.patience;
        if !self.0.tries() {
            return spawn(Stallable::new(stream, patience, false));
        }
        let mut stream = Box::pin(stream);
        let (polled, stands) = self.0.attempt(stream.as_mut());
        if polled.is_pending() {
            spawn(Stallable::new(stream, patience, stands));
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
    use std::pin::pin;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn streams() -> Streams {
        Streams::new(Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_need_not_wait_is_done_at_once() {
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        streams().execute(async move { seen.store(true, Ordering::SeqCst) });
        assert!(done.load(Ordering::SeqCst));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_goes_on_in_a_task() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let (told, hear) = tokio::sync::oneshot::channel();
        streams().execute(async move { told.send(receive.await.unwrap()).unwrap() });
        send.send(7).unwrap();
        assert_eq!(hear.await.unwrap(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn two_long_streams_send_the_next_ones_apart() {
        let streams = streams();
        let shared = Arc::clone(&streams.0);
        let timed = async |milliseconds| {
            shared.burst.store(0, Ordering::Relaxed);
            shared.tried.store(0, Ordering::Relaxed);
            // Time is paused, and this moves it inside of the poll that is timed.
            let moved = tokio::time::advance(Duration::from_millis(milliseconds));
            streams.execute(moved);
            shared.apart.load(Ordering::Relaxed)
        };
        for (milliseconds, apart) in [(1, 0), (0, 0), (1, 0), (1, APART)] {
            assert_eq!(timed(milliseconds).await, apart);
        }
        assert_eq!((0..1000).take_while(|_| !shared.tries()).count(), APART as usize);
    }

    #[test]
    fn a_burst_has_an_end_and_a_turn_begins_a_new_one() {
        let Streams(shared) = streams();
        assert_eq!((0..1000).filter(|_| shared.tries()).count(), BURST as usize);
        let mut turns = pin!(Streams(Arc::clone(&shared)).around(std::future::pending::<()>()));
        assert!(turns.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(shared.tries());
    }

    /// How often a connection was polled and its task woken, in one poll of its turns in which
    /// `wakes` says for each poll whether it wakes itself.
    fn polled(wakes: impl Fn(usize) -> bool) -> (usize, usize) {
        #[derive(Default)]
        struct Woken(AtomicUsize);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut polls = 0;
        let mut kept = None;
        let mut turns = Box::pin(streams().around(std::future::poll_fn(|cx| {
            polls += 1;
            if wakes(polls) {
                cx.waker().wake_by_ref();
            }
            kept = Some(cx.waker().clone());
            Poll::<()>::Pending
        })));
        assert!(turns.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(turns);
        let during = woken.0.load(Ordering::SeqCst);
        if during == 0 {
            kept.unwrap().wake();
            assert_eq!(woken.0.load(Ordering::SeqCst), 1, "later it is woken as usual");
        }
        (polls, during)
    }

    #[test]
    fn a_connection_that_is_woken_while_it_runs_is_polled_again_and_lets_others_run() {
        assert_eq!(polled(|_| false), (1, 0));
        assert_eq!(polled(|poll| poll == 1), (2, 0));
        assert_eq!(polled(|_| true), (AGAIN as usize, 1));
    }
}
