//! The exporter: batches of each signal, sent in the background.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::meter::{Measure, Reading};
use tokio::time::{Instant, timeout_at};

use super::batch::Envelope;
use super::buffer::{Buffer, Loss};
use super::lane::Lane;
use super::log::write_log;
use super::points::{Period, write_metric};
use super::{Resource, Retry, Sender, Signal};
use crate::logs::LogRecord;
use crate::metrics::{Metrics, names};
use crate::traces::Spans;

/// How many series of one metric are written at once, so that no batch grows much beyond its limit.
const SERIES: usize = 256;

/// What is exported, how, and within which limits.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// Who sends.
    pub resource: Resource,
    /// What is sent: all three signals by default.
    pub signals: Vec<Signal>,
    /// How many bytes of each signal may wait to be sent, encoded; 4 MiB by default. What finds no
    /// room is dropped and counted.
    pub buffer_bytes: usize,
    /// From how many bytes on a batch is sent at once; 512 KiB by default.
    pub batch_bytes: usize,
    /// How long spans and log records are gathered until they are sent; 1 s by default.
    pub interval: Duration,
    /// How often metrics are sent; every 60 s by default, as OpenTelemetry has it.
    pub metrics_interval: Duration,
    /// How long the collector has for an answer; 10 s by default, as OpenTelemetry has it.
    pub timeout: Duration,
    /// What happens to a request that was not taken.
    pub retry: Retry,
}

impl ExportSettings {
    /// The defaults.
    #[must_use]
    pub fn new(resource: Resource) -> Self {
        ExportSettings {
            resource,
            signals: Signal::ALL.to_vec(),
            buffer_bytes: 4 * 1024 * 1024,
            batch_bytes: 512 * 1024,
            interval: Duration::from_secs(1),
            metrics_interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
        }
    }
}

/// An exporter in the making: what it is to do, and who sends for it.
#[derive(Clone)]
pub struct Export {
    /// What is exported, how, and within which limits.
    pub settings: ExportSettings,
    /// The way to the collector.
    pub sender: Arc<dyn Sender>,
}

impl Export {
    /// Sends by `sender`.
    pub fn new(settings: ExportSettings, sender: impl Sender) -> Self {
        Export { settings, sender: Arc::new(sender) }
    }
}

/// Exports spans, log records and metrics; a cheap clone of the same.
///
/// Nothing is sent before [`Exporter::start`]. Where the collector is slow, gone or refuses, items
/// are lost, and counted by the reason; whoever records never waits.
#[derive(Clone)]
pub struct Exporter(Arc<Inner>);

struct Inner {
    settings: ExportSettings,
    envelope: Arc<Envelope>,
    traces: Arc<Buffer>,
    logs: Arc<Buffer>,
    metrics: Arc<Buffer>,
    source: OnceLock<Source>,
}

/// Where points of metrics come from.
struct Source {
    metrics: Metrics,
    platform: Platform,
    /// Since when they count, in nanoseconds since 1970.
    start: u64,
}

/// What became of what was recorded, when the time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "items may be lost"]
pub struct Flushed {
    /// How many spans, log records and points were neither sent nor given up yet.
    pub left: u64,
}

impl Exporter {
    /// Of these settings.
    #[must_use]
    pub fn new(settings: ExportSettings) -> Self {
        let envelope = Arc::new(Envelope::new(&settings.resource));
        let ExportSettings { buffer_bytes, batch_bytes, .. } = settings;
        let buffer = || Arc::new(Buffer::new(Arc::clone(&envelope), buffer_bytes, batch_bytes));
        Exporter(Arc::new(Inner {
            traces: buffer(),
            logs: buffer(),
            metrics: buffer(),
            source: OnceLock::new(),
            envelope,
            settings,
        }))
    }

    /// Where spans go.
    #[must_use]
    pub fn spans(&self) -> Spans {
        Spans(Arc::clone(&self.0.traces))
    }

    /// Takes in a log record, for [`Logs::export`](crate::logs::Logs::export).
    pub fn log(&self, record: &LogRecord<'_>) {
        if self.0.logs.has_room(record.message.len()) {
            super::scratch::with(|out| {
                write_log(out, record);
                self.0.logs.push(out, 1);
            });
        }
    }

    /// Sends by `sender` from now on, in background tasks of `platform`, what is recorded, and
    /// `metrics` as they are now and then. What is lost is counted among these.
    pub fn start(&self, platform: &Platform, metrics: &Metrics, sender: &Arc<dyn Sender>) {
        let start = platform.clock().unix_nanos(Instant::now());
        let (metrics, here) = (metrics.clone(), platform.clone());
        self.show_losses(&metrics);
        let _started_before = self.0.source.set(Source { metrics, platform: here, start });
        for signal in self.0.settings.signals.iter().copied() {
            let lane = self.lane(signal, platform, sender);
            let interval = self.0.settings.interval;
            if signal == Signal::Metrics {
                drop(platform.tasks().spawn(self.clone().send_metrics(lane)));
            } else {
                drop(platform.tasks().spawn(async move {
                    loop {
                        lane.gather(interval).await;
                        lane.send_all().await;
                    }
                }));
            }
        }
    }

    /// Sends everything that was recorded before, and the metrics once more, but takes no longer
    /// than until `deadline`.
    pub async fn flush(&self, deadline: Instant) -> Flushed {
        if self.exports(Signal::Metrics) {
            self.take_metrics();
        }
        let mut left = 0;
        let targets = Signal::ALL.map(|signal| {
            let buffer = self.buffer(signal);
            buffer.hurry();
            (buffer, buffer.counts().0)
        });
        for (buffer, target) in targets {
            let sent = async {
                loop {
                    let progress = buffer.progress.notified();
                    let mut progress = std::pin::pin!(progress);
                    progress.as_mut().enable();
                    if buffer.counts().1 >= target {
                        return;
                    }
                    buffer.hurry();
                    progress.await;
                }
            };
            let _too_late = timeout_at(deadline, sent).await;
            left += target.saturating_sub(buffer.counts().1);
        }
        Flushed { left }
    }

    /// Whether this signal is sent.
    #[must_use]
    pub fn exports(&self, signal: Signal) -> bool {
        self.0.settings.signals.contains(&signal)
    }

    /// How many items of a signal were lost so far, for this reason.
    #[must_use]
    pub fn lost(&self, signal: Signal, loss: Loss) -> u64 {
        self.buffer(signal).losses.of(loss).value()
    }

    /// The bytes of a signal that wait to be sent, or are being sent.
    #[must_use]
    pub fn buffered_bytes(&self, signal: Signal) -> usize {
        self.buffer(signal).held()
    }

    fn buffer(&self, signal: Signal) -> &Arc<Buffer> {
        match signal {
            Signal::Traces => &self.0.traces,
            Signal::Logs => &self.0.logs,
            Signal::Metrics => &self.0.metrics,
        }
    }

    fn lane(&self, signal: Signal, platform: &Platform, sender: &Arc<dyn Sender>) -> Lane {
        let ExportSettings { timeout, mut retry, metrics_interval, .. } = self.0.settings;
        if signal == Signal::Metrics {
            // Newer ones take their place.
            retry.give_up = retry.give_up.min(metrics_interval);
        }
        Lane {
            signal,
            buffer: Arc::clone(self.buffer(signal)),
            envelope: Arc::clone(&self.0.envelope),
            sender: Arc::clone(sender),
            platform: platform.clone(),
            timeout,
            retry,
            failing: false.into(),
            losing: false.into(),
        }
    }

    async fn send_metrics(self, lane: Lane) {
        loop {
            if lane.wait(self.0.settings.metrics_interval).await {
                self.take_metrics();
            }
            lane.send_all().await;
        }
    }

    /// Takes the metrics in as they are now.
    fn take_metrics(&self) {
        let Some(Source { metrics, platform, start }) = self.0.source.get() else { return };
        let period = Period { start: *start, now: platform.clock().unix_nanos(Instant::now()) };
        for family in &metrics.snapshot().families {
            for series in family.series.chunks(SERIES) {
                super::scratch::with(|out| {
                    write_metric(out, family, series, period);
                    self.0.metrics.push(out, series.len() as u64);
                });
            }
        }
    }

    fn show_losses(&self, metrics: &Metrics) {
        let names::Name { name, help, .. } = names::SPANS_DROPPED;
        for signal in Signal::ALL {
            for loss in Loss::ALL {
                let tally = self.buffer(signal).losses.of(loss).clone();
                let labels =
                    vec![("reason", loss.name().to_owned()), ("signal", signal.name().to_owned())];
                metrics.measure(&Measure { name, help, labels, reading: Reading::Tally(tally) });
            }
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("resource", &self.0.settings.resource)
            .finish_non_exhaustive()
    }
}
