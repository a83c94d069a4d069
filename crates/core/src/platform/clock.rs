//! The wall clock: one reading of it, and tokio's time from there on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Tells what time of day an instant is.
///
/// Log lines and spans say the time of day, and calls are timed by tokio's clock, which can be
/// paused: so the first is computed from the second.
#[derive(Debug)]
pub struct WallClock {
    base: Instant,
    /// Nanoseconds since 1970 at `base`.
    nanoseconds: AtomicU64,
}

impl WallClock {
    /// The system's, read once.
    #[must_use]
    pub fn system() -> Self {
        WallClock::starting_at(now())
    }

    /// A clock on which it is `time` now.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        WallClock { base: Instant::now(), nanoseconds: AtomicU64::new(since_1970(time)) }
    }

    /// Nanoseconds since the beginning of 1970 (UTC) at `instant`.
    pub fn unix_nanos(&self, instant: Instant) -> u64 {
        let base = self.nanoseconds.load(Ordering::Relaxed);
        match instant.checked_duration_since(self.base) {
            Some(since) => base.saturating_add(nanoseconds(since)),
            None => base.saturating_sub(nanoseconds(self.base - instant)),
        }
    }

    /// Sets it by the system's again, whose clock may have been set meanwhile.
    pub fn set_by_system(&self) {
        let since = nanoseconds(self.base.elapsed());
        self.nanoseconds.store(since_1970(now()).saturating_sub(since), Ordering::Relaxed);
    }
}

fn now() -> SystemTime {
    #[expect(clippy::disallowed_methods, reason = "this is where the time of day comes from")]
    SystemTime::now()
}

fn since_1970(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanoseconds)
}

/// Until the year 2554.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_day_goes_on_with_tokios() {
        let clock = WallClock::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let begin = Instant::now();
        assert_eq!(clock.unix_nanos(begin), 1_000_000_000_000);
        tokio::time::advance(Duration::from_millis(5)).await;
        assert_eq!(clock.unix_nanos(Instant::now()), 1_000_005_000_000);
        assert_eq!(clock.unix_nanos(begin - Duration::from_secs(1)), 999_000_000_000);
    }
}
