//! What is known of every call: logs, metrics and traces, at a known price.
//!
//! [`Telemetry`] observes the calls of a host, and of the calls that they make. Each leaves one
//! record; of that it makes series ([`metrics`]), a line ([`logs`]) and a span ([`traces`]).

mod background;
#[cfg(test)]
mod conformance;
mod inflight;
pub mod logs;
pub mod metrics;
mod observer;
pub mod otlp;
pub mod traces;

use std::fmt;
use std::sync::Arc;

pub use background::{Background, Sink};
pub use inflight::Call;
use inflight::InFlight;
use kitfox_core::Context;
use logs::{AccessPolicy, LogLayer, LogSettings, Logs};
use metrics::{Metrics, names};
use observer::series::EdgeSeries;
use otlp::{Export, Exporter, Signal};
use traces::{Sampler, Spans};
use tracing_subscriber::layer::SubscriberExt;

/// The logs, metrics and traces of a host; a cheap clone of the same.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    logs: Logs,
    access: AccessPolicy,
    sampler: Sampler,
    /// Where spans go, if anywhere.
    spans: Option<Spans>,
    export: Option<Exporting>,
    calls: InFlight,
    edges: EdgeSeries,
    scheme: &'static str,
}

struct Exporting {
    exporter: Exporter,
    sender: Arc<dyn otlp::Sender>,
}

/// What a [`Telemetry`] is made of.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// Where metrics are gathered; its own by default.
    pub metrics: Metrics,
    /// How log lines are written.
    pub logs: LogSettings,
    /// Which calls have a line.
    pub access: AccessPolicy,
    /// The share of the traces beginning here that is recorded, from 0 to 1; 0.01 by default.
    pub sample: f64,
    /// What leaves by OTLP, and how; nothing by default.
    pub export: Option<Export>,
    /// How callers reach this process, for the metrics of REST: `http`, which is the default, or
    /// `https`.
    pub scheme: &'static str,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        TelemetrySettings {
            metrics: Metrics::new(),
            logs: LogSettings::default(),
            access: AccessPolicy::default(),
            sample: 0.01,
            export: None,
            scheme: "http",
        }
    }
}

impl Telemetry {
    /// Of these settings.
    #[must_use]
    pub fn new(settings: TelemetrySettings) -> Self {
        let TelemetrySettings { metrics, logs, access, sample, export, scheme } = settings;
        let logs = Logs::new(logs);
        watch(&metrics, &logs);
        let export = export.map(|Export { settings, sender }| Exporting {
            exporter: Exporter::new(settings),
            sender,
        });
        let exporter = export.as_ref().map(|export| export.exporter.clone());
        let exports = |signal| exporter.clone().filter(|exporter| exporter.exports(signal));
        if let Some(exporter) = exports(Signal::Logs) {
            logs.export(move |record| exporter.log(record));
        }
        Telemetry(Arc::new(Inner {
            edges: EdgeSeries::new(metrics.clone(), scheme),
            scheme,
            metrics,
            logs,
            access,
            sampler: Sampler::new(sample),
            spans: exports(Signal::Traces).map(|exporter| exporter.spans()),
            export,
            calls: InFlight::default(),
        }))
    }

    /// Makes lines of what is logged with [`tracing`], unless the process has another subscriber: of
    /// what belongs to no call, too, for the first telemetry that does so. Says whether it could.
    ///
    /// Who has a subscriber already adds [`layer`] to it.
    pub fn install(&self) -> bool {
        self.0.logs.listen();
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::set_global_default(subscriber).is_ok()
    }

    /// The telemetry that observes the call of `context`.
    fn of(context: &Context) -> Option<&Telemetry> {
        context.observer()?.as_any().downcast_ref()
    }

    /// Its metrics.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Its logs.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.0.logs
    }

    /// Which traces are recorded.
    #[must_use]
    pub fn sampler(&self) -> &Sampler {
        &self.0.sampler
    }

    /// What exports it, if it leaves at all.
    #[must_use]
    pub fn exporter(&self) -> Option<&Exporter> {
        self.0.export.as_ref().map(|export| &export.exporter)
    }

    /// The calls in flight, the oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls.all()
    }
}

/// The layer over tracing-subscriber's `Registry` that makes lines of events, and exports the spans around
/// them, each for the host of its call: for processes that have a subscriber of their own.
#[must_use]
pub fn layer() -> LogLayer {
    logs::layer(|context| Telemetry::of(context).map(|telemetry| telemetry.logs().clone()))
        .with_spans(|context| Telemetry::of(context)?.0.spans.clone())
}

/// Shows what the logs lose.
fn watch(metrics: &Metrics, logs: &Logs) {
    let (dropped, buffered) = (logs.clone(), logs.clone());
    metrics.watch(&names::LOGS_DROPPED, move || dropped.dropped().total());
    metrics.watch(&names::LOGS_BUFFERED, move || buffered.buffered_bytes() as u64);
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("metrics", &self.0.metrics)
            .field("logs", &self.0.logs)
            .finish_non_exhaustive()
    }
}
