//! Collects how long calls take, and asks the [`Gradient`] at the end of each window.
//!
//! A call that is over adds two numbers, without a lock; the one that closes a window moves the limit.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use tokio::time::Instant;

use super::gradient::{Bounds, Gradient, Window};

/// How long a window is at least. Netflix's is 1 s; a shorter one finds the limit sooner, and the
/// smoothing is there already.
const WINDOW: u64 = 100_000_000;

/// How many calls it has at least.
const SAMPLES: u64 = 10;

/// The adaptive limit.
#[derive(Debug)]
pub(super) struct Sampler {
    begin: Instant,
    /// Zero before the first window.
    limit: AtomicUsize,
    /// Of this window, in nanoseconds.
    sum: AtomicU64,
    count: AtomicU64,
    most: AtomicUsize,
    /// When the window ends at the earliest, in nanoseconds since the beginning.
    ends: AtomicU64,
    /// What calls take in the long run, in nanoseconds.
    baseline: AtomicU64,
    gradient: Mutex<Gradient>,
}

impl Sampler {
    pub(super) fn new() -> Self {
        Sampler {
            begin: Instant::now(),
            limit: AtomicUsize::new(0),
            sum: AtomicU64::new(0),
            count: AtomicU64::new(0),
            most: AtomicUsize::new(0),
            ends: AtomicU64::new(WINDOW),
            baseline: AtomicU64::new(0),
            gradient: Mutex::default(),
        }
    }

    /// The limit as it is now.
    pub(super) fn limit(&self, bounds: Bounds) -> usize {
        match self.limit.load(Relaxed) {
            0 => bounds.initial,
            limit => limit,
        }
        .clamp(bounds.min, bounds.max)
    }

    /// What calls take in the long run.
    pub(super) fn baseline(&self) -> Duration {
        Duration::from_nanos(self.baseline.load(Relaxed))
    }

    /// A call that began at `started`, as one of `in_flight`, is answered. Gives the limit where it
    /// changed.
    pub(super) fn answered(
        &self,
        bounds: Bounds,
        started: Instant,
        in_flight: usize,
    ) -> Option<usize> {
        let now = Instant::now();
        self.add(bounds, now, now - started, in_flight)
    }

    /// A call was given up before its answer. It took at least so long, which says something only
    /// where it was longer than usual.
    pub(super) fn given_up(
        &self,
        bounds: Bounds,
        started: Instant,
        in_flight: usize,
    ) -> Option<usize> {
        let now = Instant::now();
        let took = now - started;
        if took <= self.baseline() {
            return None;
        }
        self.add(bounds, now, took, in_flight)
    }

    fn add(&self, bounds: Bounds, now: Instant, took: Duration, in_flight: usize) -> Option<usize> {
        self.sum.fetch_add(nanoseconds(took), Relaxed);
        self.most.fetch_max(in_flight, Relaxed);
        let count = self.count.fetch_add(1, Relaxed) + 1;
        let now = nanoseconds(now - self.begin);
        if count < SAMPLES || now < self.ends.load(Relaxed) {
            return None;
        }
        self.close(bounds, now)
    }

    #[cold]
    fn close(&self, bounds: Bounds, now: u64) -> Option<usize> {
        let mut gradient = match self.gradient.try_lock() {
            Ok(gradient) => gradient,
            // Somebody else is closing it.
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        };
        if now < self.ends.load(Relaxed) {
            return None;
        }
        // Calls that end meanwhile may count for either window.
        let (sum, count) = (self.sum.swap(0, Relaxed), self.count.swap(0, Relaxed).max(1));
        let in_flight = self.most.swap(0, Relaxed);
        let rtt = Duration::from_nanos((sum / count).max(1));
        let limit = gradient.next(bounds, Window { rtt, in_flight });
        self.baseline.store(nanoseconds(gradient.baseline()), Relaxed);
        self.ends.store(now.saturating_add(WINDOW), Relaxed);
        (self.limit.swap(limit, Relaxed) != limit).then_some(limit)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { initial: 20, min: 20, max: 200, tolerance: 1.5 };

    #[tokio::test(start_paused = true)]
    async fn a_window_needs_time_and_calls() {
        let sampler = Sampler::new();
        let calls = |number: usize| {
            (0..number).filter_map(|_| sampler.answered(BOUNDS, Instant::now(), 20)).last()
        };
        assert_eq!(calls(50), None, "no time has gone by");
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(calls(1), Some(21));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(calls(9), None, "too few calls");
        assert_eq!(calls(1), Some(22));
        assert_eq!(sampler.limit(BOUNDS), 22);
        assert_eq!(sampler.limit(Bounds { max: 21, ..BOUNDS }), 21, "as settings say now");
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_early_says_nothing_and_who_leaves_late_does() {
        let sampler = Sampler::new();
        let begin = Instant::now();
        tokio::time::advance(Duration::from_millis(100)).await;
        let slow = || sampler.answered(BOUNDS, begin, 20);
        assert_eq!((0..10).filter_map(|_| slow()).count(), 1);
        assert_eq!(sampler.baseline(), Duration::from_millis(100));
        sampler.given_up(BOUNDS, Instant::now(), 20);
        assert_eq!(sampler.count.load(Relaxed), 0);
        tokio::time::advance(Duration::from_millis(100)).await;
        sampler.given_up(BOUNDS, begin, 20);
        assert_eq!(sampler.count.load(Relaxed), 1);
    }
}
