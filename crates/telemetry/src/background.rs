//! What runs beside the calls: the writer of lines, and whoever sends what leaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::platform::Tasks;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Exporting, Telemetry};

/// How often the time of day is read again.
const CLOCK: Duration = Duration::from_secs(60);

/// Where log lines go.
pub type Sink = Box<dyn AsyncWrite + Send>;

/// The tasks of a [`Telemetry`] that is at work.
#[must_use = "what is not flushed may be lost"]
pub struct Background {
    telemetry: Telemetry,
    tasks: Tasks,
}

impl Telemetry {
    /// Observes the calls of `platform` from now on, and writes lines to `sink`.
    pub fn start(&self, platform: &Platform, sink: Sink) -> Background {
        if !platform.observe(Arc::new(self.clone())) {
            tracing::warn!("the platform is observed already: these calls leave no record here");
        }
        self.logs().set_clock(platform.clock().clone());
        // Apart from the platform's own, which are awaited before the last line is written.
        let apart = platform.apart();
        let tasks = apart.tasks().clone();
        if let Some(Exporting { exporter, sender }) = &self.0.export {
            exporter.start(&apart, self.metrics(), sender);
        }
        drop(tasks.spawn(self.logs().write_to(Box::into_pin(sink))));
        let clock = platform.clock().clone();
        drop(tasks.spawn(async move {
            loop {
                sleep(CLOCK).await;
                clock.set_by_system();
            }
        }));
        Background { telemetry: self.clone(), tasks }
    }
}

impl Background {
    /// Sends what is still here, until `deadline` at most, and ends the tasks. Says how many lines
    /// were lost.
    pub async fn flush(self, deadline: Instant) -> u64 {
        if let Some(exporter) = self.telemetry.exporter() {
            // Somewhat earlier, so that a line can still say what was left behind.
            let left = deadline.saturating_duration_since(Instant::now());
            let flushed = exporter.flush(deadline - left / 10);
            // Lines are written meanwhile, as far as their sink takes them.
            let (flushed, _written) = tokio::join!(flushed, self.telemetry.logs().flush(deadline));
            if flushed.left > 0 {
                let items = flushed.left;
                tracing::warn!(items, "telemetry was not exported in time and is lost");
            }
        }
        let flushed = self.telemetry.logs().close(deadline).await;
        self.tasks.end();
        let _ = timeout_at(deadline, self.tasks.idle()).await;
        flushed.left
    }
}

/// A host that did not come up leaves no task behind it.
impl Drop for Background {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("tasks", &self.tasks.running()).finish()
    }
}
