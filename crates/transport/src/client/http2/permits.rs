//! How many calls may be on a connection: as many as the server allows, and no more than the
//! channel's own limit.
//!
//! `h2` would queue further calls itself, and keep those that were given up in its queue until
//! their turn. A call that waits here for its permit leaves nothing behind when it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// What is assumed until the server says otherwise, as RFC 9113 suggests for a server's least.
pub(super) const FIRST: usize = 100;

/// The permits of one connection, in step with what its server allows.
#[derive(Clone, Debug)]
pub(super) struct Permits {
    pub(super) streams: Arc<Semaphore>,
    granted: Arc<AtomicUsize>,
    most: usize,
}

impl Permits {
    pub(super) fn new(most: usize) -> Self {
        let granted = FIRST.min(most);
        Permits {
            streams: Arc::new(Semaphore::new(granted)),
            granted: Arc::new(AtomicUsize::new(granted)),
            most,
        }
    }

    /// Follows the server's word. Only the connection's task calls it. Permits in use are taken
    /// back later, when they are free.
    pub(super) fn follow(&self, allowed: usize) {
        let wanted = allowed.min(self.most);
        let granted = self.granted.load(Ordering::Relaxed);
        if wanted == granted {
            return;
        }
        let now = if wanted > granted {
            self.streams.add_permits(wanted - granted);
            wanted
        } else {
            granted - self.streams.forget_permits(granted - wanted)
        };
        self.granted.store(now, Ordering::Relaxed);
    }

    /// Whether no call is on the connection.
    pub(super) fn idle(&self) -> bool {
        self.streams.available_permits() >= self.granted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_word_and_the_channels_limit_both_hold() {
        let permits = Permits::new(150);
        assert_eq!(permits.streams.available_permits(), 100);
        permits.follow(usize::MAX);
        assert_eq!(permits.streams.available_permits(), 150);
        permits.follow(10);
        assert_eq!(permits.streams.available_permits(), 10);
    }

    #[test]
    fn permits_in_use_are_taken_back_when_they_are_free() {
        let permits = Permits::new(2);
        let (one, two) = (permits.streams.try_acquire(), permits.streams.try_acquire());
        permits.follow(1);
        assert!(!permits.idle());
        drop((one, two));
        permits.follow(1);
        assert_eq!(permits.streams.available_permits(), 1);
        assert!(permits.idle());
    }
}
