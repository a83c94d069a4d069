//! How many calls are on a connection and how many may be: as many as its server allows, and no
//! more than the channel's own limit.
//!
//! `h2` would queue further calls itself, and keep those that were given up in its queue until
//! their turn. A call that waits for its permit instead leaves nothing behind when it goes.
//!
//! All connections of a pool share one semaphore with a permit for each free stream, so that a
//! call waits for all of them at once, and in its turn. Both numbers of a connection are one word,
//! so that each change of it says exactly how many streams came free. Permits are taken back as
//! far as nobody has them yet: there may be a few too many, never too few. Whoever gets one too
//! many finds no stream, forgets it and waits on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Semaphore;

/// What is assumed until the server says otherwise, as RFC 9113 suggests for a server's least.
pub(super) const FIRST: usize = 100;

/// The calls of one connection.
#[derive(Debug)]
pub(super) struct Load {
    /// [`Numbers`] in one word.
    numbers: AtomicU64,
    /// Whether a call was there since somebody looked.
    used: AtomicBool,
    /// A permit for each free stream of all connections.
    free: Arc<Semaphore>,
    /// The channel's own limit.
    most: u32,
}

/// What a load is at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    calls: u32,
    allowed: u32,
    /// No more calls, whatever the server allows.
    closed: bool,
}

impl Load {
    /// A connection without calls, which takes none yet.
    pub(super) fn new(most: usize, free: Arc<Semaphore>) -> Self {
        let most = u32::try_from(most).unwrap_or(MOST).min(MOST);
        let none = Numbers { calls: 0, allowed: 0, closed: false };
        Load { numbers: AtomicU64::new(none.packed()), used: AtomicBool::new(true), free, most }
    }

    /// Takes calls from now on. Those who get a permit must be able to find the connection.
    pub(super) fn open(&self) {
        self.follow(FIRST);
    }

    /// Puts a call on the connection, if there is room. The caller has a permit for it.
    pub(super) fn take(&self) -> bool {
        let taken =
            self.change(|now| (now.free() > 0).then_some(Numbers { calls: now.calls + 1, ..now }));
        if taken.is_some() && !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        taken.is_some()
    }

    /// A call is over.
    pub(super) fn give_back(&self) {
        self.settle(|now| Some(Numbers { calls: now.calls - 1, ..now }));
    }

    /// Follows the server's word. Streams in use are taken back when they are free.
    pub(super) fn follow(&self, allowed: usize) {
        let allowed = u32::try_from(allowed).unwrap_or(MOST).min(self.most);
        if self.now().allowed != allowed {
            self.settle(|now| (!now.closed).then_some(Numbers { allowed, ..now }));
        }
    }

    /// Takes no more calls.
    pub(super) fn close(&self) {
        self.settle(|now| Some(now.closed()));
    }

    /// Takes no more calls if none is there. Says whether it is so.
    pub(super) fn close_if_idle(&self) -> bool {
        self.settle(|now| (now.calls == 0).then(|| now.closed()))
    }

    /// Whether no call is on the connection.
    pub(super) fn idle(&self) -> bool {
        self.now().calls == 0
    }

    /// Whether no call is there, and none was since this was last asked.
    pub(super) fn unused(&self) -> bool {
        let idle = self.idle();
        !self.used.swap(!idle, Ordering::Relaxed) && idle
    }

    /// Whether fewer than one in eight streams are free.
    pub(super) fn nearly_full(&self) -> bool {
        let now = self.now();
        now.free() < now.allowed / 8
    }

    fn now(&self) -> Numbers {
        Numbers::from_packed(self.numbers.load(Ordering::Relaxed))
    }

    fn change(&self, to: impl Fn(Numbers) -> Option<Numbers>) -> Option<Numbers> {
        let packed = |now| to(Numbers::from_packed(now)).map(Numbers::packed);
        let changed = self.numbers.fetch_update(Ordering::AcqRel, Ordering::Relaxed, packed);
        changed.ok().map(Numbers::from_packed)
    }

    /// Changes the numbers, and the permits with them.
    fn settle(&self, to: impl Fn(Numbers) -> Option<Numbers>) -> bool {
        let Some(before) = self.change(&to) else { return false };
        let after = to(before).map_or(0, Numbers::free);
        let before = before.free();
        if after > before {
            self.free.add_permits((after - before) as usize);
        } else if after < before {
            self.free.forget_permits((before - after) as usize);
        }
        true
    }
}

/// Bits of the word for the calls and for what is allowed; one is left for whether it is closed.
const WIDTH: u32 = 31;
const MOST: u32 = (1 << WIDTH) - 1;

impl Numbers {
    fn free(self) -> u32 {
        self.allowed.saturating_sub(self.calls)
    }

    fn closed(self) -> Self {
        Numbers { allowed: 0, closed: true, ..self }
    }

    fn packed(self) -> u64 {
        u64::from(self.calls) | u64::from(self.allowed) << WIDTH | u64::from(self.closed) << 63
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked to 31 bits")]
    fn from_packed(word: u64) -> Self {
        let part = |from: u32| (word >> from) as u32 & MOST;
        Numbers { calls: part(0), allowed: part(WIDTH), closed: word >> 63 == 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(most: usize) -> (Load, Arc<Semaphore>) {
        let free = Arc::new(Semaphore::new(0));
        let load = Load::new(most, Arc::clone(&free));
        load.open();
        (load, free)
    }

    fn take(load: &Load, free: &Semaphore) {
        free.try_acquire().unwrap().forget();
        assert!(load.take());
    }

    #[test]
    fn the_servers_word_and_the_channels_limit_both_hold() {
        let (load, free) = load(150);
        assert_eq!(free.available_permits(), 100);
        load.follow(usize::MAX);
        assert_eq!(free.available_permits(), 150);
        load.follow(10);
        assert_eq!(free.available_permits(), 10);
    }

    #[test]
    fn streams_in_use_are_taken_back_when_they_are_free() {
        let (load, free) = load(2);
        take(&load, &free);
        take(&load, &free);
        load.follow(1);
        assert!(!load.take());
        load.give_back();
        assert_eq!(free.available_permits(), 0);
        load.give_back();
        assert_eq!(free.available_permits(), 1);
        assert!(load.idle());
    }

    #[test]
    fn a_closed_connection_takes_nothing_whatever_the_server_says() {
        let (load, free) = load(5);
        take(&load, &free);
        assert!(!load.close_if_idle());
        load.close();
        assert_eq!(free.available_permits(), 0);
        load.follow(3);
        load.give_back();
        assert_eq!(free.available_permits(), 0);
        assert!(!load.take());
    }

    #[test]
    fn a_connection_is_unused_when_no_call_came_between_two_looks() {
        let (load, free) = load(5);
        load.unused();
        assert!(load.unused());
        take(&load, &free);
        load.give_back();
        assert!(!load.unused());
        assert!(load.unused());
        take(&load, &free);
        assert!(!load.unused() && !load.unused());
        load.give_back();
        assert!(!load.unused(), "it was there until a moment ago");
        assert!(load.unused());
    }

    #[test]
    fn a_connection_is_nearly_full_before_it_is_full() {
        let (load, free) = load(80);
        for _ in 0..70 {
            take(&load, &free);
        }
        assert!(!load.nearly_full());
        take(&load, &free);
        assert!(load.nearly_full());
        // Where an eighth is less than one, only a full one is, and who finds it so says that.
        load.follow(4);
        assert!(!load.nearly_full());
    }

    #[test]
    fn the_word_holds_the_largest_numbers() {
        let largest = Numbers { calls: MOST, allowed: MOST, closed: true };
        assert_eq!(Numbers::from_packed(largest.packed()), largest);
    }
}
