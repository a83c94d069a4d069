//! A host that runs, and how to end it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use futures_core::Stream;
use futures_util::StreamExt;
use kitfox_core::platform::Task;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::error::HostError;
use super::phase::{Phase, Progress};
use super::reload::{ReloadError, Reloaded, Reloader};
use super::signals;
use crate::config::{Configuration, Drain};
use crate::stack::{Change, ChangeError, Tunable};

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
    /// Whether signals end the host.
    signals: Arc<AtomicBool>,
    settings: Arc<OnceLock<Settings>>,
}

/// What a host that has started is set to.
pub(super) struct Settings {
    pub(super) server: Arc<dyn Tunable>,
    pub(super) reloader: Reloader,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Handle {
    pub(super) fn new() -> Self {
        let (shutdown, abort) = (CancellationToken::new(), CancellationToken::new());
        let (progress, signals, settings) = (Progress::new(), Arc::default(), Arc::default());
        Handle { shutdown, abort, progress, signals, settings }
    }

    /// The host has started, and is set to these.
    pub(super) fn started(&self, settings: Settings) {
        // A host starts once.
        let _ = self.settings.set(settings);
    }

    pub(super) fn hears_signals(&self) -> bool {
        self.signals.load(Ordering::Relaxed)
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

    /// Changes what the server's layers are set to while calls run, all or nothing: without a new stack,
    /// and no state of theirs is lost. It is stronger than what the file and the environment say, and weaker
    /// than the admin port.
    ///
    /// ```
    /// use kitfox::stack::Change;
    ///
    /// # async fn doc() -> Result<(), kitfox::HostError> {
    /// let host = kitfox::Host::new("strings");
    /// let handle = host.handle();
    /// let host = host.worker("night shift", move |_: kitfox::Context| {
    ///     let handle = handle.clone();
    ///     async move {
    ///         handle.change([
    ///             Change::new("rate_limit.mode", "on"),
    ///             Change::new("rate_limit.rate", 50),
    ///             Change::new("concurrency.mode", "on").of_method("strings.v1.Strings/Uppercase"),
    ///         ])
    ///     }
    /// });
    /// # host.run().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is no such layer, key or method, the whole would make no sense, or the host has
    /// not started.
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        let settings = self.settings.get().ok_or(ChangeError::NotStarted)?;
        settings.server.change(changes.into_iter().collect())
    }

    /// Reads the configuration again, the file above all, and puts in force what it says of the layers around
    /// calls: judged first, and all or nothing. See [`config`](crate::config).
    ///
    /// # Errors
    /// With everything that is wrong with it, which is logged as well, or where the host has not started.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let reloader = self.reloader().ok_or(ReloadError::NotStarted)?;
        Ok(reloader.reload("code".to_owned()).await?)
    }

    fn reloader(&self) -> Option<&Reloader> {
        self.settings.get().map(|settings| &settings.reloader)
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
    /// Nobody reads standard output: so many lines of the log are lost, and a thread waits there for
    /// as long as the process lives.
    Unread(u64),
    /// At least as many tasks block their thread, so that nobody can drop them.
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

    /// Changes what the server's layers are set to while calls run, as [`Handle::change`].
    ///
    /// # Errors
    /// As [`Handle::change`].
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        self.handle.change(changes)
    }

    /// Reads the configuration again while the host runs, as [`Handle::reload`].
    ///
    /// # Errors
    /// As [`Handle::reload`].
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.handle.reload().await
    }

    /// Waits for `SIGTERM` or Ctrl-C and shuts the host down in [phases](Phase): the second half of
    /// [`Host::run`](crate::Host::run).
    ///
    /// # Errors
    /// As [`Host::run`](crate::Host::run).
    pub async fn run(self) -> Result<(), HostError> {
        let has_file = self.handle.reloader().is_some_and(Reloader::has_file);
        self.run_or_exit(signals::listen(has_file)?).await
    }

    /// Ends the process where that is the only way to end at all.
    pub(super) async fn run_or_exit(
        self,
        signals: impl Stream<Item = &'static str> + Unpin,
    ) -> Result<(), HostError> {
        let ended = self.run_with_signals(signals).await;
        let (Err(error @ HostError::Interrupted { .. })
        | Err(error @ HostError::Unread { .. })
        | Err(error @ HostError::Stuck { .. })) = &ended
        else {
            return ended;
        };
        tracing::error!("{error}");
        std::process::exit(1)
    }

    /// [`Running::run`] with other signals than the operating system's: the stream gives the name of
    /// each as it comes. `SIGHUP` reads the configuration again, any other one ends the host. Never ends
    /// the process.
    ///
    /// # Errors
    /// [`HostError::Interrupted`] after a second signal, [`HostError::Stuck`] where code blocks its
    /// thread, and [`HostError::Unread`] where nobody reads the log.
    pub async fn run_with_signals(
        self,
        signals: impl Stream<Item = &'static str> + Unpin,
    ) -> Result<(), HostError> {
        let handle = self.handle();
        let longest = self.configuration.settings().drain.total() + Drain::RESERVE;
        let mut ended = std::pin::pin!(self.wait());
        handle.signals.store(true, Ordering::Relaxed);
        let mut signals = signals.fuse();
        let mut deadline = None;
        let ending = loop {
            let signal = tokio::select! {
                biased;
                ending = &mut ended => break ending,
                Some(signal) = signals.next() => signal,
                () = until(deadline) => break Ending::Stuck(1),
            };
            tracing::info!(signal, "a signal came");
            if signal == signals::HANG_UP {
                if let (Some(reloader), None) = (handle.reloader(), deadline) {
                    reloader.reload_apart(signal.to_owned());
                }
                continue;
            }
            if deadline.is_some() {
                let phase = handle.phase();
                handle.abort();
                let _ = timeout(Drain::RESERVE, ended).await;
                return Err(HostError::Interrupted { signal, phase });
            }
            // A task can be caught behind code that blocks its thread. Even if that is the one which
            // goes through the phases, the host ends.
            deadline = Some(Instant::now() + longest);
            handle.shutdown();
        };
        match ending {
            Ending::Stuck(tasks) => Err(HostError::Stuck { tasks }),
            Ending::Unread(lines) => Err(HostError::Unread { lines }),
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
