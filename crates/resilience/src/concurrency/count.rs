//! How many calls run and how many wait, in one number, so that the two are never seen apart.

use std::sync::atomic::{AtomicU64, Ordering};

/// 24 bits of calls that run, 20 of calls that wait, and 20 that count who came in, around and around.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

/// What it said at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted(u64);

/// The most that may wait: what the bits have room for.
pub(super) const MOST_WAITING: usize = (1 << 20) - 1;
/// The most that may run.
pub(super) const MOST_RUNNING: usize = (1 << 24) - 1;

const ONE_RUNS: u64 = 1;
const ONE_WAITS: u64 = 1 << 24;
const ONE_CAME: u64 = 1 << 44;

impl Counted {
    pub(super) fn running(self) -> usize {
        bits(self.0, 0, MOST_RUNNING)
    }

    pub(super) fn waiting(self) -> usize {
        bits(self.0, 24, MOST_WAITING)
    }

    /// Which call in the row came last.
    pub(super) fn turn(self) -> usize {
        bits(self.0, 44, MOST_WAITING)
    }
}

fn bits(word: u64, from: u32, mask: usize) -> usize {
    usize::try_from((word >> from) & mask as u64).expect("24 bits fit")
}

impl Count {
    pub(super) fn now(&self) -> Counted {
        Counted(self.0.load(Ordering::Acquire))
    }

    /// Comes in, where fewer than `limit` run and nobody waits: who waits was first. Says what was
    /// before.
    pub(super) fn enter(&self, limit: usize) -> Option<Counted> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let counted = Counted(word);
            if counted.waiting() > 0 || counted.running() >= limit {
                return None;
            }
            let next = word.wrapping_add(ONE_RUNS + ONE_CAME);
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(counted),
                Err(newer) => word = newer,
            }
        }
    }

    /// Comes in whatever is there.
    pub(super) fn enter_anyway(&self) -> Counted {
        Counted(self.0.fetch_add(ONE_RUNS + ONE_CAME, Ordering::AcqRel))
    }

    /// One is over. Says what was before.
    pub(super) fn leave(&self) -> Counted {
        Counted(self.0.fetch_sub(ONE_RUNS, Ordering::AcqRel))
    }

    /// One waits more.
    pub(super) fn wait(&self) {
        self.0.fetch_add(ONE_WAITS, Ordering::AcqRel);
    }

    /// One waits no more, and left.
    pub(super) fn give_up(&self) {
        self.0.fetch_sub(ONE_WAITS, Ordering::AcqRel);
    }

    /// One waits no more, and came in.
    pub(super) fn enter_from_queue(&self) -> Counted {
        let change = (ONE_RUNS + ONE_CAME).wrapping_sub(ONE_WAITS);
        Counted(self.0.fetch_add(change, Ordering::AcqRel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lets_in_up_to_the_limit_and_nobody_past_who_waits() {
        let count = Count::default();
        assert!(count.enter(2).is_some() && count.enter(2).is_some());
        assert!(count.enter(2).is_none());
        count.wait();
        count.leave();
        assert!(count.enter(2).is_none(), "somebody waits");
        count.enter_from_queue();
        assert_eq!((count.now().running(), count.now().waiting()), (2, 0));
        count.enter_anyway();
        assert_eq!((count.now().running(), count.now().turn()), (3, 4));
    }

    #[test]
    fn who_came_is_counted_around_and_spoils_nothing_else() {
        let count = Count::default();
        for _ in 0..=MOST_WAITING {
            count.enter(1);
            count.leave();
        }
        assert_eq!(count.now(), Counted(0));
        count.wait();
        count.give_up();
        assert_eq!(count.now(), Counted(0));
    }
}
