//! The signals that end a process: `SIGTERM`, and Ctrl-C (`SIGINT`).

use super::HostError;

/// Hears the signals from when it is made.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn listen() -> Result<Self, HostError> {
        use tokio::signal::unix::{SignalKind, signal};
        let hear = |kind| signal(kind).map_err(HostError::Signals);
        let terminate = hear(SignalKind::terminate())?;
        Ok(Signals { terminate, interrupt: hear(SignalKind::interrupt())? })
    }

    /// The name of the next signal.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> Result<Self, HostError> {
        Ok(Signals {})
    }

    /// The name of the next signal.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> &'static str {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}

/// What a shell gets of a process that `signal` ended: 128 and the signal's number.
pub(super) fn exit_code(signal: &str) -> i32 {
    if signal == "SIGTERM" { 128 + 15 } else { 128 + 2 }
}
