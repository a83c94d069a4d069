//! What became of the calls that a breaker looks at.

use super::{BreakerSettings, BreakerWindow};
use crate::ring::Ring;

const CALLS: usize = 0;
const FAILED: usize = 1;
const SLOW: usize = 2;

/// The calls of a time, or the last so many.
#[derive(Debug)]
pub(super) enum Recent {
    Time(Ring<3>),
    Calls(Last),
}

/// The last calls, oldest first from `next` on once it is full.
#[derive(Debug)]
pub(super) struct Last {
    calls: Vec<Outcome>,
    most: usize,
    next: usize,
    failed: u64,
    slow: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// How many calls there were, and how many of them failed or were slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
}

impl Recent {
    pub(super) fn new(window: BreakerWindow) -> Self {
        match window {
            BreakerWindow::Time(time) => Recent::Time(Ring::new(time)),
            BreakerWindow::Calls(calls) => {
                let most = usize::try_from(calls.max(1)).expect("a u32 fits");
                Recent::Calls(Last { calls: Vec::new(), most, next: 0, failed: 0, slow: 0 })
            }
        }
    }

    /// Forgets what is too long ago.
    pub(super) fn advance(&mut self, now: u64) {
        if let Recent::Time(ring) = self {
            ring.advance(now);
        }
    }

    /// Adds calls that were neither failures nor slow.
    pub(super) fn add_good(&mut self, number: u64) {
        match self {
            Recent::Time(ring) => ring.add(CALLS, number),
            Recent::Calls(last) => (0..number).for_each(|_| last.push(Outcome::default())),
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        match self {
            Recent::Time(ring) => {
                ring.add(CALLS, 1);
                ring.add(FAILED, u64::from(outcome.failed));
                ring.add(SLOW, u64::from(outcome.slow));
            }
            Recent::Calls(last) => last.push(outcome),
        }
    }

    pub(super) fn sums(&self) -> Sums {
        match self {
            Recent::Time(ring) => {
                let [calls, failed, slow] = ring.sums();
                Sums { calls, failed, slow }
            }
            Recent::Calls(Last { calls, failed, slow, .. }) => {
                Sums { calls: calls.len() as u64, failed: *failed, slow: *slow }
            }
        }
    }
}

impl Last {
    fn push(&mut self, outcome: Outcome) {
        self.failed += u64::from(outcome.failed);
        self.slow += u64::from(outcome.slow);
        if self.calls.len() < self.most {
            self.calls.push(outcome);
            return;
        }
        let oldest = std::mem::replace(&mut self.calls[self.next], outcome);
        self.failed -= u64::from(oldest.failed);
        self.slow -= u64::from(oldest.slow);
        self.next = (self.next + 1) % self.most;
    }
}

impl Sums {
    fn are_few(self, settings: &BreakerSettings) -> bool {
        self.calls < u64::from(settings.least)
    }

    fn of(self, settings: &BreakerSettings) -> String {
        let calls = self.calls;
        match settings.window {
            BreakerWindow::Time(time) => format!("{calls} calls in {time:?}"),
            BreakerWindow::Calls(_) => format!("the last {calls} calls"),
        }
    }

    /// What it looks at, in brackets; nothing where it looks at no shares.
    pub(super) fn describe(self, settings: &BreakerSettings) -> String {
        if settings.rate <= 0.0 && settings.slow.is_zero() {
            return String::new();
        }
        let least = settings.least;
        let few = match self.are_few(settings) {
            true => format!(", too few to open it: {least} are the least"),
            false => String::new(),
        };
        format!(" ({} of {} failed{few})", self.failed, self.of(settings))
    }

    /// Whether they are a reason to open, and which.
    pub(super) fn trip(self, settings: &BreakerSettings) -> Option<String> {
        let Sums { calls, failed, slow } = self;
        if self.are_few(settings) {
            return None;
        }
        let of = || self.of(settings);
        if settings.rate > 0.0 && share(failed, calls) >= settings.rate {
            return Some(format!("{failed} of {} failed", of()));
        }
        if !settings.slow.is_zero() && share(slow, calls) >= settings.slow_rate {
            return Some(format!("{slow} of {} took {:?} or longer", of(), settings.slow));
        }
        None
    }
}

fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
    let share = part as f64 / whole as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Outcome = Outcome { failed: true, slow: false };

    #[test]
    fn the_last_calls_push_the_first_ones_out() {
        let mut recent = Recent::new(BreakerWindow::Calls(3));
        recent.add(BAD);
        recent.add(Outcome { failed: false, slow: true });
        recent.add_good(1);
        assert_eq!(recent.sums(), Sums { calls: 3, failed: 1, slow: 1 });
        recent.add_good(1);
        assert_eq!(recent.sums(), Sums { calls: 3, failed: 0, slow: 1 });
        recent.add_good(1);
        recent.add(BAD);
        assert_eq!(recent.sums(), Sums { calls: 3, failed: 1, slow: 0 });
    }

    #[test]
    fn few_calls_say_nothing_and_a_share_of_many_is_a_reason() {
        let settings = BreakerSettings::default();
        let sums = |calls, failed| Sums { calls, failed, slow: 0 };
        assert_eq!(sums(19, 19).trip(&settings), None);
        assert_eq!(sums(20, 9).trip(&settings), None);
        let why = sums(20, 10).trip(&settings).unwrap();
        assert_eq!(why, "10 of 20 calls in 10s failed");
    }
}
