//! How long to wait before a request is sent again.

use std::time::Duration;

use kitfox_core::platform::Random;

/// Waits that double, each of them a random share of its limit, so that many who were refused at
/// once do not come back at once ("full jitter": Brooker, "Exponential backoff and jitter", 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The limit of the first wait; 1 s by default.
    pub first: Duration,
    /// The limit of every wait, and of what a collector may ask for; 30 s by default.
    pub longest: Duration,
    /// How long a request is tried before it is given up; 5 min by default.
    pub give_up: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            give_up: Duration::from_secs(300),
        }
    }
}

impl Retry {
    /// The wait after so many attempts, but not less than the collector asked for, as far as that is
    /// sane.
    pub(super) fn wait(&self, attempts: u32, asked: Option<Duration>, random: &Random) -> Duration {
        let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1));
        let limit = self.first.saturating_mul(doubled).min(self.longest);
        let wait = limit.mul_f64(random.next_f64());
        wait.max(asked.unwrap_or_default().min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_limits_and_differ() {
        let (retry, random) = (Retry::default(), Random::seeded(1));
        for (attempts, limit) in [(1, 1), (2, 2), (3, 4), (6, 30), (60, 30)] {
            let waits: Vec<_> = (0..100).map(|_| retry.wait(attempts, None, &random)).collect();
            let limit = Duration::from_secs(limit);
            assert!(waits.iter().all(|wait| *wait < limit), "{attempts}");
            assert!(waits.iter().any(|wait| *wait > limit / 2), "{attempts}");
            assert!(waits.iter().any(|wait| *wait < limit / 2), "{attempts}");
        }
    }

    #[test]
    fn a_collector_is_obeyed_as_far_as_it_is_sane() {
        let (retry, random) = (Retry::default(), Random::seeded(1));
        let asked = |seconds| retry.wait(1, Some(Duration::from_secs(seconds)), &random);
        assert_eq!(asked(20), Duration::from_secs(20));
        assert_eq!(asked(100_000), Duration::from_secs(30));
    }
}
