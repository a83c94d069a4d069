//! What a host stands on: network, randomness and background tasks, as values.
//!
//! They are given to a host or a client, never globals and never threads of a library's own, so
//! that a simulated fleet and a real one live in one process. Time is tokio's.

mod net;
mod random;
mod tasks;

use std::sync::Arc;

pub use net::{Connection, Io, Listener, Net, Tcp};
pub use random::Random;
pub use tasks::{Task, Tasks};

/// Network, randomness and background tasks; a cheap clone of the same.
///
/// ```
/// use kitfox_core::Platform;
///
/// let platform = Platform::system();
/// let id = platform.random().next_u64();
/// # let _ = id;
/// ```
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    net: Arc<dyn Net>,
    random: Arc<Random>,
    tasks: Tasks,
}

impl Platform {
    /// The real one: TCP, the operating system's randomness, tokio's tasks.
    #[must_use]
    pub fn system() -> Self {
        Platform::new(Tcp, Random::system())
    }

    /// One of your own.
    #[must_use]
    pub fn new(net: impl Net, random: Random) -> Self {
        let (net, random) = (Arc::new(net), Arc::new(random));
        Platform(Arc::new(Inner { net, random, tasks: Tasks::default() }))
    }

    /// The same network and randomness, with background tasks of its own: what is started there is
    /// awaited and ended apart from what is started here.
    #[must_use]
    pub fn apart(&self) -> Self {
        let (net, random) = (Arc::clone(&self.0.net), Arc::clone(&self.0.random));
        Platform(Arc::new(Inner { net, random, tasks: Tasks::default() }))
    }

    /// Sockets and listeners.
    #[must_use]
    pub fn net(&self) -> &dyn Net {
        &*self.0.net
    }

    /// Randomness.
    #[must_use]
    pub fn random(&self) -> &Random {
        &self.0.random
    }

    /// Background tasks.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").finish_non_exhaustive()
    }
}
