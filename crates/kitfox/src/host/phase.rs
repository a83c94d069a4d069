//! The life of a host, as named phases.

use std::fmt;

use tokio::sync::watch;

/// Where a host stands in its life. The phases follow each other in this order, and each of them
/// is logged.
///
/// The order is that of Kubernetes: first everybody learns that no more calls are wanted, then the
/// port stops taking them, then the rest is finished, and nothing takes longer than its part of
/// [`Drain`](crate::config::Drain).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Listeners are made. `/readyz` answers 503.
    Starting,
    /// Calls are served. `/readyz` answers 200, unless a check fails.
    Serving,
    /// `/readyz` answers 503, and calls are still accepted, until whoever sends them has noticed.
    Leaving,
    /// No connection is accepted, those that are open are told to close (`GOAWAY`,
    /// `Connection: close`), and the calls in flight are finished.
    Finishing,
    /// Workers are told to end; they and detached work are awaited.
    Background,
    /// Logs, metrics and traces that are still here are sent.
    Flushing,
    /// Nothing is left; the admin port closes.
    Ended,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Starting => "starting",
            Phase::Serving => "serving",
            Phase::Leaving => "leaving: calls are still accepted, send no more",
            Phase::Finishing => "finishing the calls in flight",
            Phase::Background => "waiting for workers and detached work",
            Phase::Flushing => "flushing logs, metrics and traces",
            Phase::Ended => "ended",
        })
    }
}

/// The phase, written by the host and read by everybody.
#[derive(Clone, Debug)]
pub(super) struct Progress(watch::Sender<Phase>);

impl Progress {
    pub(super) fn new() -> Self {
        Progress(watch::Sender::new(Phase::Starting))
    }

    pub(super) fn enter(&self, phase: Phase) {
        // That it has come up the host says itself, with its addresses.
        match phase {
            Phase::Starting | Phase::Serving => tracing::debug!(phase = ?phase, "{phase}"),
            _ => tracing::info!(phase = ?phase, "{phase}"),
        }
        self.0.send_replace(phase);
    }

    pub(super) fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.0.subscribe()
    }

    pub(super) async fn reached(&self, phase: Phase) {
        let mut phases = self.watch();
        let reached = phases.wait_for(|current| *current >= phase).await;
        reached.expect("the sender is borrowed, so it lives");
    }
}
