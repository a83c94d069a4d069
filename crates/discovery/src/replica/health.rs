//! Whether a replica is left out: one state, which outcomes change and the pick reads. What others
//! call outlier ejection and per-host breaker.
//!
//! Closed: it takes calls. Failures in a row, or a rate of success far below that of the others,
//! open it, unless too many are open already. Open: it takes none for a time that grows with each
//! opening. After that, half-open: the next call is sent to it as a probe, and it alone; its outcome
//! closes or opens the state again. A replica that has closed for good behaviour is forgiven one
//! opening for each such time.
//!
//! The state is one word, so that neither the pick nor an outcome takes a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::HealthSettings;
use crate::census::Seats;

/// Whether a replica takes calls. Times are in milliseconds since its balancer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Closed {
        /// Failures since the last success.
        failures: u16,
        /// How often it was open and that is not forgiven yet.
        times: u8,
        /// Since when.
        since: u64,
    },
    /// It does not.
    Open {
        /// How often it was open, this time included.
        times: u8,
        /// Until then.
        until: u64,
    },
    /// One call tries it.
    HalfOpen {
        /// How often it was open.
        times: u8,
    },
    /// It has left, and calls that are on it still change nothing.
    Retired,
}

/// What happens to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call was answered; that its business says no is an answer.
    Success,
    /// A call failed for what the replica, or the way to it, did.
    Failure,
    /// Its rate of success is far below that of the others.
    Outlier,
    /// A call is sent to try it.
    Probe,
    /// That call was answered.
    ProbeSucceeded,
    /// That call failed.
    ProbeFailed,
    /// That call was given up by its caller.
    ProbeDropped,
    /// It was started anew.
    Renewed,
    /// It has left the registry.
    Retired,
}

impl State {
    /// A replica of which nothing is known.
    pub const NEW: State = State::Closed { failures: 0, times: 0, since: 0 };

    /// What follows from `event` at `now`; none where nothing does. `chance` is in `0.0..1.0`.
    #[must_use]
    pub fn after(
        self,
        event: Event,
        now: u64,
        rules: &HealthSettings,
        chance: f64,
    ) -> Option<State> {
        let open = |times: u8| {
            let times = times.saturating_add(1);
            State::Open { times, until: now + milliseconds(pause(times, rules, chance)) }
        };
        match (self, event) {
            (State::Retired, _) => None,
            (_, Event::Retired) => Some(State::Retired),
            (_, Event::Renewed) => Some(State::Closed { failures: 0, times: 0, since: now }),
            (State::Closed { failures: 0, .. }, Event::Success) => None,
            (State::Closed { times, since, .. }, Event::Success) => {
                Some(State::Closed { failures: 0, times, since })
            }
            (State::Closed { failures, times, since }, Event::Failure) => {
                let failures = failures.saturating_add(1);
                if rules.eject && u32::from(failures) >= rules.consecutive {
                    return Some(open(forgiven(times, now.saturating_sub(since), rules)));
                }
                Some(State::Closed { failures, times, since })
            }
            (State::Closed { times, since, .. }, Event::Outlier) if rules.eject => {
                Some(open(forgiven(times, now.saturating_sub(since), rules)))
            }
            (State::Open { times, until }, Event::Probe) if until <= now => {
                Some(State::HalfOpen { times })
            }
            (State::HalfOpen { times }, Event::ProbeSucceeded) => {
                Some(State::Closed { failures: 0, times, since: now })
            }
            (State::HalfOpen { times }, Event::ProbeFailed) => Some(open(times)),
            (State::HalfOpen { times }, Event::ProbeDropped) => {
                Some(State::Open { times, until: now })
            }
            _ => None,
        }
    }

    /// Whether it is left out.
    #[must_use]
    pub fn is_out(self) -> bool {
        matches!(self, State::Open { .. } | State::HalfOpen { .. })
    }
}

/// The openings that count still after so long a time closed.
fn forgiven(times: u8, closed: u64, rules: &HealthSettings) -> u8 {
    let periods = closed / milliseconds(rules.time).max(1);
    times.saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
}

/// How long the opening of this number takes.
fn pause(times: u8, rules: &HealthSettings, chance: f64) -> Duration {
    rules.time.saturating_mul(u32::from(times)).min(rules.longest).mul_f64(1.0 + chance / 2.0)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The state of a replica that many change at once.
#[derive(Debug)]
pub(crate) struct Health(AtomicU64);

/// From which state to which.
pub(crate) type Change = (State, State);

impl Health {
    pub(crate) fn new() -> Self {
        Health(AtomicU64::new(pack(State::NEW)))
    }

    pub(crate) fn state(&self) -> State {
        unpack(self.0.load(Ordering::Relaxed))
    }

    /// Lets it happen. Where one more replica would have to be left out and may not, nothing does.
    pub(crate) fn tell(
        &self,
        event: Event,
        now: u64,
        rules: &HealthSettings,
        seats: &Seats,
        chance: impl Fn() -> f64,
    ) -> Option<Change> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let state = unpack(word);
            // Of a call that goes well on a replica that is well nothing more follows.
            if event == Event::Success && matches!(state, State::Closed { failures: 0, .. }) {
                return None;
            }
            let next = state.after(event, now, rules, chance())?;
            let leaves = !state.is_out() && next.is_out();
            if leaves && !seats.leave_out(rules.share) {
                return None;
            }
            let to = pack(next);
            match self.0.compare_exchange_weak(word, to, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => {
                    if state.is_out() && !next.is_out() {
                        seats.take_back();
                    }
                    return Some((state, next));
                }
                Err(other) => {
                    if leaves {
                        seats.take_back();
                    }
                    word = other;
                }
            }
        }
    }
}

/// 2 bits say which state, 14 are for failures, 8 for times, 40 for the time: 34 years.
const TIME: u64 = (1 << 40) - 1;

fn pack(state: State) -> u64 {
    let word = |kind: u64, failures: u16, times: u8, time: u64| {
        kind << 62 | u64::from(failures.min(0x3fff)) << 48 | u64::from(times) << 40 | time.min(TIME)
    };
    match state {
        State::Closed { failures, times, since } => word(0, failures, times, since),
        State::Open { times, until } => word(1, 0, times, until),
        State::HalfOpen { times } => word(2, 0, times, 0),
        State::Retired => word(3, 0, 0, 0),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "masked to their widths")]
fn unpack(word: u64) -> State {
    let (failures, times, time) = ((word >> 48) as u16 & 0x3fff, (word >> 40) as u8, word & TIME);
    match word >> 62 {
        0 => State::Closed { failures, times, since: time },
        1 => State::Open { times, until: time },
        2 => State::HalfOpen { times },
        _ => State::Retired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;

    fn rules() -> HealthSettings {
        HealthSettings::default()
    }

    fn after(state: State, event: Event, now: u64) -> Option<State> {
        state.after(event, now, &rules(), 0.0)
    }

    fn closed(failures: u16, times: u8) -> State {
        State::Closed { failures, times, since: 0 }
    }

    #[test]
    fn a_success_ends_a_row_of_failures() {
        assert_eq!(after(closed(4, 0), Event::Success, 1), Some(closed(0, 0)));
        assert_eq!(after(closed(0, 0), Event::Success, 1), None);
    }

    #[test]
    fn the_fifth_failure_in_a_row_opens() {
        assert_eq!(after(closed(3, 0), Event::Failure, 1), Some(closed(4, 0)));
        let open = State::Open { times: 1, until: 30 * SECOND + 1 };
        assert_eq!(after(closed(4, 0), Event::Failure, 1), Some(open));
    }

    #[test]
    fn an_outlier_is_opened() {
        let open = State::Open { times: 1, until: 30 * SECOND };
        assert_eq!(after(closed(0, 0), Event::Outlier, 0), Some(open));
    }

    #[test]
    fn nothing_opens_where_that_is_off() {
        let rules = HealthSettings { eject: false, ..rules() };
        assert_eq!(closed(0, 0).after(Event::Outlier, 0, &rules, 0.0), None);
        assert_eq!(closed(9, 0).after(Event::Failure, 0, &rules, 0.0), Some(closed(10, 0)));
    }

    #[test]
    fn each_opening_takes_longer_up_to_a_limit_and_good_behaviour_is_rewarded() {
        let until = |times, now| match after(closed(4, times), Event::Failure, now) {
            Some(State::Open { until, .. }) => until - now,
            other => panic!("{other:?}"),
        };
        assert_eq!(until(1, 0), 60 * SECOND);
        assert_eq!(until(200, 0), 300 * SECOND);
        assert_eq!(until(2, 60 * SECOND), 30 * SECOND, "two openings were forgiven in a minute");
        let longer = closed(4, 0).after(Event::Failure, 0, &rules(), 0.5);
        assert_eq!(longer, Some(State::Open { times: 1, until: 37_500 }));
    }

    #[test]
    fn an_open_state_is_tried_when_its_time_is_over_and_by_one_only() {
        let open = State::Open { times: 1, until: 10 };
        assert_eq!(after(open, Event::Probe, 9), None);
        let half = State::HalfOpen { times: 1 };
        assert_eq!(after(open, Event::Probe, 10), Some(half));
        assert_eq!(after(half, Event::Probe, 11), None);
    }

    #[test]
    fn the_probe_decides() {
        let half = State::HalfOpen { times: 1 };
        let closed = State::Closed { failures: 0, times: 1, since: 7 };
        assert_eq!(after(half, Event::ProbeSucceeded, 7), Some(closed));
        let open = State::Open { times: 2, until: 60 * SECOND };
        assert_eq!(after(half, Event::ProbeFailed, 0), Some(open));
        let at_once = State::Open { times: 1, until: 7 };
        assert_eq!(after(half, Event::ProbeDropped, 7), Some(at_once));
    }

    #[test]
    fn calls_that_were_sent_before_decide_nothing() {
        for state in [State::Open { times: 1, until: 10 }, State::HalfOpen { times: 1 }] {
            for event in [Event::Success, Event::Failure, Event::Outlier] {
                assert_eq!(after(state, event, 20), None);
            }
        }
    }

    #[test]
    fn one_that_was_started_anew_begins_anew() {
        let new = State::Closed { failures: 0, times: 0, since: 5 };
        assert_eq!(after(State::Open { times: 3, until: 99 }, Event::Renewed, 5), Some(new));
    }

    #[test]
    fn one_that_has_left_changes_no_more() {
        assert_eq!(after(closed(1, 1), Event::Retired, 5), Some(State::Retired));
        assert_eq!(after(State::Retired, Event::Renewed, 5), None);
    }

    #[test]
    fn a_word_holds_every_state() {
        for state in [
            State::Closed { failures: 0x3fff, times: 255, since: TIME },
            State::Open { times: 255, until: TIME },
            State::HalfOpen { times: 255 },
            State::Retired,
            State::NEW,
        ] {
            assert_eq!(unpack(pack(state)), state);
        }
    }

    #[test]
    fn of_two_replicas_only_one_is_left_out_and_its_seat_comes_back() {
        let seats = Seats::default();
        seats.all.set_members(2);
        let (a, b) = (Health::new(), Health::new());
        let fail = |health: &Health| {
            for _ in 0..5 {
                health.tell(Event::Failure, 0, &rules(), &seats, || 0.0);
            }
            health.state().is_out()
        };
        assert!(fail(&a));
        assert!(!fail(&b));
        a.tell(Event::Retired, 0, &rules(), &seats, || 0.0);
        assert_eq!(seats.all.out(), 0);
        assert!(fail(&b), "and now it may");
    }
}
