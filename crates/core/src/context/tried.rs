//! Which replicas the attempts of one call went to, so that the next goes elsewhere.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::Context;

/// As many as a call has attempts where anybody is reasonable; of more the first ones are forgotten.
const KEPT: usize = 6;

/// The last replicas that a call was sent to. Attempts may run at the same time (hedges), so that it
/// is written without a lock.
#[derive(Default)]
pub(super) struct Tried {
    replicas: [AtomicU32; KEPT],
    count: AtomicUsize,
}

impl Context {
    /// Remembers that an attempt at the call goes to this replica, by the number that a balancer has
    /// for it; zero is no number. All attempts of a call share it.
    #[inline]
    pub fn try_replica(&self, replica: u32) {
        let Tried { replicas, count } = &self.call().tried;
        let place = count.fetch_add(1, Ordering::Relaxed) % KEPT;
        replicas[place].store(replica, Ordering::Relaxed);
    }

    /// Whether an attempt at the call went to this replica.
    #[must_use]
    pub fn tried_replica(&self, replica: u32) -> bool {
        let Tried { replicas, count } = &self.call().tried;
        let known = count.load(Ordering::Relaxed).min(KEPT);
        replicas[..known].iter().any(|tried| tried.load(Ordering::Relaxed) == replica)
    }

    /// How many attempts at the call were sent to a replica.
    #[must_use]
    pub fn replicas_tried(&self) -> usize {
        self.call().tried.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_of_a_call_know_where_the_others_went_and_other_calls_do_not() {
        let caller = Context::background();
        let call = caller.outgoing();
        call.with_attempt(1).try_replica(7);
        let second = call.with_attempt(2);
        assert!(second.tried_replica(7) && !second.tried_replica(8));
        assert_eq!(second.replicas_tried(), 1);
        assert!(!caller.outgoing().tried_replica(7));
    }

    #[test]
    fn of_many_the_last_ones_are_kept() {
        let call = Context::background();
        for replica in 1..=7 {
            call.try_replica(replica);
        }
        assert!(!call.tried_replica(1));
        assert!((2..=7).all(|replica| call.tried_replica(replica)));
    }
}
