//! What a call that passed has until its verdict.

use tokio::time::Instant;

use super::circuit::{Circuit, Pass};
use super::{Breaker, Verdict};

/// A call that passed.
pub(crate) struct Permit<'a> {
    pub(super) breaker: &'a Breaker,
    pub(super) circuit: &'a Circuit,
    /// None once it is known what became of it.
    pub(super) pass: Option<Pass>,
    /// When it began, where slow calls are looked for.
    pub(super) began: Option<Instant>,
    pub(super) deadline: Option<Instant>,
}

impl Permit<'_> {
    /// The call is over.
    pub(crate) fn settle(mut self, verdict: Verdict) {
        self.tell(verdict);
    }

    /// The call was answered: the way of nearly all.
    #[inline(always)]
    pub(crate) fn well(&mut self) {
        if let (Some(pass), None) = (self.pass, self.began)
            && self.circuit.settle_good(pass)
        {
            self.pass = None;
        } else {
            self.tell(Verdict::Good);
        }
    }

    #[inline(never)]
    fn tell(&mut self, verdict: Verdict) {
        let Some(pass) = self.pass.take() else { return };
        let shared = &*self.breaker.0;
        let took = self.began.map(|began| began.elapsed());
        self.circuit.settle(pass, verdict, took, &shared.settings.load(), &shared.counts);
    }
}

impl Drop for Permit<'_> {
    /// Nobody waits for the answer any more. Where that is because it did not come in time, it is a
    /// failure; a caller who changed its mind, or got the answer from a hedge, says nothing.
    fn drop(&mut self) {
        if self.pass.is_some() {
            let late = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
            self.tell(if late { Verdict::Bad } else { Verdict::None });
        }
    }
}
