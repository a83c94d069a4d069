//! What a host stands on: network, randomness and background tasks, as values.
//!
//! They are given to a host or a client, never globals and never threads of a library's own, so
//! that a simulated fleet and a real one live in one process. Time is tokio's.

mod clock;
mod net;
mod random;
mod tasks;

use std::sync::{Arc, OnceLock};

pub use clock::WallClock;
pub use net::{Connection, Io, Listener, Net, Tcp};
pub use random::Random;
pub use tasks::{Task, Tasks};

use crate::record::Observer;

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
    clock: Arc<OnceLock<WallClock>>,
    observer: OnceLock<Arc<dyn Observer>>,
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
        Platform::of(Arc::new(net), Arc::new(random), Arc::default())
    }

    /// With another clock than the system's; before anybody looked at that.
    #[must_use]
    pub fn with_clock(self, clock: WallClock) -> Self {
        let Inner { net, random, .. } = &*self.0;
        Platform::of(Arc::clone(net), Arc::clone(random), Arc::new(OnceLock::from(clock)))
    }

    fn of(net: Arc<dyn Net>, random: Arc<Random>, clock: Arc<OnceLock<WallClock>>) -> Self {
        let (tasks, observer) = (Tasks::default(), OnceLock::new());
        Platform(Arc::new(Inner { net, random, tasks, clock, observer }))
    }

    /// The same network, randomness and clock, with background tasks of its own: what is started
    /// there is awaited and ended apart from what is started here. Nobody observes it yet.
    #[must_use]
    pub fn apart(&self) -> Self {
        let Inner { net, random, clock, .. } = &*self.0;
        Platform::of(Arc::clone(net), Arc::clone(random), Arc::clone(clock))
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

    /// The time of day.
    #[must_use]
    pub fn clock(&self) -> &WallClock {
        self.0.clock.get_or_init(WallClock::system)
    }

    /// Lets `observer` be told of every call that runs here, and of the calls that they make. Says
    /// whether it is the first, and therefore the only one.
    pub fn observe(&self, observer: Arc<dyn Observer>) -> bool {
        self.0.observer.set(observer).is_ok()
    }

    /// Who is told of the calls that run here.
    #[must_use]
    pub fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.0.observer.get()
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").finish_non_exhaustive()
    }
}
