//! Attempts at one call that run at the same time: the first good answer wins.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use kitfox_core::{Context, Error, Recovery, Reply, Request};
use tokio::time::{Instant, Sleep, sleep};

use super::latency::Latencies;
use super::{HEDGE, Hedge, Plan};
use crate::Mode;
use crate::budget::Spent;
use crate::retry::invites;

/// What comes of an attempt.
pub(crate) trait Answer {
    /// Of one that failed: whether another attempt may do better.
    fn failed(&self) -> Option<Recovery>;
}

impl Answer for Result<Reply, Error> {
    fn failed(&self) -> Option<Recovery> {
        self.as_ref().err().map(Error::recovery)
    }
}

/// What attempts are made of.
pub(crate) trait Spare {
    /// The context of the call.
    fn context(&self) -> &Context;
}

impl Spare for Request {
    fn context(&self) -> &Context {
        &self.context
    }
}

impl Spare for &Context {
    fn context(&self) -> &Context {
        self
    }
}

/// Everything about a call but its first attempt, which is polled from outside. Dropping it cancels
/// what has not answered.
pub(crate) struct Race<'a, P, S, F> {
    hedge: &'a Hedge,
    latencies: &'a Latencies,
    plan: Plan,
    /// What the next attempt sends, and how: the first one after the call itself is number 1.
    spare: P,
    send: S,
    began: Instant,
    first_is_over: bool,
    timer: Option<Pin<Box<Sleep>>>,
    hedges: Vec<Hedged<'a, F>>,
    /// How many more there may be.
    left: u32,
}

struct Hedged<'a, F> {
    call: Pin<Box<F>>,
    began: Instant,
    _spent: Spent<'a>,
}

impl<'a, P, S, F> Race<'a, P, S, F>
where
    P: Spare,
    S: FnMut(&P, u32) -> Option<F>,
    F: Future<Output: Answer>,
{
    pub(crate) fn new(
        hedge: &'a Hedge,
        latencies: &'a Latencies,
        plan: Plan,
        spare: P,
        send: S,
    ) -> Self {
        Race {
            hedge,
            latencies,
            plan,
            spare,
            send,
            began: Instant::now(),
            first_is_over: false,
            timer: None,
            hedges: Vec::new(),
            left: plan.most,
        }
    }

    pub(crate) fn poll(&mut self, first: Pin<&mut F>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        if !self.first_is_over
            && let Poll::Ready(answer) = first.poll(cx)
        {
            self.first_is_over = true;
            if let Some(answer) = self.judge(answer, self.began, false) {
                return Poll::Ready(answer);
            }
        }
        loop {
            if let Some(answer) = self.poll_hedges(cx) {
                return Poll::Ready(answer);
            }
            if !self.is_due(cx) || !self.send() {
                if !self.hedges.is_empty() {
                    // Each attempt says that it is on its way; the call is where they race.
                    self.spare.context().enter_layer(self.hedge.0.name);
                }
                return Poll::Pending;
            }
        }
    }

    fn poll_hedges(&mut self, cx: &mut TaskContext<'_>) -> Option<F::Output> {
        let mut place = 0;
        while place < self.hedges.len() {
            let Poll::Ready(answer) = self.hedges[place].call.as_mut().poll(cx) else {
                place += 1;
                continue;
            };
            let began = self.hedges.swap_remove(place).began;
            if let Some(answer) = self.judge(answer, began, true) {
                return Some(answer);
            }
        }
        None
    }

    /// Whether an answer ends the race: it is good, or no other attempt could do better.
    fn judge(&mut self, answer: F::Output, began: Instant, hedge: bool) -> Option<F::Output> {
        match answer.failed() {
            None => {
                self.took(began);
                if hedge {
                    self.hedge.0.counts.won.increment();
                    if !self.first_is_over {
                        // It would have taken at least this long, and must not be forgotten, or the
                        // percentile would sink with each hedge that wins.
                        self.took(self.began);
                    }
                }
                Some(answer)
            }
            Some(recovery) => {
                let over = self.first_is_over && self.hedges.is_empty();
                // What the service pushes back is not sent once more from here.
                self.left = 0;
                (over || !invites(recovery)).then_some(answer)
            }
        }
    }

    fn took(&self, began: Instant) {
        self.hedge.took(self.latencies, began.elapsed());
    }

    fn is_due(&mut self, cx: &mut TaskContext<'_>) -> bool {
        let Some(delay) = self.plan.delay.filter(|_| self.left > 0) else { return false };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(delay)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// Sends one attempt more.
    fn send(&mut self) -> bool {
        self.left -= 1;
        self.timer = None;
        let sent = self.plan.most - self.left;
        let hedge = &self.hedge.0;
        let context = self.spare.context();
        let Ok(spent) = hedge.budget.spend(context) else {
            hedge.counts.denied.increment();
            self.left = 0;
            return false;
        };
        if self.plan.mode == Mode::Dark {
            hedge.counts.dark.increment();
            context.record(HEDGE, format!("would have been sent after {:?}", self.delay() * sent));
            return self.left > 0;
        }
        let Some(call) = (self.send)(&self.spare, sent) else { return false };
        let note = format!("sent after {:?}", self.delay() * sent);
        self.spare.context().record(HEDGE, note);
        hedge.counts.sent.increment();
        self.hedges.push(Hedged { call: Box::pin(call), began: Instant::now(), _spent: spent });
        true
    }

    fn delay(&self) -> Duration {
        self.plan.delay.unwrap_or_default()
    }
}
