//! Randomness that a seed repeats.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers: for identifiers, jitter and picks, not for secrets.
///
/// `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) over
/// an atomic counter: no lock, and one thread with one seed always sees the same numbers.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// Numbers that nobody can repeat.
    #[must_use]
    pub fn system() -> Self {
        // The standard library seeds its hashers from the operating system.
        Random::seeded(RandomState::new().hash_one(0_u8))
    }

    /// The numbers of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Random(AtomicU64::new(seed))
    }

    /// 64 random bits.
    pub fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `0.0..1.0`.
    pub fn next_f64(&self) -> f64 {
        const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        assert!((0..100).all(|_| a.next_u64() == b.next_u64()));
    }

    #[test]
    fn the_published_sequence_of_seed_zero() {
        let random = Random::seeded(0);
        assert_eq!(random.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next_u64(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn fractions_stay_below_one() {
        let random = Random::seeded(1);
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&random.next_f64())));
    }
}
