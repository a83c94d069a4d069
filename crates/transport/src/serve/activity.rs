//! What a connection is doing, as far as its watch must know: a few numbers without a clock.
//!
//! Requests are counted, never timed. The watch of a connection wakes a few times in an idle
//! interval and compares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kitfox_core::Peer;
use tokio::sync::OwnedSemaphorePermit;

/// The numbers of one connection. All but `in_flight`, `offered` and `taken` are written by the
/// connection's own task.
#[derive(Debug)]
pub(super) struct Activity {
    in_flight: AtomicU32,
    started: AtomicU64,
    /// Bytes came while no request was in flight: the head of the next one has begun.
    half_head: AtomicBool,
    written: AtomicU64,
    /// The socket took nothing of the last write.
    blocked: AtomicBool,
    /// Answers that wait for the peer to make room for them, and not for their handler.
    offered: AtomicU32,
    /// Pieces of answers for which there was room.
    taken: AtomicU64,
    /// The connection's place under the limit; it is free when the last part of the connection
    /// is gone, streams in tasks of their own included.
    _place: OwnedSemaphorePermit,
}

impl Activity {
    pub(super) fn new(place: OwnedSemaphorePermit) -> Self {
        Activity {
            in_flight: AtomicU32::new(0),
            started: AtomicU64::new(0),
            half_head: AtomicBool::new(false),
            written: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            offered: AtomicU32::new(0),
            taken: AtomicU64::new(0),
            _place: place,
        }
    }

    /// How many requests are in flight: from their head to the last byte of their answer.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }

    /// How many requests there have been.
    pub(super) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// How many bytes the socket took.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether a request's head has begun and not yet come to its end.
    pub(super) fn half_head(&self) -> bool {
        self.half_head.load(Ordering::Relaxed)
    }

    /// Whether the socket takes nothing at the moment.
    pub(super) fn blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Whether whoever is in flight has an answer that the peer makes no room for.
    pub(super) fn offers(&self) -> bool {
        let offered = self.offered.load(Ordering::Relaxed);
        offered > 0 && offered >= self.in_flight()
    }

    /// How many pieces of answers there was room for.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn has_read(&self) {
        if self.in_flight() == 0 {
            self.half_head.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn has_written(&self, bytes: usize) {
        let written = self.written().wrapping_add(bytes as u64);
        self.written.store(written, Ordering::Relaxed);
        self.blocked.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_blocked(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }
}

/// What the requests of one connection share.
#[derive(Debug)]
pub(super) struct Served<H> {
    pub(super) handler: H,
    pub(super) peer: Peer,
    pub(super) activity: Arc<Activity>,
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight<H>(Arc<Served<H>>);

impl<H> InFlight<H> {
    pub(super) fn begin(served: &Arc<Served<H>>) -> Self {
        let activity = &served.activity;
        activity.in_flight.fetch_add(1, Ordering::Relaxed);
        let started = activity.started().wrapping_add(1);
        activity.started.store(started, Ordering::Relaxed);
        activity.half_head.store(false, Ordering::Relaxed);
        InFlight(Arc::clone(served))
    }

    pub(super) fn served(&self) -> &Served<H> {
        &self.0
    }
}

impl<H> Drop for InFlight<H> {
    fn drop(&mut self) {
        self.0.activity.in_flight.fetch_sub(1, Ordering::Release);
    }
}

/// A request in flight that has an answer, until it is dropped.
#[derive(Debug)]
pub(super) struct Offer<H> {
    in_flight: InFlight<H>,
    /// The peer can have the next piece; otherwise it is still being made.
    stands: bool,
}

impl<H> Offer<H> {
    pub(super) fn begin(in_flight: InFlight<H>) -> Self {
        let mut offer = Offer { in_flight, stands: false };
        offer.stand(true);
        offer
    }

    /// A piece was asked for; `there` is whether it was there.
    pub(super) fn asked(&mut self, there: bool) {
        if there {
            self.activity().taken.fetch_add(1, Ordering::Relaxed);
        }
        self.stand(there);
    }

    fn stand(&mut self, stands: bool) {
        match (self.stands, stands) {
            (false, true) => self.activity().offered.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.activity().offered.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
        self.stands = stands;
    }

    fn activity(&self) -> &Activity {
        &self.in_flight.served().activity
    }
}

impl<H> Drop for Offer<H> {
    fn drop(&mut self) {
        self.stand(false);
    }
}
