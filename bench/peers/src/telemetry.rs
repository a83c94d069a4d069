//! Logs, traces and metrics of the process: JSON lines by a thread of their own, spans to a collector,
//! series for Prometheus.

use std::time::Duration;

use bench_common::{Failure, While};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::measure;

/// How often the exporter's histograms are tidied up, as its documentation asks for.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps everything at work until it is dropped.
pub(crate) struct Telemetry {
    _lines: WorkerGuard,
    spans: SdkTracerProvider,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // A collector that is not there takes nothing at the end either.
        let _lost = self.spans.shutdown_with_timeout(Duration::from_secs(1));
    }
}

pub(crate) fn install() -> Result<Telemetry, Failure> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().build();
    let exporter = exporter.failed_while("making the exporter of spans")?;
    // The share that is sampled comes from the environment.
    let spans = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let (writer, lines) = tracing_appender::non_blocking(std::io::stdout());
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
        .with(tracing_opentelemetry::layer().with_tracer(spans.tracer("bench")))
        .try_init()
        .failed_while("installing the subscriber")?;
    let name = Matcher::Full(measure::DURATION.to_owned());
    let series = PrometheusBuilder::new().set_buckets_for_metric(name, &measure::BOUNDARIES);
    let series = series.and_then(PrometheusBuilder::install_recorder);
    let series = series.failed_while("installing the recorder")?;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            series.run_upkeep();
        }
    });
    Ok(Telemetry { _lines: lines, spans })
}
