//! An exporter before a collector that is not well.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox_core::{Platform, TraceContext};
use tokio::time::{Instant, advance, sleep};
use tracing::Level;

use super::reading::Read;
use super::*;
use crate::logs::{LogSettings, Logs};
use crate::metrics::Metrics;
use crate::traces::{Span, SpanKind};

/// A collector that says what it is told to say.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    requests: Vec<(Signal, Bytes, Instant)>,
    /// What it says next, the last first; it takes everything when there is nothing more to say.
    answers: Vec<Result<Bytes, Refused>>,
    down: bool,
    silent: bool,
}

impl Collector {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn requests(&self) -> Vec<(Signal, Bytes, Instant)> {
        self.0.lock().unwrap().requests.clone()
    }

    fn spans(&self) -> usize {
        let spans = |(signal, request, _): &(Signal, Bytes, Instant)| match signal {
            Signal::Traces => Read::items(request).len(),
            _ => 0,
        };
        self.requests().iter().map(spans).sum()
    }
}

impl Sender for Collector {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(async move {
            let silent = {
                let mut state = self.0.lock().unwrap();
                if state.down {
                    return Err(Refused::for_now("connection refused"));
                }
                state.requests.push((signal, request, Instant::now()));
                if let Some(answer) = state.answers.pop() {
                    return answer;
                }
                state.silent
            };
            if silent {
                sleep(Duration::from_secs(3600)).await;
            }
            Ok(Bytes::new())
        })
    }
}

struct Export {
    exporter: Exporter,
    collector: Collector,
    metrics: Metrics,
    platform: Platform,
}

fn export(change: impl FnOnce(&mut ExportSettings)) -> Export {
    let platform = Platform::system();
    let mut settings = ExportSettings::new(Resource::new("shop", platform.random()));
    settings.metrics_interval = Duration::from_secs(3_600);
    change(&mut settings);
    let (exporter, metrics) = (Exporter::new(settings), Metrics::new());
    let collector = Collector::default();
    let sender: Arc<dyn Sender> = Arc::new(collector.clone());
    exporter.start(&platform, &metrics, &sender);
    Export { exporter, collector, metrics, platform }
}

impl Export {
    fn record(&self, spans: usize) {
        for _ in 0..spans {
            self.exporter.spans().write(&span(&trace()), |_| {});
        }
    }

    fn lost(&self, loss: Loss) -> u64 {
        self.exporter.lost(Signal::Traces, loss)
    }

    async fn flush(&self) -> Flushed {
        self.exporter.flush(Instant::now() + Duration::from_secs(2)).await
    }
}

fn trace() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

fn span(trace: &TraceContext) -> Span<'_> {
    Span {
        trace,
        parent: None,
        remote: false,
        name: "strings.v1.Strings/Uppercase",
        kind: SpanKind::Server,
        start: 1_000,
        end: 2_000,
        error: None,
    }
}

async fn a_while(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_span_arrives_as_it_was_written() {
    let export = export(|_| {});
    let mut trace = trace();
    trace.state = Some("vendor=1".into());
    let span = Span { parent: Some([7; 8]), remote: true, error: Some("no shelf"), ..span(&trace) };
    let long = "x".repeat(20_000);
    export.exporter.spans().write(&span, |attributes| {
        attributes.text("rpc.method", "Uppercase");
        attributes.text("empty", "");
        attributes.text("long", &long);
        attributes.number("attempt", 3);
        attributes.number("zero", 0);
    });
    a_while(2).await;
    let requests = export.collector.requests();
    let (signal, request, _) = &requests[0];
    assert_eq!((requests.len(), *signal), (1, Signal::Traces));
    let resource = Read::new(request).one(1).one(1);
    assert_eq!(resource.attribute(1, "service.name").unwrap(), "shop");
    assert_eq!(Read::new(request).one(1).one(2).one(1).text(1), Some("kitfox"));

    let read = &Read::items(request)[0];
    assert_eq!(read.bytes(1), Some(&trace.trace_id[..]));
    assert_eq!(read.bytes(2), Some(&trace.span_id[..]));
    assert_eq!((read.text(3), read.bytes(4)), (Some("vendor=1"), Some(&[7; 8][..])));
    assert_eq!((read.text(5), read.number(6)), (Some(span.name), Some(2)));
    assert_eq!((read.number(7), read.number(8)), (Some(1_000), Some(2_000)));
    for (name, value) in
        [("rpc.method", "Uppercase"), ("empty", ""), ("long", &long), ("attempt", "3")]
    {
        assert_eq!(read.attribute(9, name).unwrap(), value);
    }
    assert_eq!(read.attribute(9, "zero").unwrap(), "0");
    let status = read.one(15);
    assert_eq!((status.text(2), status.number(3)), (Some("no shelf"), Some(2)));
    assert_eq!(read.number(16), Some(0x301));
}

#[tokio::test(start_paused = true)]
async fn a_log_record_arrives_with_its_ids_and_fields() {
    let export = export(|_| {});
    let logs = Logs::new(LogSettings::default());
    let exporter = export.exporter.clone();
    assert!(logs.export(move |record| exporter.log(record)));
    logs.line(Level::WARN, 5_000, "shop", |line| {
        line.message("sold out");
        line.trace(&trace());
        line.text("shelf", "a7");
        line.number("left", 0);
    });
    a_while(2).await;
    let requests = export.collector.requests();
    assert_eq!((requests.len(), requests[0].0), (1, Signal::Logs));
    let read = &Read::items(&requests[0].1)[0];
    assert_eq!((read.number(1), read.number(2)), (Some(5_000), Some(13)));
    assert_eq!((read.text(3), read.one(5).text(1)), (Some("WARN"), Some("sold out")));
    assert_eq!(read.bytes(9), Some(&trace().trace_id[..]));
    assert_eq!((read.bytes(10), read.number(8)), (Some(&trace().span_id[..]), Some(1)));
    for (name, value) in [("target", "shop"), ("shelf", "a7"), ("left", "0")] {
        assert_eq!(read.attribute(6, name).unwrap(), value);
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_arrive_now_and_then_and_count_from_the_start() {
    let export = export(|settings| settings.metrics_interval = Duration::from_secs(60));
    let orders = export.metrics.counter::<()>("shop.orders", "Orders.").unwrap().with(&());
    let waits = export.metrics.histogram::<()>("shop.waits", "Waits.", "s", &[0.5, 1.0]).unwrap();
    orders.add(3);
    waits.with(&()).record(0.25);
    waits.with(&()).record_with(7.0, &trace(), 9_000);
    export.metrics.observe("shop.open", "Doors.", &(), || 0.0).unwrap();
    let start = export.platform.clock().unix_nanos(Instant::now());
    a_while(61).await;
    orders.add(4);
    a_while(60).await;
    let requests = export.collector.requests();
    assert_eq!(requests.len(), 2);
    for ((signal, request, _), count) in requests.iter().zip([3, 7]) {
        assert_eq!(*signal, Signal::Metrics);
        let all = Read::items(request);
        let named = |name| all.iter().find(|metric| metric.text(1) == Some(name)).unwrap();
        let sum = named("shop.orders").one(7);
        assert_eq!((sum.number(2), sum.number(3)), (Some(2), Some(1)));
        let point = sum.one(1);
        assert_eq!((point.number(6), point.number(2)), (Some(count), Some(start)));
        assert!(point.number(3).unwrap() >= start + 60_000_000_000);
        let gauge = named("shop.open").one(5).one(1);
        assert_eq!(gauge.number(4), Some(0));

        let histogram = named("shop.waits");
        assert_eq!((histogram.text(2), histogram.text(3)), (Some("Waits."), Some("s")));
        let point = histogram.one(9).one(1);
        assert_eq!((point.number(4), point.number(5)), (Some(2), Some(7.25_f64.to_bits())));
        let counts: Vec<u8> = [1_u64, 0, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
        let bounds: Vec<u8> = [0.5_f64, 1.0].iter().flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!((point.bytes(6), point.bytes(7)), (Some(&counts[..]), Some(&bounds[..])));
        let exemplar = point.one(8);
        assert_eq!(
            (exemplar.number(2), exemplar.number(3)),
            (Some(9_000), Some(7.0_f64.to_bits()))
        );
        assert_eq!(exemplar.bytes(5), Some(&trace().trace_id[..]));
    }
    let dropped = Read::items(&requests[0].1);
    assert!(dropped.iter().any(|metric| metric.text(1) == Some("kitfox.export.dropped")));
}

#[tokio::test(start_paused = true)]
async fn spans_are_gathered_for_a_second_or_until_a_batch_is_whole() {
    let export = export(|settings| settings.batch_bytes = 10_000);
    let begin = Instant::now();
    export.record(10);
    a_while(5).await;
    assert_eq!(export.collector.requests().len(), 1);
    assert_eq!(export.collector.requests()[0].2 - begin, Duration::from_secs(1));

    let begin = Instant::now();
    export.record(1_000);
    a_while(5).await;
    let requests = export.collector.requests();
    assert_eq!(export.collector.spans(), 1_010);
    assert!(requests.len() > 8);
    assert!(requests.iter().all(|(_, request, _)| request.len() < 11_000));
    assert_eq!(requests[1].2 - begin, Duration::ZERO, "a whole batch does not wait");
    assert_eq!(export.exporter.buffered_bytes(Signal::Traces), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_sent_again_only_where_it_may_help() {
    let export = export(|_| {});
    let later = Refused::for_now("busy").after(Some(Duration::from_secs(20)));
    export.collector.set(|state| state.answers = vec![Err(later), Err(Refused::for_now("busy"))]);
    export.record(1);
    a_while(60).await;
    let requests = export.collector.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|(_, request, _)| *request == requests[0].1));
    assert!(requests[1].2 - requests[0].2 < Duration::from_secs(1));
    assert_eq!(requests[2].2 - requests[1].2, Duration::from_secs(20), "as it was asked for");

    export.collector.set(|state| state.answers = vec![Err(Refused::for_good("no such tenant"))]);
    export.record(2);
    a_while(60).await;
    assert_eq!(export.collector.requests().len(), 4);
    assert_eq!((export.lost(Loss::Refused), export.lost(Loss::GaveUp)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_collector_does_not_take_in_time_is_given_up_and_counted() {
    let export = export(|_| {});
    export.collector.set(|state| state.down = true);
    export.record(3);
    a_while(200).await;
    assert_eq!(export.lost(Loss::GaveUp), 0);
    a_while(200).await;
    assert_eq!((export.lost(Loss::GaveUp), export.exporter.buffered_bytes(Signal::Traces)), (3, 0));
    export.collector.set(|state| state.down = false);
    export.record(1);
    a_while(2).await;
    assert_eq!(export.collector.spans(), 1);
    let text = export.metrics.prometheus();
    let shown = r#"kitfox_export_dropped_total{reason="gave_up",signal="traces"} 3"#;
    assert!(text.contains(shown), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_collector_is_not_waited_for() {
    let export = export(|_| {});
    export.collector.set(|state| state.silent = true);
    export.record(1);
    a_while(30).await;
    export.collector.set(|state| state.silent = false);
    a_while(30).await;
    let requests = export.collector.requests();
    assert!(requests.len() >= 2);
    assert!(requests[1].2 - requests[0].2 >= Duration::from_secs(10));
    assert_eq!(export.exporter.buffered_bytes(Signal::Traces), 0);
}

#[tokio::test(start_paused = true)]
async fn a_buffer_is_bounded_and_what_has_no_room_is_counted() {
    let export = export(|settings| settings.buffer_bytes = 50_000);
    export.collector.set(|state| state.down = true);
    for _ in 0..10 {
        export.record(1_000);
        advance(Duration::from_millis(100)).await;
        assert!(export.exporter.buffered_bytes(Signal::Traces) <= 50_000);
    }
    let lost = export.lost(Loss::Full);
    assert!(lost > 9_000, "{lost}");
    export.collector.set(|state| state.down = false);
    a_while(60).await;
    assert_eq!(export.collector.spans() as u64 + lost, 10_000);
}

#[tokio::test(start_paused = true)]
async fn what_a_collector_takes_in_part_is_counted() {
    let export = export(|_| {});
    let partial = Bytes::from_static(&[0x0a, 7, 0x08, 3, 0x12, 3, b'o', b'l', b'd']);
    export.collector.set(|state| state.answers = vec![Ok(partial)]);
    export.record(5);
    a_while(60).await;
    assert_eq!((export.collector.requests().len(), export.lost(Loss::Rejected)), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_flush_sends_everything_at_once_and_the_metrics_once_more() {
    let export = export(|_| {});
    export.metrics.counter::<()>("shop.orders", "Orders.").unwrap().with(&()).add(3);
    export.record(5);
    let begin = Instant::now();
    assert_eq!(export.flush().await.left, 0);
    assert_eq!((begin.elapsed(), export.collector.spans()), (Duration::ZERO, 5));
    let signals: Vec<_> = export.collector.requests().iter().map(|(signal, ..)| *signal).collect();
    assert!(signals.contains(&Signal::Metrics), "{signals:?}");
    assert_eq!(export.flush().await.left, 0);
}

#[tokio::test(start_paused = true)]
async fn a_flush_tries_again_and_ends_in_time() {
    let export = export(|_| {});
    export.collector.set(|state| state.down = true);
    export.record(5);
    a_while(10).await;
    let begin = Instant::now();
    let left = export.flush().await.left;
    assert!(left >= 5, "{left}");
    assert!(begin.elapsed() <= Duration::from_secs(2), "{:?}", begin.elapsed());

    let flushing = export.flush();
    let mends = async {
        sleep(Duration::from_millis(300)).await;
        export.collector.set(|state| state.down = false);
    };
    let (flushed, ()) = tokio::join!(flushing, mends);
    assert_eq!((flushed.left, export.collector.spans()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_sent_when_its_task_is_ended_is_counted() {
    let export = export(|_| {});
    export.collector.set(|state| state.silent = true);
    export.record(5);
    a_while(2).await;
    export.platform.tasks().end();
    export.platform.tasks().idle().await;
    assert_eq!(export.lost(Loss::Ended), 5);
}
