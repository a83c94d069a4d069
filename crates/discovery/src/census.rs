//! How many replicas there are, and how many of them are left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The numbers of some replicas.
#[derive(Debug, Default)]
pub(crate) struct Census {
    members: AtomicU32,
    out: AtomicU32,
}

/// Where a replica counts: among all, and among those of its level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats {
    pub(crate) all: Arc<Census>,
    pub(crate) level: Arc<Census>,
}

impl Census {
    pub(crate) fn set_members(&self, members: usize) {
        self.members.store(u32::try_from(members).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    pub(crate) fn out(&self) -> u32 {
        self.out.load(Ordering::Relaxed)
    }

    /// The share of those that are not left out.
    pub(crate) fn healthy(&self) -> f64 {
        let out = self.out();
        if out == 0 {
            return 1.0;
        }
        let members = self.members.load(Ordering::Relaxed).max(1);
        f64::from(members.saturating_sub(out)) / f64::from(members)
    }
}

impl Seats {
    /// Leaves one more out, if that is not too many.
    pub(crate) fn leave_out(&self, share: f64) -> bool {
        let most = most(self.all.members.load(Ordering::Relaxed), share);
        let one_more = |out: u32| (out < most).then_some(out + 1);
        let counted =
            self.all.out.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok();
        if counted {
            self.level.out.fetch_add(1, Ordering::Relaxed);
        }
        counted
    }

    /// One that was left out is back, or gone.
    pub(crate) fn take_back(&self) {
        self.all.out.fetch_sub(1, Ordering::Relaxed);
        self.level.out.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many of `members` may be left out: a share of a few rounds to nobody, so always one, though
/// never the last.
fn most(members: u32, share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most `members`"
    )]
    let part = (f64::from(members) * share).floor() as u32;
    part.max(1).min(members.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_one_may_be_left_out_and_never_the_last() {
        for (members, share, allowed) in [
            (0, 0.5, 0),
            (1, 1.0, 0),
            (2, 0.1, 1),
            (3, 0.1, 1),
            (10, 0.1, 1),
            (10, 0.5, 5),
            (10, 1.0, 9),
        ] {
            assert_eq!(most(members, share), allowed, "{members} {share}");
        }
    }

    #[test]
    fn there_are_no_more_out_than_may_be() {
        let seats = Seats::default();
        seats.all.set_members(4);
        seats.level.set_members(2);
        assert!(seats.leave_out(0.5) && seats.leave_out(0.5) && !seats.leave_out(0.5));
        assert_eq!((seats.all.healthy(), seats.level.healthy()), (0.5, 0.0));
        seats.take_back();
        assert!(seats.leave_out(0.5));
    }
}
