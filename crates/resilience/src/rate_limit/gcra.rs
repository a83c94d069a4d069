//! The generic cell rate algorithm: a leaky bucket in one number.
//!
//! ITU-T I.371 as the virtual scheduling algorithm: with `t = 1 / rate` and `tau = t * (burst - 1)`, a
//! call at `now` is refused while `now < tat - tau`, and else moves `tat` to `max(tat, now) + t`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A rate and its burst, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// The time that one call uses up.
    pub(super) interval: u64,
    /// How far ahead of its time a call may come.
    pub(super) tolerance: u64,
}

/// When the next call would be on time; of one key.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

/// How long calls may wait for their turn, in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// This call.
    pub(super) own: u64,
    /// Any call.
    pub(super) longest: u64,
}

/// How much older a call's reading of the clock may be than that of another one. A cell that is no
/// further ahead than by that is no sign of a slower rate.
const SKEW: u64 = 100_000_000;

/// What is left after a call that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// So many more calls pass at once.
    pub(super) calls: u64,
    /// Until the whole burst is there again.
    pub(super) full_after: Duration,
}

impl Quota {
    pub(super) fn new(rate: f64, burst: u32) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float saturates where it is too large"
        )]
        let interval = (1e9 / rate).round().max(1.0) as u64;
        let burst = u64::from(burst.max(1));
        Quota { interval, tolerance: interval.saturating_mul(burst - 1) }
    }

    /// The latest that a cell may be set to at `now`, where calls wait for up to `longest`.
    fn latest(self, now: u64, longest: u64) -> u64 {
        let ahead = self.tolerance.saturating_add(self.interval).saturating_add(longest);
        now.saturating_add(ahead)
    }

    fn left(self, tat: u64, now: u64) -> Left {
        let ahead = tat.saturating_sub(now);
        let room = (self.tolerance + self.interval).saturating_sub(ahead);
        Left { calls: room / self.interval, full_after: Duration::from_nanos(ahead) }
    }
}

impl Cell {
    /// Takes a call at `now`, if it passes at once.
    pub(super) fn pass(&self, quota: Quota, now: u64) -> bool {
        let mut tat = self.0.load(Ordering::Relaxed);
        loop {
            if tat > now.saturating_add(quota.tolerance) {
                return false;
            }
            let next = tat.max(now).saturating_add(quota.interval);
            match self.0.compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(newer) => tat = newer,
            }
        }
    }

    /// Takes a call at `now`, or says how long it would have to wait. Times are nanoseconds since any
    /// moment.
    #[cfg(test)]
    pub(super) fn take(&self, quota: Quota, now: u64) -> Result<Left, Duration> {
        self.take_within(quota, now, Patience::default()).map(|(left, _)| left)
    }

    /// The same for a call that may wait: with how long it has to.
    pub(super) fn take_within(
        &self,
        quota: Quota,
        now: u64,
        patience: Patience,
    ) -> Result<(Left, Duration), Duration> {
        let mut tat = self.0.load(Ordering::Relaxed);
        loop {
            let early = tat.saturating_sub(now.saturating_add(quota.tolerance));
            if early > patience.own {
                let Some(lowered) = self.lowered(tat, quota.latest(now, patience.longest)) else {
                    return Err(Duration::from_nanos(early));
                };
                tat = lowered;
                continue;
            }
            let next = tat.max(now).saturating_add(quota.interval);
            match self.0.compare_exchange_weak(tat, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok((quota.left(next, now), Duration::from_nanos(early))),
                Err(newer) => tat = newer,
            }
        }
    }

    /// Lowers what a slower rate has left behind, which would shut everybody out for long: to the
    /// latest that is possible now. Nothing where it is no later.
    fn lowered(&self, tat: u64, latest: u64) -> Option<u64> {
        let stale = tat > latest.saturating_add(SKEW);
        stale.then(|| self.0.fetch_min(latest, Ordering::Relaxed).min(latest))
    }

    /// Gives back a place that was taken and not used.
    pub(super) fn give_back(&self, quota: Quota) {
        let less = |tat: u64| Some(tat.saturating_sub(quota.interval));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Whether nothing is left of its calls: it is as good as new.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.0.load(Ordering::Relaxed) <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn the_short_way_passes_what_the_long_one_does() {
        let (quota, long, short) = (Quota::new(10.0, 3), Cell::default(), Cell::default());
        for now in (0..40).map(|step| SECOND + step * SECOND / 40) {
            assert_eq!(short.pass(quota, now), long.take(quota, now).is_ok(), "{now}");
        }
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (quota, cell) = (Quota::new(10.0, 3), Cell::default());
        for left in [2, 1, 0] {
            assert_eq!(cell.take(quota, SECOND).unwrap().calls, left);
        }
        assert_eq!(cell.take(quota, SECOND), Err(Duration::from_millis(100)));
        let soon = SECOND + SECOND / 10;
        assert_eq!(cell.take(quota, soon).unwrap().calls, 0);
        assert!(!cell.is_idle(soon));
        assert!(cell.is_idle(2 * SECOND));
        assert_eq!(cell.take(quota, 2 * SECOND).unwrap().calls, 2, "the burst is back");
    }

    #[test]
    fn who_is_patient_gets_a_place_in_line_and_may_give_it_back() {
        let (quota, cell) = (Quota::new(10.0, 1), Cell::default());
        let wait = |own| {
            let patience = Patience { own, longest: SECOND };
            cell.take_within(quota, SECOND, patience).map(|(_, wait)| wait)
        };
        assert_eq!(wait(0), Ok(Duration::ZERO));
        assert_eq!(wait(SECOND), Ok(Duration::from_millis(100)));
        assert_eq!(wait(SECOND), Ok(Duration::from_millis(200)));
        cell.give_back(quota);
        assert_eq!(wait(SECOND), Ok(Duration::from_millis(200)));
        assert_eq!(wait(SECOND / 10), Err(Duration::from_millis(300)));
    }

    #[test]
    fn what_a_slower_rate_left_behind_is_lowered_and_places_in_line_are_not() {
        let (slow, fast, cell) = (Quota::new(1.0, 1), Quota::new(10.0, 1), Cell::default());
        let wait = |quota, own| {
            let patience = Patience { own, longest: 5 * SECOND };
            cell.take_within(quota, SECOND, patience).map(|(_, wait)| wait.as_millis())
        };
        for turn in 0..6 {
            assert_eq!(wait(slow, 5 * SECOND), Ok(turn * 1_000));
        }
        assert_eq!(wait(slow, SECOND), Err(Duration::from_secs(6)), "it is in a hurry");
        assert_eq!(wait(slow, 5 * SECOND), Err(Duration::from_secs(6)));
        assert_eq!(wait(fast, SECOND), Err(Duration::from_millis(5_100)));
        assert_eq!(cell.take(fast, SECOND), Err(Duration::from_millis(100)), "nobody waits now");
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            rate in 1_u32..1_000,
            burst in 1_u32..50,
            steps in prop::collection::vec(0_u64..50_000_000, 1..300),
        ) {
            let (quota, cell) = (Quota::new(f64::from(rate), burst), Cell::default());
            let (mut now, mut passed) = (SECOND, 0_u64);
            for step in steps {
                now += step;
                passed += u64::from(cell.take(quota, now).is_ok());
                let allowed = u64::from(burst) + (now - SECOND) / quota.interval;
                prop_assert!(passed <= allowed, "{passed} passed, {allowed} may");
            }
        }
    }
}
