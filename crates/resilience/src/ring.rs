//! What happened in the last seconds, kind by kind.

use std::time::Duration;

const BUCKETS: usize = 10;

/// Counts of `KINDS` kinds in a window of time that slides by tenths of itself.
#[derive(Debug)]
pub(crate) struct Ring<const KINDS: usize> {
    buckets: [[u32; KINDS]; BUCKETS],
    /// Nanoseconds that one bucket is wide.
    width: u64,
    /// Which bucket since the beginning of time is the newest.
    newest: u64,
}

impl<const KINDS: usize> Ring<KINDS> {
    /// Of the last `window`.
    pub(crate) fn new(window: Duration) -> Self {
        let width = nanoseconds(window) / BUCKETS as u64;
        Ring { buckets: [[0; KINDS]; BUCKETS], width: width.max(1), newest: 0 }
    }

    /// Forgets what is too long ago. `now` is in nanoseconds since any moment.
    pub(crate) fn advance(&mut self, now: u64) {
        let bucket = now / self.width;
        let passed = bucket.saturating_sub(self.newest).min(BUCKETS as u64);
        for step in 1..=passed {
            self.buckets[place(bucket - passed + step)] = [0; KINDS];
        }
        self.newest = self.newest.max(bucket);
    }

    /// Adds to the newest bucket.
    pub(crate) fn add(&mut self, kind: usize, number: u64) {
        let count = &mut self.buckets[place(self.newest)][kind];
        *count = count.saturating_add(u32::try_from(number).unwrap_or(u32::MAX));
    }

    /// How many of each kind.
    pub(crate) fn sums(&self) -> [u64; KINDS] {
        let mut sums = [0; KINDS];
        for bucket in &self.buckets {
            for (sum, count) in sums.iter_mut().zip(bucket) {
                *sum += u64::from(*count);
            }
        }
        sums
    }
}

/// The whole of a duration that anybody waits for, and of none that is longer.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).expect("less than ten")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_is_older_than_the_window_is_forgotten_bit_by_bit() {
        let mut ring = Ring::<2>::new(Duration::from_secs(10));
        ring.advance(100 * SECOND);
        ring.add(0, 5);
        ring.advance(105 * SECOND);
        ring.add(0, 1);
        ring.add(1, 2);
        assert_eq!(ring.sums(), [6, 2]);
        ring.advance(109 * SECOND);
        assert_eq!(ring.sums(), [6, 2]);
        ring.advance(110 * SECOND);
        assert_eq!(ring.sums(), [1, 2]);
        ring.advance(1_000 * SECOND);
        assert_eq!(ring.sums(), [0, 0]);
    }

    #[test]
    fn a_clock_that_is_read_out_of_order_does_no_harm() {
        let mut ring = Ring::<1>::new(Duration::from_secs(10));
        ring.advance(20 * SECOND);
        ring.add(0, 1);
        ring.advance(19 * SECOND);
        ring.add(0, 1);
        assert_eq!(ring.sums(), [2]);
    }
}
