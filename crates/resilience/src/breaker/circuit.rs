//! One breaker: its state, what it has seen, and the short way of a call that passes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use kitfox_core::{Error, Recovery};
use tokio::time::Instant;

use super::recent::{Outcome, Recent};
use super::state::{Admission, State, Verdict};
use super::{BREAKER, BreakerSettings, BreakerWindow, Counts};
use crate::ring::nanoseconds;
use crate::{Reason, refusal};

/// How many good calls go by between two looks at the clock: as many may be counted a little late.
const UNTIMED: u64 = 64;

/// The bit of an era in which the breaker is closed.
const CLOSED: u64 = 1;

#[derive(Debug)]
pub(crate) struct Circuit {
    /// What it stands before.
    name: OnceLock<&'static str>,
    start: Instant,
    /// The number of the era, and in its lowest bit whether the breaker is closed: a call of a closed
    /// breaker reads no more than this. An era ends when the state changes, so that a call of an
    /// earlier one says nothing about it.
    era: AtomicU64,
    /// Failures since the last good call.
    in_a_row: AtomicU32,
    /// Good calls that `recent` does not know yet.
    good: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    window: BreakerWindow,
    recent: Recent,
    /// Why it opened.
    why: String,
}

/// A call that passes belongs to an era.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    era: u64,
    probe: bool,
    /// Of a probe.
    round: u32,
    /// Whether it matters which call came after which.
    ordered: bool,
}

impl Circuit {
    pub(super) fn new(window: BreakerWindow) -> Self {
        let recent = Recent::new(window);
        Circuit {
            name: OnceLock::new(),
            start: Instant::now(),
            era: AtomicU64::new(CLOSED),
            in_a_row: AtomicU32::new(0),
            good: AtomicU64::new(0),
            inner: Mutex::new(Inner { state: State::Closed, window, recent, why: String::new() }),
        }
    }

    pub(super) fn named(&self, name: &'static str) {
        let _ = self.name.set(name);
    }

    fn name(&self) -> &'static str {
        self.name.get().copied().unwrap_or("a service")
    }

    /// Lets a call pass where the breaker is closed and its order does not matter: the way of nearly
    /// all.
    pub(super) fn pass(&self) -> Option<Pass> {
        let era = self.era.load(Ordering::Acquire);
        (era & CLOSED != 0).then_some(Pass { era, probe: false, round: 0, ordered: false })
    }

    /// Whether a call passes.
    pub(super) fn admit(&self, settings: &BreakerSettings, counts: &Counts) -> Result<Pass, Error> {
        let ordered = matches!(settings.window, BreakerWindow::Calls(_));
        let era = self.era.load(Ordering::Acquire);
        if era & CLOSED != 0 {
            return Ok(Pass { era, probe: false, round: 0, ordered });
        }
        let mut inner = self.lock();
        let before = inner.state;
        let admission = inner.state.admit(self.now(), settings);
        if matches!(before, State::Open(_)) && admission == Admission::Probe {
            self.enter(false);
            tracing::info!(
                breaker = self.name(),
                "half-open: a call probes whether it works again"
            );
        }
        match admission {
            Admission::Pass | Admission::Probe => {
                let era = self.era.load(Ordering::Acquire);
                let (probe, round) = (admission == Admission::Probe, inner.state.round());
                Ok(Pass { era, probe, round, ordered })
            }
            Admission::RefuseOpen { for_, probe_in } => {
                counts.refused(settings);
                let (open, wait) = (seconds(for_), seconds(probe_in));
                let why =
                    format!("breaker open since {open:.1} s, probe in {wait:.1} s: {}", inner.why);
                // As true for whoever is told on the wire. The retry layer around does not wait.
                Err(refuse(Recovery::After(Duration::from_nanos(probe_in)), why))
            }
            Admission::RefuseHalfOpen { for_, out } => {
                counts.refused(settings);
                let since = seconds(for_);
                let why = format!("breaker half-open since {since:.1} s, {out} probes under way");
                Err(refuse(Recovery::Retry, why))
            }
        }
    }

    /// A call that was neither slow nor a failure is over: the way of nearly all, which needs no
    /// settings, clock or lock. Says whether it was that.
    pub(super) fn settle_good(&self, pass: Pass) -> bool {
        if pass.probe || pass.ordered || self.good.load(Ordering::Relaxed) >= UNTIMED {
            return false;
        }
        if self.era.load(Ordering::Acquire) == pass.era {
            self.count_good();
        }
        true
    }

    fn count_good(&self) {
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
        self.good.fetch_add(1, Ordering::Relaxed);
    }

    /// A call is over that passed, after `took` where that was looked at.
    pub(super) fn settle(
        &self,
        pass: Pass,
        verdict: Verdict,
        took: Option<Duration>,
        settings: &BreakerSettings,
        counts: &Counts,
    ) {
        let slow = took.is_some_and(|took| !settings.slow.is_zero() && took >= settings.slow);
        if pass.probe {
            let verdict = if slow && verdict == Verdict::Good { Verdict::Bad } else { verdict };
            return self.settle_probe(pass, verdict, settings, counts);
        }
        match verdict {
            Verdict::None => {}
            Verdict::Good if !slow => {
                let mut inner = self.lock();
                if self.era.load(Ordering::Acquire) == pass.era {
                    self.count_good();
                    self.look(&mut inner, settings);
                }
            }
            _ => {
                let outcome = Outcome { failed: verdict == Verdict::Bad, slow };
                self.settle_bad(pass, outcome, settings, counts);
            }
        }
    }

    /// A call that passed failed after all: in the middle of its stream. One that probed tells of the
    /// era that began with its answer.
    pub(super) fn fail_late(&self, pass: Pass, settings: &BreakerSettings, counts: &Counts) {
        let era = if pass.probe { next(pass.era, true) } else { pass.era };
        let pass = Pass { era, probe: false, round: 0, ordered: false };
        self.settle_bad(pass, Outcome { failed: true, slow: false }, settings, counts);
    }

    fn settle_bad(
        &self,
        pass: Pass,
        outcome: Outcome,
        settings: &BreakerSettings,
        counts: &Counts,
    ) {
        let mut inner = self.lock();
        if self.era.load(Ordering::Acquire) != pass.era {
            return;
        }
        self.look(&mut inner, settings);
        inner.recent.add(outcome);
        let in_a_row = if outcome.failed {
            self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.in_a_row.store(0, Ordering::Relaxed);
            0
        };
        let why = if settings.consecutive > 0 && in_a_row >= settings.consecutive {
            Some(format!("{in_a_row} failures in a row"))
        } else {
            inner.recent.sums().trip(settings)
        };
        if let Some(why) = why {
            self.open(&mut inner, why, settings, counts);
        }
    }

    fn settle_probe(
        &self,
        pass: Pass,
        verdict: Verdict,
        settings: &BreakerSettings,
        counts: &Counts,
    ) {
        let mut inner = self.lock();
        if self.era.load(Ordering::Acquire) != pass.era {
            return;
        }
        let now = self.now();
        inner.state.probed(pass.round, verdict, now, settings);
        match inner.state {
            State::HalfOpen { .. } => {}
            State::Closed => {
                self.forget(&mut inner, settings);
                self.enter(true);
                counts.closed();
                tracing::info!(breaker = self.name(), "closed: it works again");
            }
            State::Open(_) => {
                "a probe failed".clone_into(&mut inner.why);
                self.enter(false);
                counts.reopened();
                tracing::warn!(breaker = self.name(), why = "a probe failed", "open again");
            }
        }
    }

    #[cold]
    fn open(&self, inner: &mut Inner, why: String, settings: &BreakerSettings, counts: &Counts) {
        inner.state.trip(self.now(), settings);
        tracing::warn!(breaker = self.name(), why, "open: calls are refused for a while");
        inner.why = why;
        self.forget(inner, settings);
        self.enter(false);
        counts.opened();
    }

    fn forget(&self, inner: &mut Inner, settings: &BreakerSettings) {
        inner.window = settings.window;
        inner.recent = Recent::new(settings.window);
        self.good.store(0, Ordering::Relaxed);
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// Tells `recent` what it does not know yet.
    fn look(&self, inner: &mut Inner, settings: &BreakerSettings) {
        if inner.window != settings.window {
            inner.window = settings.window;
            inner.recent = Recent::new(settings.window);
        }
        inner.recent.advance(self.now());
        inner.recent.add_good(self.good.swap(0, Ordering::Relaxed));
    }

    /// Begins a new era. The state is locked.
    fn enter(&self, closed: bool) {
        let era = self.era.load(Ordering::Relaxed);
        self.era.store(next(era, closed), Ordering::Release);
    }

    /// In which state it is, in words.
    pub(super) fn describe(&self, settings: &BreakerSettings) -> String {
        let (name, mut inner) = (self.name(), self.lock());
        self.look(&mut inner, settings);
        let Inner { state, why, recent, .. } = &*inner;
        match state {
            State::Closed => format!("{name} closed{}", recent.sums().describe(settings)),
            State::Open(_) => format!("{name} open ({why})"),
            State::HalfOpen { .. } => format!("{name} half-open ({why})"),
        }
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The era after this one.
fn next(era: u64, closed: bool) -> u64 {
    ((era | CLOSED) + 1) | u64::from(closed)
}

#[cold]
pub(super) fn refuse(recovery: Recovery, why: String) -> Error {
    refusal(BREAKER, Reason::BreakerOpen, recovery, why)
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
