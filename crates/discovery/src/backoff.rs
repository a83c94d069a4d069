//! How long to wait after a failure: longer each time, up to a limit, and half of it by chance, so
//! that many who failed together do not come back together.

use std::time::Duration;

use kitfox_core::platform::Random;

/// Pauses that double.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Pauses from `first` to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, failures: 0 }
    }

    /// The pause after one more failure: at least half of what it could be.
    pub fn pause(&mut self, random: &Random) -> Duration {
        let factor = 2_u32.checked_pow(self.failures);
        let doubled = factor.and_then(|factor| self.first.checked_mul(factor));
        let whole = doubled.map_or(self.longest, |pause| pause.min(self.longest));
        self.failures = self.failures.saturating_add(1);
        whole / 2 + (whole / 2).mul_f64(random.next_f64())
    }

    /// It went well: the next pause is short again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let random = Random::seeded(1);
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(100), millis(1_000));
        for whole in [100, 200, 400, 800, 1_000, 1_000] {
            let pause = backoff.pause(&random);
            assert!((millis(whole / 2)..=millis(whole)).contains(&pause), "{whole}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.pause(&random) <= millis(100));
    }
}
