//! The values of the record that every call leaves.

use std::time::Duration;

use kitfox_telemetry::logs::{AccessPolicy, Filter, Format, LogSettings, Redaction};

/// What is logged, and how: the keys `log.*`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Log {
    /// Which lines are written; `info` by default. The admin port changes it while the host runs.
    pub filter: Filter,
    /// What lines look like; by default for people where standard output is a terminal, and JSON
    /// elsewhere.
    pub format: Format,
    /// The share of calls that a server logs which went well and were not slow, from 0 to 1; 1 by
    /// default.
    pub answered: f64,
    /// The share of calls that are logged which failed for what their caller did, from 0 to 1; 1 by
    /// default.
    pub rejected: f64,
    /// How long a call takes that is always logged; a second by default.
    pub slow: Duration,
    /// Whether clients log every call as servers do; they do not by default.
    pub clients: bool,
    /// The memory for lines that wait to be written; 1 MiB by default.
    pub buffer_bytes: usize,
    /// The longest line; 16 KiB by default.
    pub line_bytes: usize,
    /// The members of a call's baggage that its lines have; none by default.
    pub baggage: Vec<String>,
    /// Fields and headers whose values are hidden, besides those that always are.
    pub redact: Vec<String>,
}

impl Default for Log {
    fn default() -> Self {
        let LogSettings { format, filter, buffer_bytes, line_bytes, baggage, .. } =
            LogSettings::default();
        let AccessPolicy { answered, rejected, slow, clients } = AccessPolicy::default();
        let redact = Vec::new();
        Log {
            filter,
            format,
            answered,
            rejected,
            slow,
            clients,
            buffer_bytes,
            line_bytes,
            baggage,
            redact,
        }
    }
}

impl Log {
    /// How lines are written.
    #[must_use]
    pub fn lines(&self) -> LogSettings {
        LogSettings {
            format: self.format,
            filter: self.filter.clone(),
            buffer_bytes: self.buffer_bytes,
            line_bytes: self.line_bytes,
            redaction: Redaction::default().and(self.redact.iter().map(String::as_str)),
            baggage: self.baggage.clone(),
        }
    }

    /// Which calls have a line.
    #[must_use]
    pub fn access(&self) -> AccessPolicy {
        let Log { answered, rejected, slow, clients, .. } = *self;
        AccessPolicy { answered, rejected, slow, clients }
    }
}
