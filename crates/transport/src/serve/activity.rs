//! What a connection is doing, as far as its watch must know: a few numbers without a clock.
//!
//! Requests are counted, never timed. The watch of a connection wakes a few times in an idle
//! interval and compares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use kitfox_core::Peer;
use tokio::sync::OwnedSemaphorePermit;

/// The numbers of one connection. All but `in_flight` are written by the connection's own task.
#[derive(Debug)]
pub(super) struct Activity {
    in_flight: AtomicU32,
    started: AtomicU64,
    /// Bytes of HTTP/1.1 came while no request was in flight: the head of the next one has begun.
    half_head: AtomicBool,
    /// The watch has asked the connection to end.
    closing: AtomicBool,
    /// The number of the head of HTTP/2 that has begun; zero where none has.
    half_block: AtomicU64,
    written: AtomicU64,
    /// The socket took nothing of the last write.
    blocked: AtomicBool,
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
            closing: AtomicBool::new(false),
            half_block: AtomicU64::new(0),
            written: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
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

    /// Which head has begun and not yet come to its end. No two heads have the same number.
    pub(super) fn half_head(&self) -> Option<u64> {
        if self.half_head.load(Ordering::Relaxed) {
            return Some(self.started());
        }
        Some(self.half_block.load(Ordering::Relaxed)).filter(|block| *block > 0)
    }

    /// Whether the socket takes nothing at the moment.
    pub(super) fn blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Bytes of HTTP/1.1 came.
    pub(super) fn has_read(&self) {
        if self.in_flight() == 0 {
            self.half_head.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes of HTTP/2 came, and left `half` a head.
    pub(super) fn has_read_blocks(&self, half: Option<u64>) {
        self.half_block.store(half.unwrap_or(0), Ordering::Relaxed);
    }

    /// Whether the watch has asked the connection to end.
    pub(super) fn closes(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn is_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
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
    /// The most bytes of an answer that go out in one piece.
    pub(super) piece: usize,
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
