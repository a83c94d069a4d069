//! A host that runs, and how to end it.

use std::net::SocketAddr;

use kitfox_core::platform::Task;
use tokio_util::sync::CancellationToken;

use super::error::HostError;
use super::phase::{Phase, Progress};
use super::signals::{self, Signals};
use crate::config::Configuration;

/// Ends a host from elsewhere. Cloning gives another handle on the same host.
///
/// ```
/// let host = kitfox::Host::new("strings");
/// let handle = host.handle();
/// handle.shutdown(); // the host will go through its phases as soon as it runs
/// ```
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) shutdown: CancellationToken,
    pub(super) abort: CancellationToken,
    pub(super) progress: Progress,
}

impl Handle {
    pub(super) fn new() -> Self {
        let (shutdown, abort) = (CancellationToken::new(), CancellationToken::new());
        Handle { shutdown, abort, progress: Progress::new() }
    }

    /// Starts the shutdown: what the first signal does. Another call changes nothing.
    pub fn shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Ends the host at once, without regard for calls and work: what a second signal does.
    pub fn abort(&self) {
        self.shutdown.cancel();
        self.abort.cancel();
    }

    /// Where the host stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.progress.phase()
    }

    /// Resolves when the host is in `phase`, or past it.
    pub async fn reached(&self, phase: Phase) {
        self.progress.reached(phase).await;
    }
}

/// How a host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Ending {
    /// Every call was finished, and everything in the background.
    Clean,
    /// Within the deadline, but in this phase (the first of them) something was not done in time and
    /// was dropped.
    Late(Phase),
    /// By [`Handle::abort`] or a second signal, in this phase.
    AtOnce(Phase),
    /// As many tasks block their thread, so that nobody can drop them.
    Stuck(usize),
}

/// A host that runs; what [`Host::start`](crate::Host::start) gives.
///
/// Dropping it does not end the host.
#[derive(Debug)]
pub struct Running {
    pub(super) handle: Handle,
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) configuration: Configuration,
    pub(super) life: Task<Ending>,
}

impl Running {
    /// Where the services listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listen
    }

    /// Where the admin port listens.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// What the host runs with.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// A handle that ends it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts the shutdown, as [`Handle::shutdown`].
    pub fn shutdown(&self) {
        self.handle.shutdown();
    }

    /// Waits for `SIGTERM` or Ctrl-C and shuts the host down in [phases](Phase): the second half of
    /// [`Host::run`](crate::Host::run).
    ///
    /// # Errors
    /// As [`Host::run`](crate::Host::run).
    pub async fn run(self) -> Result<(), HostError> {
        self.run_or_exit(Signals::listen()?).await
    }

    /// Ends the process where that is the only way to end at all.
    pub(super) async fn run_or_exit(self, mut signals: Signals) -> Result<(), HostError> {
        let ended = self.run_with_signals(async || signals.next().await).await;
        let code = match &ended {
            Err(HostError::Interrupted { signal, .. }) => signals::exit_code(signal),
            Err(HostError::Stuck { .. }) => 1,
            _ => return ended,
        };
        if let Err(error) = &ended {
            tracing::error!("{error}");
        }
        std::process::exit(code)
    }

    /// [`Running::run`] with other signals than the operating system's: `next` gives the name of
    /// each as it comes. Never ends the process.
    ///
    /// # Errors
    /// [`HostError::Interrupted`] after a second signal, and [`HostError::Stuck`] where code blocks
    /// its thread.
    pub async fn run_with_signals(
        self,
        mut next: impl AsyncFnMut() -> &'static str,
    ) -> Result<(), HostError> {
        let handle = self.handle();
        let mut ended = std::pin::pin!(self.wait());
        let mut told = false;
        let ending = loop {
            let signal = tokio::select! {
                biased;
                ending = &mut ended => break ending,
                signal = next() => signal,
            };
            tracing::info!(signal, "a signal came");
            if told {
                let phase = handle.phase();
                handle.abort();
                let _ = ended.await;
                return Err(HostError::Interrupted { signal, phase });
            }
            told = true;
            handle.shutdown();
        };
        match ending {
            Ending::Stuck(tasks) => Err(HostError::Stuck { tasks }),
            // A handle may end the host at once too, and its holder knows.
            Ending::Clean | Ending::Late(_) | Ending::AtOnce(_) => Ok(()),
        }
    }

    /// Waits until the host has ended, which takes a [`Running::shutdown`] or a handle's.
    pub async fn wait(self) -> Ending {
        let Running { handle, life, .. } = self;
        match life.await {
            Ok(ending) => ending,
            // Its runtime went away under it.
            Err(_) => Ending::AtOnce(handle.phase()),
        }
    }
}
