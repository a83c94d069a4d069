//! The way to a collector.

use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;

use super::Signal;

/// Brings requests to a collector, over whatever it speaks.
pub trait Sender: Send + Sync + 'static {
    /// Sends a request of this signal (`ExportTraceServiceRequest` and its like, in protobuf), and
    /// gives the collector's answer, in protobuf as well. May be dropped when it takes too long.
    ///
    /// # Errors
    /// When the collector did not take it.
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>>;
}

/// A collector did not take a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Whether it may take the same request later.
    pub retry: bool,
    /// How long to wait until then, if it said so.
    pub after: Option<Duration>,
    /// What it said, or what went wrong on the way.
    pub why: String,
}

impl Refused {
    /// For good: the request is wrong, or not welcome.
    #[must_use]
    pub fn for_good(why: impl Into<String>) -> Self {
        Refused { retry: false, after: None, why: why.into() }
    }

    /// For now.
    #[must_use]
    pub fn for_now(why: impl Into<String>) -> Self {
        Refused { retry: true, after: None, why: why.into() }
    }

    /// For as long as this.
    #[must_use]
    pub fn after(mut self, wait: Option<Duration>) -> Self {
        self.after = wait;
        self
    }
}
