//! Gradient2: how many calls at once, found from how long they take.
//!
//! From Netflix's `concurrency-limits` (`Gradient2Limit`). The time that calls take now (`short`) is
//! held against what they took in the long run (`long`): while `short` stays within `tolerance` of
//! `long` the limit grows by the room of a small queue; where it rises above, calls wait for each other
//! inside, and the limit shrinks by the ratio, to a half at most:
//!
//! ```text
//! gradient = clamp(tolerance * long / short, 0.5, 1)
//! limit    = limit * 0.8 + (limit * gradient + 4) * 0.2
//! ```
//!
//! Nothing is probed: no limit is ever pinned to find out how quick an idle server is (Envoy's does
//! that, and its throughput dips each time). A server that is not busy teaches the baseline by itself.
//!
//! One thing differs. Under overload that lasts, the original's baseline learns the overload: `long`
//! drifts up to `short`, the limit after it, and so on without end. Here a window in which the limit
//! was the reason to wait teaches the baseline a tenth of what others teach it. That follows a service
//! that has really become slower within ten minutes, and drifts by half in four minutes of overload;
//! which of the two it is nobody can tell without a probe. `max` bounds it.

use std::time::Duration;

/// Room for a few calls that wait inside, so that no processor is ever idle.
const ROOM: f64 = 4.0;

/// How much of a step is taken.
const SMOOTHING: f64 = 0.2;

/// How many windows the baseline remembers.
const LONG_WINDOW: f64 = 600.0;

/// How many of the first windows are averaged evenly.
const WARM_UP: u32 = 10;

/// How much a window under a full limit teaches the baseline.
const FULL: f64 = 0.1;

/// What calls took in a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// On average.
    pub(super) rtt: Duration,
    /// The most of them at once.
    pub(super) in_flight: usize,
}

/// What the limit may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) initial: usize,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) tolerance: f64,
}

/// The limit, and what it is made of.
#[derive(Debug, Default)]
pub(super) struct Gradient {
    /// None before the first window.
    limit: Option<f64>,
    /// In seconds.
    long: f64,
    windows: u32,
}

impl Gradient {
    /// The limit after this window.
    pub(super) fn next(&mut self, bounds: Bounds, window: Window) -> usize {
        let limit = self.limit.unwrap_or(bounds.initial as f64);
        let (short, in_flight) = (window.rtt.as_secs_f64(), window.in_flight as f64);
        self.learn(short, window.in_flight >= whole(limit));
        // It was slow, and is quick again: a baseline that still remembers would let too many in.
        if self.long > 2.0 * short {
            self.long *= 0.95;
        }
        let limit = match in_flight < limit / 2.0 {
            // Few came: that they were quick says nothing about more.
            true => limit,
            false => {
                let gradient = (bounds.tolerance * self.long / short).clamp(0.5, 1.0);
                limit * (1.0 - SMOOTHING) + (limit * gradient + ROOM) * SMOOTHING
            }
        };
        let limit = limit.clamp(bounds.min as f64, bounds.max as f64);
        self.limit = Some(limit);
        whole(limit)
    }

    /// What calls take in the long run.
    pub(super) fn baseline(&self) -> Duration {
        Duration::from_secs_f64(self.long)
    }

    fn learn(&mut self, short: f64, full: bool) {
        if self.windows < WARM_UP {
            self.windows += 1;
            self.long += (short - self.long) / f64::from(self.windows);
            return;
        }
        let share = 2.0 / (LONG_WINDOW + 1.0);
        let share = if full && short > self.long { share * FULL } else { share };
        self.long += (short - self.long) * share;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a limit lies between its bounds, which are whole numbers"
)]
fn whole(limit: f64) -> usize {
    limit.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { initial: 20, min: 20, max: 200, tolerance: 1.5 };

    fn window(milliseconds: u64, in_flight: usize) -> Window {
        Window { rtt: Duration::from_millis(milliseconds), in_flight }
    }

    #[test]
    fn it_grows_while_calls_stay_quick_and_no_further_than_its_bounds() {
        let (mut gradient, mut limit) = (Gradient::default(), 20);
        for _ in 0..1_000 {
            let next = gradient.next(BOUNDS, window(10, limit));
            assert!(next >= limit);
            limit = next;
        }
        assert_eq!(limit, 200);
    }

    #[test]
    fn it_does_not_grow_while_few_calls_come() {
        let mut gradient = Gradient::default();
        for _ in 0..1_000 {
            assert_eq!(gradient.next(BOUNDS, window(10, 9)), 20);
        }
    }

    #[test]
    fn it_shrinks_where_calls_wait_for_each_other_and_no_further_than_its_bounds() {
        let (mut gradient, mut limit) = (Gradient::default(), 20);
        for _ in 0..200 {
            limit = gradient.next(BOUNDS, window(10, limit));
        }
        for _ in 0..60 {
            limit = gradient.next(BOUNDS, window(100, limit));
        }
        assert_eq!(limit, 20);
    }

    /// A server of 50 workers, which take 10 ms: more calls at once only wait.
    fn server(limit: usize) -> Window {
        let rtt = Duration::from_millis(10).mul_f64((limit as f64 / 50.0).max(1.0));
        Window { rtt, in_flight: limit }
    }

    #[test]
    fn under_overload_that_lasts_it_stays_near_what_the_server_can_do() {
        let mut gradient = Gradient::default();
        for _ in 0..100 {
            gradient.next(BOUNDS, window(10, 9));
        }
        let mut limit = 20;
        // Four minutes, with a window each 100 ms.
        for number in 0..2_400 {
            limit = gradient.next(BOUNDS, server(limit));
            assert!(number < 100 || (50..=125).contains(&limit), "{limit} at window {number}");
        }
    }

    #[test]
    fn it_follows_a_service_that_has_become_slower() {
        let (mut gradient, mut limit) = (Gradient::default(), 20);
        for _ in 0..200 {
            limit = gradient.next(BOUNDS, window(10, limit));
        }
        for _ in 0..6_000 {
            limit = gradient.next(BOUNDS, window(40, limit));
        }
        assert!(limit > 100, "{limit}");
    }

    #[test]
    fn no_window_makes_the_limit_dip() {
        let (mut gradient, mut limit) = (Gradient::default(), 20);
        for _ in 0..100 {
            limit = gradient.next(BOUNDS, server(limit));
        }
        for _ in 0..10_000 {
            let next = gradient.next(BOUNDS, server(limit));
            assert!(next + 2 >= limit, "from {limit} to {next} at once");
            limit = next;
        }
    }
}
