//! Calls in flight, for whoever asks what a host is doing.
//!
//! A call takes a place when it begins and leaves it when it ends. Places are in several shards,
//! each behind a lock of its own that is held for a few instructions, and a thread keeps to one of
//! them: so calls hardly ever wait for each other.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kitfox_core::record::{Side, Ticket};
use kitfox_core::{Context, Method};
use slab::Slab;
use tokio::time::Instant;

/// How many shards there are: a power of two.
const SHARDS: usize = 16;

/// The calls in flight.
#[derive(Default)]
pub(crate) struct InFlight([Mutex<Shard>; SHARDS]);

/// A place for each.
type Shard = Slab<Call>;

/// A call in flight.
#[derive(Clone)]
pub struct Call {
    /// What travels with it: its peer, deadline, wire, stage and trace.
    pub context: Context,
    /// Its method.
    pub method: &'static Method,
    /// From where it is seen.
    pub side: Side,
    /// When it came, or was made.
    pub started: Instant,
}

impl InFlight {
    pub(crate) fn enter(&self, call: Call) -> Ticket {
        let shard = shard();
        let place = lock(&self.0[shard]).insert(call);
        Ticket((place * SHARDS + shard) as u64)
    }

    pub(crate) fn leave(&self, ticket: Ticket) {
        let number = usize::try_from(ticket.0).expect("made of a usize in `enter`");
        let (place, shard) = (number / SHARDS, number % SHARDS);
        let left = lock(&self.0[shard]).try_remove(place).map(|call| call.context);
        // Outside of the lock: it may be the last that knows it.
        drop(left);
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        for shard in &self.0 {
            calls.extend(lock(shard).iter().map(|(_, call)| call.clone()));
        }
        calls.sort_by_key(|call| call.started);
        calls
    }
}

/// The shard of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.try_with(|shard| *shard).unwrap_or(0)
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing that holds it can panic halfway.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method.path)
            .field("side", &self.side)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
