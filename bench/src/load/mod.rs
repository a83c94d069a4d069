//! The client of the counted runs: a closed loop that keeps every connection (gRPC: every stream)
//! busy until an exact number of calls has been answered, and looks at each answer.
//!
//! It runs on one thread and natively, while the server may run under a tool that slows it down.
//! For speeds there are wrk and h2load, see [`crate::throughput`].

pub(crate) mod grpc;
mod json;

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::failure::{Failure, While};

/// What is sent and what must come back.
pub(crate) const TEXT: &str = "hello, fox";
const ANSWER: &str = "HELLO, FOX";

/// No run takes longer than this, however slow the server.
const LIMIT: Duration = Duration::from_secs(180);

/// The wire a call goes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    /// `POST /v1/uppercase` over HTTP/1.1, keep-alive.
    Json,
    /// gRPC over HTTP/2 with prior knowledge.
    Grpc,
}

impl Wire {
    pub(crate) const ALL: [Self; 2] = [Self::Json, Self::Grpc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Grpc => "grpc",
        }
    }

    /// Connections of the price list. With [`Wire::streams`] both wires have 64 calls in flight.
    pub(crate) fn connections(self) -> usize {
        match self {
            Self::Json => 64,
            Self::Grpc => 4,
        }
    }

    /// Calls in flight on one connection.
    pub(crate) fn streams(self) -> usize {
        match self {
            Self::Json => 1,
            Self::Grpc => 16,
        }
    }
}

impl FromStr for Wire {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|wire| wire.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::new(format!("finding the wire `{name}`"), format!("there are {names}"))
        })
    }
}

/// Makes `calls` calls, after one with an empty text that the server must refuse.
pub(crate) fn run(wire: Wire, server: SocketAddr, calls: usize) -> Result<(), Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().failed_while("starting the load's runtime")?;
    runtime.block_on(async {
        let work = async {
            match wire {
                Wire::Json => json::run(server, wire.connections(), calls).await,
                Wire::Grpc => grpc::run(server, wire.connections(), wire.streams(), calls).await,
            }
        };
        let done = tokio::time::timeout(LIMIT, work).await;
        done.failed_while(format!("making {calls} calls to {server}"))?
    })
}

/// Hands out the calls of a run, so that no connection idles while another has calls left.
struct Tickets(AtomicUsize);

impl Tickets {
    fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}
