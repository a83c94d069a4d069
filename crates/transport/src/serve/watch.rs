//! Watches one connection: ends it when its peer is too slow, when it is idle or old, and when
//! its port ends.
//!
//! A connection has one timer, and nobody reads a clock for a request. What must be known is
//! counted (see [`Activity`]) and compared when the timer fires:
//!
//! - **head**: a request's head has begun and is not complete within the header timeout. The timer
//!   is set only where a poll of the connection ended in the middle of a head, which honest callers
//!   almost never cause. The connection is dropped.
//! - **stalled**: the peer has taken no byte of an answer within the write timeout. Set only
//!   where the socket took nothing. The connection is dropped; over HTTP/1.1 soon after the deadline
//!   of its call, too, however slowly the peer reads (over HTTP/2 `stalled` sees to that).
//! - **idle**: no request was in flight and none came at each of four looks in an idle interval.
//!   The connection is closed gracefully.
//! - **age**: the connection is closed gracefully, ten percent sooner or later by chance, so that
//!   connections that came together do not leave together.
//!
//! A connection that closes gracefully and has nothing in flight any more is dropped after a
//! short while: a half-sent request line, or a peer that never confirms the end of an HTTP/2
//! connection, must not hold a shutdown.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::futures::OwnedNotified;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep};

use super::acceptor::Protocol;
use super::activity::Activity;
use super::drain::{Drain, Phase};
use super::stalled;
use crate::Limits;

/// How many looks at an idle connection make it idle.
const LOOKS: u32 = 4;
/// How long a closing HTTP/1.1 connection may have nothing in flight: a head that is on its way
/// in pieces comes in well within it.
const LINGER_HTTP1: Duration = Duration::from_secs(1);
/// The same over HTTP/2, where an answer may still wait for the peer's flow control.
const LINGER_HTTP2: Duration = Duration::from_secs(5);

/// What a watch has to know of its connection.
pub(super) struct Watched {
    pub(super) protocol: Protocol,
    pub(super) activity: Arc<Activity>,
    pub(super) drain: Drain,
    /// When the head of the first request must be complete.
    pub(super) head: Instant,
    /// How old the connection may get.
    pub(super) age: Duration,
}

/// How long things may take on this connection.
#[derive(Clone, Copy, Debug)]
struct Times {
    protocol: Protocol,
    head: Duration,
    write: Duration,
    look: Duration,
}

/// When the watch has to look at something.
#[derive(Debug)]
struct Due {
    /// The head of this number must be complete.
    head: Option<(Instant, u64)>,
    /// The peer must have taken more than so many bytes.
    stalled: Option<(Instant, u64)>,
    /// The connection is looked at.
    look: Instant,
    /// The connection is old.
    age: Option<Instant>,
}

impl Due {
    fn first(&self) -> Instant {
        let slow = [self.head, self.stalled].map(|due| due.map(|(at, _)| at));
        slow.into_iter().chain([self.age]).flatten().fold(self.look, Instant::min)
    }
}

/// What a look at the connection is compared with.
#[derive(Debug)]
struct Looked {
    quiet: u32,
    started: u64,
    written: u64,
}

/// What has to happen to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Goes,
    Closes,
    Dropped(&'static str),
}

pin_project! {
    /// A connection and its watch. Done when the connection is, or is dropped.
    pub(super) struct Watch<C> {
        #[pin]
        connection: C,
        // Asks the connection to end after what it is doing.
        close: fn(Pin<&mut C>),
        #[pin]
        timer: Sleep,
        #[pin]
        change: OwnedNotified,
        // Who is woken by `timer` and `change`: they are polled only when that changes.
        waker: Option<Waker>,
        state: State,
    }
}

struct State {
    activity: Arc<Activity>,
    drain: Drain,
    phase: Phase,
    times: Times,
    due: Due,
    looked: Looked,
    /// When the answer to the request of this number must have gone; of HTTP/1.1 only.
    ends: Option<(Instant, u64)>,
    closing: bool,
}

impl<C> Watch<C> {
    /// Watches `connection`, which `close` asks to end after what it is doing.
    pub(super) fn new(
        connection: C,
        close: fn(Pin<&mut C>),
        watched: Watched,
        limits: &Limits,
    ) -> Self {
        let Watched { protocol, activity, drain, head, age } = watched;
        let now = Instant::now();
        let times = Times {
            protocol,
            head: limits.header_timeout,
            write: limits.write_timeout,
            look: limits.idle_timeout / LOOKS,
        };
        let due = Due {
            head: activity.half_head().map(|first| (head, first)),
            stalled: None,
            look: now + times.look,
            age: now.checked_add(age),
        };
        let looked = Looked { quiet: 0, started: 0, written: 0 };
        let change = drain.change();
        let timer = tokio::time::sleep_until(due.first());
        let phase = Phase::Open;
        let (ends, closing) = (None, false);
        let state = State { activity, drain, phase, times, due, looked, ends, closing };
        Watch { connection, close, timer, change, waker: None, state }
    }
}

impl<C: Future> Future for Watch<C> {
    /// What the connection ended with, unless it was dropped.
    type Output = Option<C::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let state = this.state;
        let mut listens = this.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));

        let phase = state.drain.phase();
        let mut verdict = Verdict::Goes;
        if phase != state.phase {
            this.change.set(state.drain.change());
            listens = false;
            verdict = state.enter(phase);
        }
        if this.timer.is_elapsed() {
            listens = false;
            verdict = verdict.or(state.look(Instant::now()));
        }
        match verdict {
            Verdict::Goes => {}
            Verdict::Closes => {
                state.begin_closing(Instant::now());
                listens = false;
                (this.close)(this.connection.as_mut());
            }
            Verdict::Dropped(reason) => {
                tracing::debug!(reason, "a connection was dropped");
                return Poll::Ready(None);
            }
        }
        stalled::forget();
        if let Poll::Ready(ended) = this.connection.poll(cx) {
            return Poll::Ready(Some(ended));
        }
        state.hears();
        if state.notices() || !listens {
            this.timer.as_mut().reset(state.due.first());
            // A task that has done enough in this turn is woken at once instead, and has to ask again.
            *this.waker = has_budget_remaining().then(|| cx.waker().clone());
            if this.timer.poll(cx).is_ready() | this.change.poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Verdict {
    fn or(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Dropped(reason), _) | (_, Verdict::Dropped(reason)) => {
                Verdict::Dropped(reason)
            }
            (Verdict::Closes, _) | (_, Verdict::Closes) => Verdict::Closes,
            (Verdict::Goes, Verdict::Goes) => Verdict::Goes,
        }
    }
}

impl State {
    /// The port ends a step further.
    fn enter(&mut self, phase: Phase) -> Verdict {
        self.phase = phase;
        match phase {
            Phase::Open | Phase::Stopped => Verdict::Goes,
            Phase::Closing if self.closing => Verdict::Goes,
            Phase::Closing => Verdict::Closes,
            Phase::Ended => Verdict::Dropped("its port has ended"),
        }
    }

    fn begin_closing(&mut self, now: Instant) {
        self.closing = true;
        self.activity.is_closing();
        self.due.age = None;
        self.times.look = match self.times.protocol {
            Protocol::Http1 => LINGER_HTTP1,
            Protocol::Http2 => LINGER_HTTP2,
        };
        self.due.look = now + self.times.look;
        self.remember(0);
    }

    /// Hears what a poll of the connection said of the deadline of its call.
    fn hears(&mut self) {
        if self.times.protocol == Protocol::Http1
            && let Some(ends) = stalled::ends()
        {
            self.ends = Some((ends, self.activity.started()));
        }
    }

    /// When the answer under way must have gone, if its call has a deadline.
    fn ends(&self) -> Option<Instant> {
        let (ends, request) = self.ends?;
        let under_way = request == self.activity.started() && self.activity.in_flight() > 0;
        under_way.then_some(ends)
    }

    /// Sees what a poll of the connection left behind; true where that needs the timer.
    fn notices(&mut self) -> bool {
        let mut news = false;
        if let Some(head) = self.activity.half_head()
            && self.due.head.is_none_or(|(_, before)| before != head)
        {
            self.due.head = Some((Instant::now() + self.times.head, head));
            news = true;
        }
        if self.activity.blocked() && self.due.stalled.is_none() {
            let until = Instant::now() + self.times.write;
            let until = self.ends().map_or(until, |ends| until.min(ends));
            self.due.stalled = Some((until, self.activity.written()));
            news = true;
        }
        news
    }

    /// Looks at all that is due.
    fn look(&mut self, now: Instant) -> Verdict {
        let (started, written) = (self.activity.started(), self.activity.written());
        let over = self.ends().is_some_and(|ends| ends <= now);
        let (head, stalled) = (&mut self.due.head, &mut self.due.stalled);
        if let Some((_, before)) = head.take_if(|(at, _)| *at <= now)
            && self.activity.half_head() == Some(before)
        {
            return Verdict::Dropped("a request's head took too long");
        }
        if let Some((_, before)) = stalled.take_if(|(at, _)| *at <= now)
            && self.activity.blocked()
            && (written == before || over)
        {
            return Verdict::Dropped(match over {
                true => "its peer has not taken the answer by the deadline of the call",
                false => "its peer took no byte of an answer",
            });
        }
        if self.due.age.take_if(|at| *at <= now).is_some() {
            return Verdict::Closes;
        }
        if self.due.look > now {
            return Verdict::Goes;
        }
        self.due.look = now + self.times.look;
        let quiet = self.activity.in_flight() == 0 && started == self.looked.started;
        if self.closing {
            let done = quiet && written == self.looked.written && !self.activity.blocked();
            self.remember(0);
            return if done {
                Verdict::Dropped("it had nothing left to do")
            } else {
                Verdict::Goes
            };
        }
        self.remember(if quiet { self.looked.quiet + 1 } else { 0 });
        if self.looked.quiet >= LOOKS { Verdict::Closes } else { Verdict::Goes }
    }

    fn remember(&mut self, quiet: u32) {
        let (started, written) = (self.activity.started(), self.activity.written());
        self.looked = Looked { quiet, started, written };
    }
}
