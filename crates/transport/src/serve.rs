//! Connections: what a port accepts, how long it may take, and how it ends.
//!
//! ```text
//! serve ──> connection ──> acceptor   (TLS's place; tells HTTP/1.1 from HTTP/2)
//!                     └──> watch ──> hyper ──> answer ──> Handler
//!                            │         └──> streams ──> stalled   (HTTP/2: where a call runs)
//!                            └─ head, idle, age, drain
//! ```
//!
//! The loop is ours because the usual ones never end: a half-sent request line holds their
//! shutdown for ever.

mod acceptor;
mod activity;
mod answer;
mod blocks;
mod connection;
pub(crate) mod cork;
mod drain;
mod hangup;
mod linger;
mod socket;
pub(crate) mod stalled;
mod streams;
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::platform::Listener;
use tokio::sync::Semaphore;

pub use acceptor::Acceptor;
pub use drain::Drain;

use crate::{Handler, Limits};
use connection::Port;
use drain::Phase;

/// The first wait after an `accept` that failed for want of something; it doubles up to
/// [`LAST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// The longest wait after an `accept` that failed.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// How long dropped connections may take to be gone: they go at their tasks' next await.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a port ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// How many connections still had something to do at the deadline and were dropped.
    pub dropped: usize,
}

/// Serves the connections of `listener` until `drain` ends it: HTTP/1.1 and HTTP/2 by prior
/// knowledge, or by ALPN where `acceptor` has TLS, on one port; each connection a task of
/// `platform`.
///
/// It goes on whatever `accept` says, takes no more than [`Limits::connections`] at a time, and
/// always ends: when the last connection is gone after [`Drain::close`], or at its deadline.
///
/// ```no_run
/// # use kitfox_transport::{Handler, Limits};
/// # use kitfox_transport::serve::{serve, Acceptor, Drain};
/// # async fn port(handler: impl Handler) -> std::io::Result<()> {
/// use std::time::Duration;
/// use kitfox_core::Platform;
/// use tokio::time::Instant;
///
/// let platform = Platform::system();
/// let listener = platform.net().listen(([127, 0, 0, 1], 8080).into()).await?;
/// let drain = Drain::new();
/// let (plain, limits) = (Acceptor::Plain, Limits::default());
/// let port = serve(listener, plain, handler, limits, platform.clone(), drain.clone());
/// let port = platform.tasks().spawn(port);
///
/// drain.close(Instant::now() + Duration::from_secs(20));
/// let ended = port.await;
/// # Ok(())
/// # }
/// ```
pub async fn serve<H: Handler>(
    listener: Box<dyn Listener>,
    acceptor: Acceptor,
    handler: H,
    limits: Limits,
    platform: Platform,
    drain: Drain,
) -> Ended {
    // One permit is one connection; a semaphore counts no further than this.
    let most = limits.connections.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
    let places = Arc::new(Semaphore::new(most));
    let limits = limits.countable();
    let port = Arc::new(Port { handler, limits, platform, drain: drain.clone(), acceptor });
    tokio::select! {
        biased;
        () = drain.reached(Phase::Stopped) => {}
        () = accept(listener, &port, &places) => {}
    }
    drop(port);
    farewell(&places, most, &drain).await
}

/// Accepts for ever. Dropping it loses no connection that was accepted, and closes the listener.
async fn accept<H: Handler>(
    mut listener: Box<dyn Listener>,
    port: &Arc<Port<H>>,
    places: &Arc<Semaphore>,
) {
    let mut wait = FIRST_WAIT;
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok(connection) => {
                wait = FIRST_WAIT;
                let connection = Arc::clone(port).connection(connection, place);
                drop(port.platform.tasks().spawn(connection));
            }
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "a connection was gone before it was accepted");
                // A listener that fails at once for ever must not keep this thread.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!(%error, ?wait, "no connection can be accepted for now");
                tokio::time::sleep(wait).await;
                wait = (2 * wait).min(LAST_WAIT);
            }
        }
    }
}

/// Whether the next `accept` may well succeed. The others (no file descriptor, no memory) want
/// patience.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}

/// Waits until all places are free, at most until the deadline, and ends what holds one then.
async fn farewell(places: &Semaphore, most: usize, drain: &Drain) -> Ended {
    #[expect(clippy::cast_possible_truncation, reason = "the caller clamped it to u32")]
    let all = most as u32;
    tokio::select! {
        biased;
        _ = places.acquire_many(all) => return Ended { dropped: 0 },
        () = drain.expired() => {}
    }
    let dropped = most - places.available_permits();
    drain.end();
    // A handler that never awaits cannot be dropped; the port does not wait for it.
    let _ = tokio::time::timeout(FAREWELL, places.acquire_many(all)).await;
    Ended { dropped }
}

#[cfg(test)]
mod tests;
