//! The state machine of a breaker, without clock, lock or counter. Times are nanoseconds since any
//! moment.

use super::BreakerSettings;
use crate::ring::nanoseconds;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    /// Calls pass, and what becomes of them is counted.
    Closed,
    /// Calls are refused for a while.
    Open(Opened),
    /// Probes pass, and decide.
    HalfOpen { opened: Opened, since: u64, last: u64, out: u32, good: u32, round: u32 },
}

/// When it opened, for how long, and how many times in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Opened {
    since: u64,
    period: u64,
    times: u32,
}

/// What becomes of a call that comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Admission {
    Pass,
    Probe,
    /// With how long it has been open and when a probe may pass.
    RefuseOpen {
        for_: u64,
        probe_in: u64,
    },
    /// With how long it has been half open, and how many probes are out.
    RefuseHalfOpen {
        for_: u64,
        out: u32,
    },
}

/// What a call that is over says of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works.
    Good,
    /// It fails, or is slow.
    Bad,
    /// Nothing: the call never reached it, or nobody waited for the answer.
    None,
}

impl State {
    pub(super) fn admit(&mut self, now: u64, settings: &BreakerSettings) -> Admission {
        match self {
            State::Closed => Admission::Pass,
            State::Open(opened) => {
                let for_ = now.saturating_sub(opened.since);
                if for_ < opened.period {
                    return Admission::RefuseOpen { for_, probe_in: opened.period - for_ };
                }
                let (opened, since, last) = (*opened, now, now);
                *self = State::HalfOpen { opened, since, last, out: 1, good: 0, round: 0 };
                Admission::Probe
            }
            State::HalfOpen { opened, since, last, out, round, .. } => {
                // A probe that never ends must not keep it from closing: those are not waited for any
                // more, and make no room when they end after all.
                let lost = now.saturating_sub(*last) >= opened.period;
                if *out >= settings.probes && !lost {
                    return Admission::RefuseHalfOpen {
                        for_: now.saturating_sub(*since),
                        out: *out,
                    };
                }
                if lost {
                    (*out, *round) = (0, round.wrapping_add(1));
                }
                *out += 1;
                *last = now;
                Admission::Probe
            }
        }
    }

    /// Opens it.
    pub(super) fn trip(&mut self, now: u64, settings: &BreakerSettings) {
        let times = match self {
            State::Closed => 0,
            State::Open(opened) | State::HalfOpen { opened, .. } => opened.times + 1,
        };
        *self = State::Open(Opened { since: now, period: period(settings, times), times });
    }

    /// Of which round a probe is that passes now.
    pub(super) fn round(&self) -> u32 {
        if let State::HalfOpen { round, .. } = self { *round } else { 0 }
    }

    /// A probe of this round is over.
    pub(super) fn probed(
        &mut self,
        of: u32,
        verdict: Verdict,
        now: u64,
        settings: &BreakerSettings,
    ) {
        let State::HalfOpen { out, good, round, .. } = self else { return };
        *out = out.saturating_sub(u32::from(of == *round));
        match verdict {
            Verdict::None => {}
            Verdict::Bad => self.trip(now, settings),
            Verdict::Good => {
                *good += 1;
                if *good >= settings.probes {
                    *self = State::Closed;
                }
            }
        }
    }
}

fn period(settings: &BreakerSettings, times: u32) -> u64 {
    let times = i32::try_from(times).unwrap_or(i32::MAX);
    let longest = settings.longest.max(settings.open).as_secs_f64();
    let period = settings.open.as_secs_f64() * settings.growth.powi(times);
    nanoseconds(std::time::Duration::from_secs_f64(period.min(longest)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn settings() -> BreakerSettings {
        let open = Duration::from_secs(5);
        BreakerSettings { open, growth: 2.0, longest: 4 * open, probes: 2, ..Default::default() }
    }

    fn open() -> State {
        let mut state = State::Closed;
        state.trip(SECOND, &settings());
        state
    }

    fn half_open() -> State {
        let mut state = open();
        assert_eq!(state.admit(6 * SECOND, &settings()), Admission::Probe);
        state
    }

    #[test]
    fn closed_lets_pass() {
        assert_eq!(State::Closed.admit(SECOND, &settings()), Admission::Pass);
    }

    #[test]
    fn closed_to_open_by_tripping() {
        assert_eq!(open(), State::Open(Opened { since: SECOND, period: 5 * SECOND, times: 0 }));
    }

    #[test]
    fn open_refuses_until_its_period_is_over() {
        let refused = Admission::RefuseOpen { for_: 4 * SECOND, probe_in: SECOND };
        assert_eq!(open().admit(5 * SECOND, &settings()), refused);
    }

    #[test]
    fn open_to_half_open_by_a_call_after_its_period() {
        assert!(matches!(half_open(), State::HalfOpen { out: 1, good: 0, .. }));
    }

    #[test]
    fn half_open_lets_so_many_probes_pass_and_refuses_the_rest() {
        let mut state = half_open();
        assert_eq!(state.admit(7 * SECOND, &settings()), Admission::Probe);
        let refused = Admission::RefuseHalfOpen { for_: 2 * SECOND, out: 2 };
        assert_eq!(state.admit(8 * SECOND, &settings()), refused);
    }

    #[test]
    fn half_open_to_closed_by_as_many_good_probes() {
        let mut state = half_open();
        state.probed(0, Verdict::Good, 7 * SECOND, &settings());
        assert_ne!(state, State::Closed);
        state.admit(7 * SECOND, &settings());
        state.probed(0, Verdict::Good, 8 * SECOND, &settings());
        assert_eq!(state, State::Closed);
    }

    #[test]
    fn half_open_to_open_for_longer_by_one_bad_probe() {
        let mut state = half_open();
        for (times, period) in [(1, 10), (2, 20), (3, 20)] {
            state.probed(0, Verdict::Bad, 100 * SECOND, &settings());
            let opened = Opened { since: 100 * SECOND, period: period * SECOND, times };
            assert_eq!(state, State::Open(opened));
            state.admit(200 * SECOND, &settings());
        }
    }

    #[test]
    fn half_open_stays_so_by_a_probe_that_says_nothing_and_lets_the_next_one_pass() {
        let mut state = half_open();
        state.probed(0, Verdict::None, 7 * SECOND, &settings());
        assert!(matches!(state, State::HalfOpen { out: 0, good: 0, .. }));
        assert_eq!(state.admit(7 * SECOND, &settings()), Admission::Probe);
    }

    #[test]
    fn half_open_does_not_wait_for_ever_for_a_probe_that_never_ends() {
        let mut state = half_open();
        state.admit(7 * SECOND, &settings());
        assert_eq!(state.admit(12 * SECOND, &settings()), Admission::Probe);
    }
}
