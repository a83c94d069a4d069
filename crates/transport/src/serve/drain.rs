//! The end of a port, in the steps that its host chooses.
//!
//! A host first lets its callers learn that it goes away, so the end has three steps of its own:
//! take no new connection, let the open ones finish, drop what is left. Each step includes the
//! ones before it, none is ever taken back, and any of them may come first.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

/// How far the end of a port is; in the order in which it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    Open,
    Stopped,
    Closing,
    Ended,
}

/// Tells ports to end; a host holds it, its ports follow. Cloning shares it.
///
/// ```
/// use std::time::Duration;
/// use kitfox_transport::serve::Drain;
/// use tokio::time::Instant;
///
/// let drain = Drain::new();
/// drain.stop_accepting();
/// drain.close(Instant::now() + Duration::from_secs(20));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    phase: AtomicU8,
    deadline: Mutex<Option<Instant>>,
    changed: Arc<Notify>,
}

impl Drain {
    /// Nothing ends yet.
    #[must_use]
    pub fn new() -> Self {
        Drain::default()
    }

    /// Takes no new connection any more. Open connections go on as before.
    pub fn stop_accepting(&self) {
        self.advance(Phase::Stopped);
    }

    /// Lets requests in flight finish and closes each connection after its last: `GOAWAY` on
    /// HTTP/2, `Connection: close` on HTTP/1.1. At `deadline` whatever is left is dropped. Of
    /// several deadlines the earliest counts.
    pub fn close(&self, deadline: Instant) {
        {
            let mut earliest = self.0.deadline.lock().unwrap_or_else(PoisonError::into_inner);
            *earliest = Some(earliest.map_or(deadline, |other| other.min(deadline)));
        }
        self.advance(Phase::Closing);
    }

    /// Drops every connection now, whatever it is doing.
    pub fn end(&self) {
        self.advance(Phase::Ended);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.0.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Stopped,
            2 => Phase::Closing,
            _ => Phase::Ended,
        }
    }

    /// When what is left is dropped, once that is known.
    pub(super) fn deadline(&self) -> Option<Instant> {
        *self.0.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes at the next change after this call; look at [`Drain::phase`] after making it.
    pub(super) fn change(&self) -> OwnedNotified {
        Arc::clone(&self.0.changed).notified_owned()
    }

    /// Waits until `phase` is reached.
    pub(super) async fn reached(&self, phase: Phase) {
        loop {
            let change = self.change();
            if self.phase() >= phase {
                return;
            }
            change.await;
        }
    }

    /// Waits until the deadline, which an earlier one may still replace, or until the end.
    pub(super) async fn expired(&self) {
        loop {
            let change = self.change();
            if self.phase() == Phase::Ended {
                return;
            }
            let Some(deadline) = self.deadline() else {
                change.await;
                continue;
            };
            if tokio::time::timeout_at(deadline, change).await.is_err() {
                return;
            }
        }
    }

    fn advance(&self, phase: Phase) {
        self.0.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_later_step_includes_the_earlier_ones_and_none_is_taken_back() {
        let drain = Drain::new();
        drain.close(Instant::now());
        drain.stop_accepting();
        assert_eq!(drain.phase(), Phase::Closing);
        drain.reached(Phase::Stopped).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_counts() {
        let (drain, start) = (Drain::new(), Instant::now());
        drain.close(start + Duration::from_secs(20));
        let waiting = drain.clone();
        let early = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drain.close(start + Duration::from_secs(3));
            drain.close(start + Duration::from_secs(60));
        };
        tokio::join!(waiting.expired(), early);
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_needs_no_deadline() {
        let drain = Drain::new();
        let waiting = drain.clone();
        tokio::join!(waiting.expired(), async { drain.end() });
        assert_eq!(waiting.phase(), Phase::Ended);
    }
}
