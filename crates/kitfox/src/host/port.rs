//! One listener with all its connections.

use std::net::SocketAddr;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::platform::Task;
use kitfox_transport::serve::{Acceptor, Drain, Ended, serve};
use kitfox_transport::{Handler, Limits};
use tokio::time::{Instant, timeout, timeout_at};

use super::HostError;
use crate::config::KEYS;

/// A port that is open.
pub(super) struct Port {
    address: SocketAddr,
    /// The port's own background tasks: accepting, and every connection.
    platform: Platform,
    drain: Drain,
    serving: Task<Ended>,
}

impl Port {
    /// Listens on `address`, which the key `key` sets, and answers by `handler`.
    pub(super) async fn open(
        key: &'static str,
        address: SocketAddr,
        acceptor: Acceptor,
        handler: impl Handler,
        limits: Limits,
        platform: Platform,
    ) -> Result<Self, HostError> {
        let variable = KEYS.iter().find(|known| known.name == key).map_or("", |key| key.variable);
        let refused = |source| HostError::Bind { address, key, variable, source };
        let platform = platform.apart();
        let listener = platform.net().listen(address).await.map_err(refused)?;
        let address = listener.local_address().map_err(refused)?;
        let drain = Drain::new();
        let serving = serve(listener, acceptor, handler, limits, platform.clone(), drain.clone());
        let serving = platform.tasks().spawn(serving);
        Ok(Port { address, platform, drain, serving })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, and tells open connections to close when their calls are finished. At
    /// `deadline` those that are left are dropped. Resolves when all are closed, to the number of
    /// those that had to be dropped.
    pub(super) async fn close(&mut self, deadline: Instant) -> usize {
        self.drain.close(deadline);
        match timeout_at(deadline + GONE, &mut self.serving).await {
            Ok(Ok(ended)) => ended.dropped,
            // Something blocks its thread.
            _ => self.platform.tasks().running(),
        }
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> usize {
        // The other task accepts them.
        self.platform.tasks().running().saturating_sub(1)
    }

    /// Drops whatever is left, and says how many tasks cannot be dropped: they block their thread.
    pub(super) async fn end(&self) -> usize {
        self.drain.end();
        end(&self.platform).await
    }
}

/// A host that did not come up leaves no port open behind it.
impl Drop for Port {
    fn drop(&mut self) {
        self.drain.end();
        self.platform.tasks().end();
    }
}

/// Ends the background tasks of `platform`, and says how many cannot be ended.
pub(super) async fn end(platform: &Platform) -> usize {
    platform.tasks().end();
    match timeout(GONE, platform.tasks().idle()).await {
        Ok(()) => 0,
        Err(_) => platform.tasks().running(),
    }
}

/// How long dropped tasks have to be gone. They are, at once, unless they block their thread.
const GONE: Duration = Duration::from_millis(100);
