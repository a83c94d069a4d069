//! Reading the configuration again, while the host runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_telemetry::logs::Logs;
use tokio::time::Instant;
use tracing::Level;

use crate::config::{ConfigError, Configuration, Sources, Stacks};

/// Where the lines of this come from.
const TARGET: &str = "kitfox::config";

/// The configuration was read again, and what layers are set to is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// The keys whose values are others than the host runs with, and which only a new one takes.
    pub needs_restart: Vec<&'static str>,
}

/// The configuration could not be read again. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// What it says now cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The host has not started, and reads it when it does.
    #[error("the host has not started: it reads its configuration when it does")]
    NotStarted,
}

/// Reads the configuration again. Cloning shares what became of that.
#[derive(Clone)]
pub(super) struct Reloader(Arc<Inner>);

struct Inner {
    sources: Sources,
    stacks: Stacks,
    running: Configuration,
    logs: Option<Logs>,
    /// One after the other, so that what is shown is what was put in force last.
    reading: Mutex<()>,
    last: Mutex<Option<Last>>,
}

/// What became of it the last time.
#[derive(Clone)]
pub(super) struct Last {
    pub(super) at: Instant,
    /// Who wanted it.
    pub(super) by: String,
    pub(super) end: Result<Reloaded, ConfigError>,
}

impl Reloader {
    pub(super) fn new(
        sources: Sources,
        stacks: Stacks,
        running: Configuration,
        logs: Option<Logs>,
    ) -> Self {
        let (reading, last) = (Mutex::default(), Mutex::default());
        Reloader(Arc::new(Inner { sources, stacks, running, logs, reading, last }))
    }

    /// Whether there is a file to be read again.
    pub(super) fn has_file(&self) -> bool {
        self.0.sources.file().is_some()
    }

    pub(super) fn last(&self) -> Option<Last> {
        self.lock().clone()
    }

    /// Reads it again off the async threads, since a file may be slow.
    pub(super) async fn reload(&self, by: String) -> Result<Reloaded, ConfigError> {
        let reloader = self.clone();
        let read = tokio::task::spawn_blocking(move || reloader.reload_here(by));
        read.await.expect("it does not panic, and nobody aborts it")
    }

    /// The same without waiting for it: what becomes of it is in the log, and on `/config`.
    pub(super) fn reload_apart(&self, by: String) {
        let reloader = self.clone();
        drop(tokio::task::spawn_blocking(move || reloader.reload_here(by)));
    }

    fn reload_here(&self, by: String) -> Result<Reloaded, ConfigError> {
        let Inner { sources, stacks, running, reading, .. } = &*self.0;
        let _one = reading.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = sources.read_again(stacks, running);
        let end = keys.map(|keys| {
            let needs_restart = keys.into_iter().map(|key| key.name).collect();
            Reloaded { needs_restart }
        });
        self.tell(&by, &end);
        *self.lock() = Some(Last { at: Instant::now(), by, end: end.clone() });
        end
    }

    fn tell(&self, by: &str, end: &Result<Reloaded, ConfigError>) {
        match end {
            Err(error) => self.log(
                Level::ERROR,
                "the configuration cannot be read again, and stays as it is",
                &[("by", &by), ("error", error)],
            ),
            Ok(Reloaded { needs_restart }) => {
                self.log(Level::INFO, "the configuration was read again", &[("by", &by)]);
                if !needs_restart.is_empty() {
                    let message = "these keys have other values now, which need a restart";
                    self.log(Level::WARN, message, &[("keys", &needs_restart.join(", "))]);
                }
            }
        }
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &dyn fmt::Display)]) {
        if let Some(logs) = &self.0.logs {
            logs.line(level, logs.now(), TARGET, |line| {
                line.message(message);
                fields.iter().for_each(|(name, value)| line.display(name, *value));
            });
            return;
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = fields.join(" ");
        match level {
            Level::INFO => tracing::info!(fields, "{message}"),
            Level::WARN => tracing::warn!(fields, "{message}"),
            _ => tracing::error!(fields, "{message}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Last>> {
        // Nothing that holds it leaves it halfway.
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
