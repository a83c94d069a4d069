//! What became of the calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Calls, by whether they were answered and after how long.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    /// Of each answered call, in microseconds.
    latencies: Vec<u64>,
    failed: u64,
}

impl Outcomes {
    pub(crate) fn shared() -> Arc<Mutex<Self>> {
        Arc::default()
    }

    pub(crate) fn add(shared: &Mutex<Self>, answered: bool, latency: Duration) {
        let mut outcomes = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            true => outcomes.latencies.push(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
            false => outcomes.failed += 1,
        }
    }

    /// The calls of a run that is over.
    pub(crate) fn take(shared: &Mutex<Self>) -> Self {
        std::mem::take(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner)).sorted()
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.latencies.extend(&other.latencies);
        self.failed += other.failed;
        self.latencies.sort_unstable();
    }

    fn sorted(mut self) -> Self {
        self.latencies.sort_unstable();
        self
    }

    /// The share of calls that were answered.
    pub(crate) fn success(&self) -> f64 {
        let answered = self.latencies.len() as f64;
        answered / (answered + self.failed as f64)
    }

    /// The latency below which this share of the answered calls stayed, in milliseconds.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(index).or(self.latencies.last()).map_or(f64::NAN, |it| *it as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_those_that_were_answered() {
        let shared = Outcomes::shared();
        for millis in (1..=100).rev() {
            Outcomes::add(&shared, true, Duration::from_millis(millis));
        }
        Outcomes::add(&shared, false, Duration::from_secs(5));
        let outcomes = Outcomes::take(&shared);
        assert_eq!((outcomes.percentile(0.5), outcomes.percentile(0.99)), (51.0, 100.0));
        assert!((outcomes.success() - 100.0 / 101.0).abs() < 1e-9);
    }
}
