//! Attempts at one call that run at the same time: the first good answer wins.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use kitfox_core::{Endpoint, Error, Recovery, Reply, Request};
use tokio::time::{Instant, Sleep, sleep};

use super::{HedgeEndpoint, Plan};
use crate::Mode;
use crate::budget::Spent;

type Answer = Result<Reply, Error>;

/// Everything about a call but its first attempt, which is polled from outside. Dropping it cancels
/// what has not answered.
pub(super) struct Race<'a, E> {
    endpoint: &'a HedgeEndpoint<E>,
    plan: Plan,
    /// What the next attempt sends.
    spare: Request,
    began: Instant,
    first_is_over: bool,
    timer: Option<Pin<Box<Sleep>>>,
    hedges: Vec<Hedged<'a>>,
    /// How many more there may be.
    left: u32,
}

struct Hedged<'a> {
    call: Pin<Box<dyn Future<Output = Answer> + Send + 'a>>,
    began: Instant,
    _spent: Spent<'a>,
}

impl<'a, E: Endpoint> Race<'a, E> {
    pub(super) fn new(endpoint: &'a HedgeEndpoint<E>, plan: Plan, spare: Request) -> Self {
        let (began, left) = (Instant::now(), plan.most);
        let hedges = Vec::new();
        Race { endpoint, plan, spare, began, first_is_over: false, timer: None, hedges, left }
    }

    pub(super) fn poll(
        &mut self,
        first: Pin<&mut impl Future<Output = Answer>>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Answer> {
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
                return Poll::Pending;
            }
        }
    }

    fn poll_hedges(&mut self, cx: &mut TaskContext<'_>) -> Option<Answer> {
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
    fn judge(&mut self, answer: Answer, began: Instant, hedge: bool) -> Option<Answer> {
        let counts = &self.endpoint.hedge.0.counts;
        match &answer {
            Ok(_) => {
                self.endpoint.took(began.elapsed());
                if hedge {
                    counts.won.increment();
                    if !self.first_is_over {
                        // It would have taken at least this long, and must not be forgotten, or the
                        // percentile would sink with each hedge that wins.
                        self.endpoint.took(self.began.elapsed());
                    }
                }
                Some(answer)
            }
            Err(error) => {
                let over = self.first_is_over && self.hedges.is_empty();
                let helps = matches!(
                    error.recovery(),
                    Recovery::Retry | Recovery::After(_) | Recovery::NeverProcessed
                );
                // What the service pushes back is not sent once more from here.
                self.left = 0;
                (over || !helps).then_some(answer)
            }
        }
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
        let hedge = &self.endpoint.hedge.0;
        let Ok(spent) = hedge.budget.spend() else {
            hedge.counts.denied.increment();
            self.left = 0;
            return false;
        };
        if self.plan.mode == Mode::Dark {
            hedge.counts.dark.increment();
            return self.left > 0;
        }
        let Some(mut request) = self.spare.try_clone() else { return false };
        let sent = self.plan.most - self.left;
        request.context = request.context.with_attempt(request.context.attempt() + sent);
        request.context.record(super::HEDGE, format!("sent after {:?}", self.delay() * sent));
        hedge.counts.sent.increment();
        let call = Box::pin(self.endpoint.inner.call(request));
        self.hedges.push(Hedged { call, began: Instant::now(), _spent: spent });
        true
    }

    fn delay(&self) -> Duration {
        self.plan.delay.unwrap_or_default()
    }
}
