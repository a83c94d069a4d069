//! Between those who record and the one who sends: items of one signal, encoded, in batches, and
//! bounded. What finds no room is dropped and counted; nobody waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::meter::Tally;
use tokio::sync::Notify;

use super::batch::{Batch, Envelope};

/// Why something was not exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The buffer was full.
    Full,
    /// The collector refused the batch for good.
    Refused,
    /// The collector took the batch without these.
    Rejected,
    /// The collector could not be reached, or would not take the batch, for too long.
    GaveUp,
    /// The process ended first.
    Ended,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 5] =
        [Loss::Full, Loss::Refused, Loss::Rejected, Loss::GaveUp, Loss::Ended];

    /// As metrics have it: `full`, `refused`, `rejected`, `gave_up`, `ended`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Loss::Full => "full",
            Loss::Refused => "refused",
            Loss::Rejected => "rejected",
            Loss::GaveUp => "gave_up",
            Loss::Ended => "ended",
        }
    }
}

/// How many items were lost, by the reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Losses([Tally; Loss::ALL.len()]);

impl Losses {
    pub(super) fn of(&self, loss: Loss) -> &Tally {
        &self.0[loss as usize]
    }
}

/// The items of one signal.
#[derive(Debug)]
pub(crate) struct Buffer {
    state: Mutex<State>,
    envelope: Arc<Envelope>,
    /// The bytes of all items, those that are being sent among them.
    held: AtomicUsize,
    limit: usize,
    batch: usize,
    pub(super) losses: Losses,
    /// Wakes the one who sends: at the first item, at a whole batch, when asked to hurry.
    pub(super) wake: Notify,
    /// Tells those who wait until all is sent.
    pub(super) progress: Notify,
}

#[derive(Debug)]
struct State {
    open: Batch,
    whole: VecDeque<Batch>,
    /// Items taken in, and those of them that are sent or lost.
    taken: u64,
    settled: u64,
    hurried: bool,
}

impl Buffer {
    pub(super) fn new(envelope: Arc<Envelope>, limit: usize, batch: usize) -> Self {
        let state = State {
            open: envelope.batch(),
            whole: VecDeque::new(),
            taken: 0,
            settled: 0,
            hurried: false,
        };
        Buffer {
            state: Mutex::new(state),
            envelope,
            held: AtomicUsize::new(0),
            limit,
            batch: batch.min(limit),
            losses: Losses::default(),
            wake: Notify::new(),
            progress: Notify::new(),
        }
    }

    /// Whether there is room for so many bytes, as far as can be told without a lock. If not, an
    /// item counts as dropped, and need not be encoded.
    #[inline]
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let room = self.held.load(Ordering::Relaxed) + bytes <= self.limit;
        if !room {
            self.losses.of(Loss::Full).increment();
        }
        room
    }

    /// Takes in items that are encoded, with their keys.
    pub(crate) fn push(&self, items: &[u8], number: u64) {
        let mut state = self.lock();
        if self.held.load(Ordering::Relaxed) + items.len() > self.limit {
            drop(state);
            self.losses.of(Loss::Full).add(number);
            return;
        }
        self.held.fetch_add(items.len(), Ordering::Relaxed);
        let State { open, whole, taken, .. } = &mut *state;
        let mut wake = open.items == 0;
        if open.len() + items.len() > self.batch && open.items > 0 {
            whole.push_back(std::mem::replace(open, self.envelope.batch()));
            wake = true;
        }
        open.add(items, number, self.batch);
        *taken += number;
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Takes out what is to be sent next.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut state = self.lock();
        if let Some(batch) = state.whole.pop_front() {
            return Some(batch);
        }
        if state.open.items == 0 {
            state.hurried = false;
            return None;
        }
        Some(std::mem::replace(&mut state.open, self.envelope.batch()))
    }

    /// What was taken out is sent, or lost.
    pub(super) fn settle(&self, bytes: usize, items: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        self.lock().settled += items;
        self.progress.notify_waiters();
    }

    pub(super) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.whole.is_empty() && state.open.items == 0
    }

    /// Whether there is no reason to wait for more: a whole batch, or somebody waits.
    pub(super) fn is_urgent(&self) -> bool {
        let state = self.lock();
        state.hurried || !state.whole.is_empty()
    }

    /// Whether somebody waits until all is sent.
    pub(super) fn is_hurried(&self) -> bool {
        self.lock().hurried
    }

    pub(super) fn hurry(&self) {
        self.lock().hurried = true;
        self.wake.notify_one();
    }

    /// How many items were taken in, and how many of them are sent or lost.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.taken, state.settled)
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
