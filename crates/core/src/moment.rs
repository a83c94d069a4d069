//! One reading of the clock for all that happens to a call at one moment.
//!
//! A call that a client makes is timed by many: its record, its deadlines, the pick of a replica, the
//! record of its attempt. What they do before it is sent takes no time, nor does what they do when
//! its answer has come, so that they share a reading at either end. It is good for one poll of the
//! call's future and for one thread. What stands around a server's method shares one in the same way,
//! before the method runs. Outside of such a call every look is a reading of its own.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

/// A reading of the clock. Durations are told from its nanoseconds, which is one subtraction, where
/// that of two instants is a call.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// As the clock has it.
    pub instant: Instant,
    /// Nanoseconds since a moment that is the same in all of this process.
    pub nanos: u64,
}

#[derive(Clone, Copy)]
enum Now {
    /// No such call is under way on this thread.
    Outside,
    /// One is, and nobody has looked yet.
    Unread,
    Read(Instant),
}

thread_local! {
    static NOW: Cell<Now> = const { Cell::new(Now::Outside) };
    /// Of what was read; zero where nobody has asked.
    static NANOS: Cell<u64> = const { Cell::new(0) };
}

/// What time it is, as of the poll of the call that this is part of; outside of one, now.
#[must_use]
#[inline]
pub fn now() -> Instant {
    match NOW.get() {
        Now::Read(now) => now,
        Now::Unread => read(),
        Now::Outside => Instant::now(),
    }
}

/// The same in nanoseconds, as a [`Moment`] has them.
#[must_use]
#[inline]
pub fn nanos() -> u64 {
    match NANOS.get() {
        0 => count(),
        known => known,
    }
}

#[cold]
#[inline(never)]
fn count() -> u64 {
    match NOW.get() {
        Now::Outside => nanos_of(Instant::now()),
        Now::Read(now) => counted(now),
        Now::Unread => counted(read()),
    }
}

fn counted(now: Instant) -> u64 {
    let nanos = nanos_of(now);
    NANOS.set(nanos);
    nanos
}

/// The same where it is later than `then`; else the clock is read again, for those that ask later in
/// the poll as well.
#[must_use]
#[inline]
pub fn nanos_after(then: u64) -> u64 {
    match NANOS.get() {
        known if known > then => known,
        _ => count_again(),
    }
}

#[inline(never)]
fn count_again() -> u64 {
    match NOW.get() {
        Now::Outside => nanos_of(Instant::now()),
        Now::Unread | Now::Read(_) => counted(read()),
    }
}

fn read() -> Instant {
    let now = Instant::now();
    NOW.set(Now::Read(now));
    NANOS.set(0);
    now
}

/// The nanoseconds of an instant: those of a [`Moment`].
#[must_use]
pub fn nanos_of(instant: Instant) -> u64 {
    // Earlier than any clock that a test has stopped, and never zero.
    static BEGIN: LazyLock<Instant> = LazyLock::new(|| {
        let now = Instant::now();
        now.checked_sub(Duration::from_secs(1 << 20)).unwrap_or(now)
    });
    nanoseconds(instant.saturating_duration_since(*BEGIN)).max(1)
}

/// Of up to 584 years.
#[inline]
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs().wrapping_mul(1_000_000_000);
    seconds.wrapping_add(u64::from(duration.subsec_nanos()))
}

impl Moment {
    /// That of an instant.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        Moment { instant, nanos: nanos_of(instant) }
    }

    /// The reading that there is: [`now`] and [`nanos`].
    #[inline]
    pub(crate) fn shared() -> Self {
        Moment { instant: now(), nanos: nanos() }
    }

    /// The nanoseconds until what ends now, as others in the poll may have seen it.
    #[inline]
    pub(crate) fn until_shared(self) -> u64 {
        nanos_after(self.nanos).saturating_sub(self.nanos)
    }

    /// The nanoseconds until an instant.
    pub(crate) fn until(self, instant: Instant) -> u64 {
        nanos_of(instant).saturating_sub(self.nanos)
    }
}

/// While it lives, a call is being polled.
pub(crate) struct Polled(Now, u64);

impl Polled {
    /// With a reading of just now, if there is one.
    #[inline]
    pub(crate) fn begin(reading: Option<Moment>) -> Self {
        let (now, nanos) = match reading {
            Some(Moment { instant, nanos }) => (Now::Read(instant), nanos),
            None => (Now::Unread, 0),
        };
        Polled(NOW.replace(now), NANOS.replace(nanos))
    }

    /// No such call: what is done takes its time.
    pub(crate) fn outside() -> Self {
        Polled(NOW.replace(Now::Outside), NANOS.replace(0))
    }
}

impl Drop for Polled {
    #[inline]
    fn drop(&mut self) {
        NOW.set(self.0);
        NANOS.set(self.1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_has_one_reading_until_somebody_needs_a_later_one() {
        let start = Instant::now();
        let begun = Moment::of(start);
        let outer = Polled::begin(Some(begun));
        advance(Duration::from_secs(1)).await;
        assert_eq!(now(), start, "as of the beginning of the poll");
        {
            let _inner = Polled::begin(None);
            assert_eq!(now(), start + Duration::from_secs(1), "another call within it has its own");
        }
        assert_eq!((now(), nanos()), (start, begun.nanos));
        let end = nanos_after(begun.nanos);
        assert_eq!(end, begun.nanos + 1_000_000_000);
        advance(Duration::from_secs(1)).await;
        let shared = (now(), nanos(), nanos_after(begun.nanos));
        assert_eq!(shared, (start + Duration::from_secs(1), end, end), "later ones share it");
        drop(outer);
        assert_eq!(nanos(), end + 1_000_000_000);
        assert_eq!(now(), start + Duration::from_secs(2));
    }
}
