//! How long to wait before the next attempt.

use std::time::Duration;

use kitfox_core::platform::Random;

/// `rand(0, min(cap, base * 2^retries))`: full jitter, so that callers that failed together do not
/// come back together (Brooker, "Exponential Backoff And Jitter", AWS 2015).
pub(super) fn full_jitter(
    base: Duration,
    cap: Duration,
    retries: u32,
    random: &Random,
) -> Duration {
    let factor = 1_u32.checked_shl(retries).unwrap_or(u32::MAX);
    base.saturating_mul(factor).min(cap).mul_f64(random.next_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_from_nothing_to_a_bound_that_doubles() {
        let (base, cap) = (Duration::from_millis(25), Duration::from_millis(250));
        let random = Random::seeded(1);
        for (retries, most) in [(0, 25), (1, 50), (2, 100), (3, 200), (4, 250), (40, 250)] {
            let pauses = || full_jitter(base, cap, retries, &random).as_secs_f64() * 1e3;
            let pauses: Vec<f64> = std::iter::repeat_with(pauses).take(1_000).collect();
            let most = f64::from(most);
            assert!(pauses.iter().all(|pause| *pause < most));
            let mean = pauses.iter().sum::<f64>() / 1e3;
            assert!((mean / most - 0.5).abs() < 0.05, "{mean} of {most}");
        }
    }
}
