//! The wall clock: a reading of it, and tokio's time from there on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Tells what time of day an instant is. Cloning shares it.
///
/// Log lines and spans say the time of day, and calls are timed by tokio's clock, which can be
/// paused: so the first is computed from the second.
#[derive(Clone, Debug)]
pub struct WallClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Instant,
    /// Nanoseconds since 1970 at `base`.
    nanoseconds: AtomicU64,
    follows_system: bool,
}

impl WallClock {
    /// The system's.
    #[must_use]
    pub fn system() -> Self {
        WallClock::new(now(), true)
    }

    /// A clock on which it is `time` now.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        WallClock::new(time, false)
    }

    fn new(time: SystemTime, follows_system: bool) -> Self {
        let (base, nanoseconds) = (Instant::now(), AtomicU64::new(since_1970(time)));
        WallClock(Arc::new(Inner { base, nanoseconds, follows_system }))
    }

    /// Nanoseconds since the beginning of 1970 (UTC) at `instant`.
    #[must_use]
    pub fn unix_nanos(&self, instant: Instant) -> u64 {
        let Inner { base, nanoseconds: at_base, .. } = &*self.0;
        let at_base = at_base.load(Ordering::Relaxed);
        match instant.checked_duration_since(*base) {
            Some(since) => at_base.saturating_add(nanoseconds(since)),
            None => at_base.saturating_sub(nanoseconds(*base - instant)),
        }
    }

    /// Reads the system's clock again, which may have been set meanwhile; once in a while. Another
    /// clock stays as it is.
    pub fn set_by_system(&self) {
        if self.0.follows_system {
            let at_base = since_1970(now()).saturating_sub(nanoseconds(self.0.base.elapsed()));
            self.0.nanoseconds.store(at_base, Ordering::Relaxed);
        }
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
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
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
        clock.set_by_system();
        assert_eq!(clock.unix_nanos(begin), 1_000_000_000_000, "it is not the system's");
    }
}
