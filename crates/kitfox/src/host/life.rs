//! From the first call to the last: waits for the shutdown, and goes through its phases.

use std::time::Duration;

use kitfox_core::Platform;
use kitfox_telemetry::Background;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::phase::{Phase, Progress};
use super::port::{Port, end};
use super::registration::Registrations;
use super::running::{Ending, Handle};
use crate::config::{Drain, show_duration};
use crate::notice::notice;

/// A host that serves, and all that it holds.
pub(super) struct Life {
    pub(super) handle: Handle,
    pub(super) progress: Progress,
    /// Whether it is printed what the shutdown waits for.
    pub(super) announce: bool,
    pub(super) drain: Drain,
    pub(super) platform: Platform,
    pub(super) services: Port,
    pub(super) admin: Port,
    pub(super) registrations: Option<Registrations>,
    /// Tells the workers to end.
    pub(super) workers: CancellationToken,
    /// What writes and sends the records of calls.
    pub(super) background: Option<Background>,
    /// Whether a thread waits for as long as nobody reads standard output.
    pub(super) may_block: bool,
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
        let Life { progress, platform, services, admin, drain, background, may_block, .. } = self;
        let stuck = services.end().await + end(&platform).await;
        progress.enter(Phase::Flushing);
        let mut lost = 0;
        if let Some(background) = background {
            let flush = background.flush(Instant::now() + drain.flush);
            lost = abort.run_until_cancelled(flush).await.unwrap_or_default();
        }
        progress.enter(Phase::Ended);
        let _ = admin.end().await;
        match (stuck, lost) {
            (0, 0) => ending,
            (0, lines) if may_block => Ending::Unread(lines),
            (0, _) => ending,
            _ => Ending::Stuck(stuck),
        }
    }

    /// The phases from the shutdown on.
    async fn finish(&mut self) -> Ending {
        self.progress.enter(Phase::Leaving);
        if let Some(registrations) = &mut self.registrations {
            registrations.leave().await;
        }
        if !self.drain.propagation.is_zero() {
            sleep(self.drain.propagation).await;
        }

        self.progress.enter(Phase::Finishing);
        let dropped = self.finish_calls().await;

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

    /// Closes the port; resolves to the number of connections that had to be dropped.
    async fn finish_calls(&mut self) -> usize {
        let deadline = Instant::now() + self.drain.calls;
        if !self.announce {
            return self.services.close(deadline).await;
        }
        // What nobody uses is closed within this time, and not worth a word.
        if let Ok(dropped) = timeout(MOMENT, self.services.close(deadline)).await {
            return dropped;
        }
        let at_once = self.handle.hears_signals();
        notice(&waiting(self.services.connections(), self.drain.calls, at_once));
        self.services.close(deadline).await
    }
}

/// How long a shutdown may take before it says what it waits for.
const MOMENT: Duration = Duration::from_millis(100);

/// What a shutdown waits for, and how to end the wait where signals are heard.
fn waiting(connections: usize, limit: Duration, signals: bool) -> String {
    let plural = if connections == 1 { "" } else { "s" };
    let limit = show_duration(&limit);
    let end = if signals { "; a second signal ends it now" } else { "" };
    format!("finishing the calls of {connections} connection{plural} (at most {limit}){end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_says_for_what_how_long_and_how_to_end_it() {
        let limit = Duration::from_secs(15);
        assert_eq!(
            waiting(1, limit, true),
            "finishing the calls of 1 connection (at most 15s); a second signal ends it now"
        );
        assert_eq!(waiting(2, limit, false), "finishing the calls of 2 connections (at most 15s)");
    }
}
