//! From the first call to the last: waits for the shutdown, and goes through its phases.

use kitfox_core::Platform;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::phase::{Phase, Progress};
use super::port::{Port, end};
use super::running::{Ending, Handle};
use crate::config::Drain;

/// A host that serves, and all that it holds.
pub(super) struct Life {
    pub(super) handle: Handle,
    pub(super) progress: Progress,
    pub(super) drain: Drain,
    pub(super) platform: Platform,
    pub(super) services: Port,
    pub(super) admin: Port,
    /// Tells the workers to end.
    pub(super) workers: CancellationToken,
}

impl Life {
    /// Serves until the handle says otherwise. Ends within the parts of the drain, whatever calls
    /// and workers do.
    pub(super) async fn live(mut self) -> Ending {
        let Handle { shutdown, abort, .. } = self.handle.clone();
        shutdown.cancelled().await;
        let ending = match abort.run_until_cancelled(self.finish()).await {
            Some(ending) => ending,
            None => Ending::AtOnce(self.progress.phase()),
        };
        let Life { progress, platform, services, admin, .. } = self;
        let stuck = services.end().await + end(&platform).await;
        progress.enter(Phase::Ended);
        let _ = admin.end().await;
        if stuck == 0 { ending } else { Ending::Stuck(stuck) }
    }

    /// The phases from the shutdown on.
    async fn finish(&mut self) -> Ending {
        self.progress.enter(Phase::Leaving);
        if !self.drain.propagation.is_zero() {
            sleep(self.drain.propagation).await;
        }

        self.progress.enter(Phase::Finishing);
        let dropped = self.services.close(Instant::now() + self.drain.calls).await;

        self.progress.enter(Phase::Background);
        self.workers.cancel();
        let done = timeout(self.drain.tasks, self.platform.tasks().idle()).await.is_ok();

        if dropped > 0 {
            tracing::warn!(connections = dropped, "calls were not finished in time and dropped");
            return Ending::Late(Phase::Finishing);
        }
        if !done {
            let tasks = self.platform.tasks().running();
            tracing::warn!(tasks, "background work was not done in time and is dropped");
            return Ending::Late(Phase::Background);
        }
        Ending::Clean
    }
}
