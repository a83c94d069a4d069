//! One reading of the clock for all that happens to a call at one moment.
//!
//! A call that a client makes is timed by many: its record, its deadlines, the pick of a replica, the
//! record of its attempt. What they do before it is sent takes no time, nor does what they do when
//! its answer has come, so that they share a reading at either end. It is good for one poll of the
//! call's future and for one thread. What stands around a server's method shares one in the same way,
//! before the method runs. Outside of such a call every look is a reading of its own.

use std::cell::Cell;

use tokio::time::Instant;

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
}

/// What time it is, as of the poll of the call that this is part of; outside of one, now.
#[must_use]
pub fn now() -> Instant {
    match NOW.get() {
        Now::Read(now) => now,
        Now::Unread => read(),
        Now::Outside => Instant::now(),
    }
}

/// The same where it is later than `then`; else the clock is read again, for those that ask later in
/// the poll as well.
#[must_use]
pub fn after(then: Instant) -> Instant {
    match NOW.get() {
        Now::Read(now) if now > then => now,
        Now::Outside => Instant::now(),
        _ => read(),
    }
}

fn read() -> Instant {
    let now = Instant::now();
    NOW.set(Now::Read(now));
    now
}

/// While it lives, a call is being polled.
pub(crate) struct Polled(Now);

impl Polled {
    /// With a reading of just now, if there is one.
    pub(crate) fn begin(reading: Option<Instant>) -> Self {
        Polled(NOW.replace(reading.map_or(Now::Unread, Now::Read)))
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        NOW.set(self.0);
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
        let outer = Polled::begin(Some(start));
        advance(Duration::from_secs(1)).await;
        assert_eq!(now(), start, "as of the beginning of the poll");
        {
            let _inner = Polled::begin(None);
            assert_eq!(now(), start + Duration::from_secs(1), "another call within it has its own");
        }
        assert_eq!(now(), start);
        let end = after(start);
        assert_eq!(end, start + Duration::from_secs(1));
        advance(Duration::from_secs(1)).await;
        assert_eq!((now(), after(start)), (end, end), "whoever comes later shares it");
        drop(outer);
        assert_eq!(now(), start + Duration::from_secs(2));
    }
}
