//! The client of the counted runs: a closed loop that keeps every connection (HTTP/2: every stream)
//! busy until an exact number of calls has been answered, and looks at each answer.
//!
//! It runs on one thread and natively, while the server may run under a tool that slows it down.
//! For speeds there are wrk and h2load, see [`crate::throughput`].

mod call;
mod http1;
mod http2;
pub(crate) mod script;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) use self::call::{Call, Shape, Wire};
use self::script::Script;
use crate::failure::{Failure, While};

/// No run takes longer than this, however slow the server.
const LIMIT: Duration = Duration::from_secs(180);

/// Makes `count` calls, after one with an empty text that the server must refuse.
pub(crate) fn run(call: Call, server: SocketAddr, count: usize) -> Result<(), Failure> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().failed_while("starting the load's runtime")?;
    runtime.block_on(async {
        let work = async {
            match call.wire {
                Wire::Json | Wire::Lines => http1::run(call, server, count).await,
                Wire::Grpc | Wire::Connect => http2::run(call, server, count).await,
            }
        };
        let done = tokio::time::timeout(LIMIT, work).await;
        done.failed_while(format!("making {count} calls to {server}"))?
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
