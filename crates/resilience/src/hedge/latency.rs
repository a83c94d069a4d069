//! How long attempts at a method take: a percentile of the recent ones.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Each doubling of the latency is this many buckets: what is found is at most an eighth too long.
const STEPS: u32 = 8;

/// Below two microseconds and above about a minute all latencies are one.
const SHORTEST: u32 = 11;
const LONGEST: u32 = 36;

const BUCKETS: usize = ((LONGEST - SHORTEST) * STEPS) as usize;

/// So many latencies are seen before anything is said.
const LEAST: u32 = 128;

/// The percentile is looked for once in so many.
const LOOK: u32 = 64;

/// With so many, all counts are halved, so that the latest always weigh most.
const MOST: u32 = 4_096;

/// A histogram whose buckets grow with the latency, written without a lock.
pub(crate) struct Latencies {
    counts: [AtomicU32; BUCKETS],
    seen: AtomicU32,
    /// The percentile in nanoseconds; zero is not known yet.
    found: AtomicU64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let counts = std::array::from_fn(|_| AtomicU32::new(0));
        Latencies { counts, seen: AtomicU32::new(0), found: AtomicU64::new(0) }
    }

    /// Adds one; from time to time it finds the latency that `share` of all stay below.
    pub(super) fn add(&self, latency: Duration, share: f64) {
        self.counts[bucket(latency)].fetch_add(1, Ordering::Relaxed);
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        if seen.is_multiple_of(LOOK) {
            self.look(seen, share);
        }
    }

    /// The latency that `share` of the recent attempts stayed below, once enough were seen.
    pub(super) fn percentile(&self) -> Option<Duration> {
        let found = self.found.load(Ordering::Relaxed);
        (found > 0).then(|| Duration::from_nanos(found))
    }

    fn look(&self, seen: u32, share: f64) {
        let counts = || self.counts.iter().map(|count| u64::from(count.load(Ordering::Relaxed)));
        let total: u64 = counts().sum();
        if total >= u64::from(LEAST) {
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            let rank = total as f64 * share;
            let mut below = 0;
            let found = counts().position(|count| {
                below += count;
                #[expect(clippy::cast_precision_loss, reason = "some thousands")]
                let reached = below as f64 >= rank;
                reached
            });
            let found = found.unwrap_or(BUCKETS - 1);
            self.found.store(upper(found), Ordering::Relaxed);
        }
        if seen >= MOST {
            // Others may add meanwhile; what is lost of that does not matter.
            for count in &self.counts {
                count.store(count.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
            self.seen.store(0, Ordering::Relaxed);
        }
    }
}

fn bucket(latency: Duration) -> usize {
    let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1 << SHORTEST);
    let octave = nanoseconds.ilog2();
    let step = (nanoseconds >> (octave - STEPS.ilog2())) & u64::from(STEPS - 1);
    let bucket = u64::from((octave - SHORTEST) * STEPS) + step;
    usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// The end of a bucket, in nanoseconds.
fn upper(bucket: usize) -> u64 {
    let next = bucket as u64 + 1;
    let (octave, step) = (next / u64::from(STEPS), next % u64::from(STEPS));
    (u64::from(STEPS) + step) << (octave + u64::from(SHORTEST) - u64::from(STEPS.ilog2()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn milliseconds(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn nothing_is_said_before_enough_was_seen() {
        let latencies = Latencies::new();
        (1..LEAST).for_each(|_| latencies.add(milliseconds(10), 0.95));
        assert_eq!(latencies.percentile(), None);
        latencies.add(milliseconds(10), 0.95);
        assert!(latencies.percentile().is_some());
    }

    #[test]
    fn a_percentile_is_what_so_many_stay_below() {
        for (share, exact) in [(0.5, 50), (0.95, 95), (0.99, 99)] {
            let latencies = Latencies::new();
            (0..1_000).for_each(|n| latencies.add(milliseconds(n % 100), share));
            let found = latencies.percentile().unwrap().as_secs_f64() * 1e3;
            let exact = f64::from(exact);
            assert!((exact..exact * 1.15).contains(&found), "{found} for {exact}");
        }
    }

    #[test]
    fn the_latest_weigh_most() {
        let latencies = Latencies::new();
        (0..10_000).for_each(|_| latencies.add(milliseconds(10), 0.95));
        (0..10_000).for_each(|_| latencies.add(milliseconds(100), 0.95));
        assert!(latencies.percentile().unwrap() > milliseconds(90));
        (0..40_000).for_each(|_| latencies.add(milliseconds(10), 0.95));
        assert!(latencies.percentile().unwrap() < milliseconds(15));
    }

    proptest! {
        #[test]
        fn a_latency_is_at_most_an_eighth_below_the_end_of_its_bucket(nanoseconds in 2_048_u64..1 << 35) {
            let upper = upper(bucket(Duration::from_nanos(nanoseconds)));
            prop_assert!(upper > nanoseconds && upper - nanoseconds <= nanoseconds / 8 + 1);
        }
    }
}
