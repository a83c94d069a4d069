use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox_core::{Baggage, Platform, TraceContext};
use tracing::{Level, debug, error, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::logs::tests::written;
use crate::logs::{Format, LogSettings};
use crate::metrics::Metrics;
use crate::otlp::{ExportSettings, Exporter, Loss, Refused, Resource, Sender, Signal};

/// The process has one list of those that listen.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In place of a host's telemetry.
fn find(cx: &Context) -> Option<Logs> {
    cx.value::<Logs>().cloned()
}

fn logs(filter: &str) -> Logs {
    let logs = Logs::new(LogSettings {
        format: Format::Logfmt,
        filter: filter.parse().unwrap(),
        baggage: vec!["tenant".to_owned()],
        ..LogSettings::default()
    });
    logs.listen();
    logs
}

fn heard(act: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(layer(find));
    tracing::subscriber::with_default(subscriber, act);
}

/// Lines from their level on.
fn lines(logs: &Logs) -> Vec<String> {
    let text = written(logs);
    text.lines().map(|line| line[line.find("level=").unwrap()..].to_owned()).collect()
}

#[test]
fn an_event_has_its_fields_and_those_of_the_spans_around_it() {
    let _alone = alone();
    let logs = logs("info");
    heard(|| {
        let order = info_span!(target: "shop", "order", id = 7, card.token = "4711", total = 1);
        let _order = order.enter();
        let _item = info_span!(target: "shop", "item", r#type = ?Some("pen")).entered();
        order.record("total", 2);
        let refused = std::io::Error::other("refused");
        let error: &(dyn std::error::Error + 'static) = &refused;
        warn!(target: "shop", password = "1234", level = "high", left = 3_u128, error, "no {}", "pens");
        debug!(target: "shop", "not written");
    });
    assert_eq!(
        lines(&logs),
        ["level=warn target=shop message=\"no pens\" password=[redacted] field.level=high left=3 \
          error=refused order.id=7 order.card.token=[redacted] order.total=2 \
          item.type=\"Some(\\\"pen\\\")\""]
    );
}

#[test]
fn an_event_in_a_call_is_its_calls_and_another_is_the_first_hosts() {
    let _alone = alone();
    let (first, second) = (logs("info"), logs("info"));
    let trace: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let baggage = [("tenant", "blue"), ("other", "x")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    let cx = Context::background()
        .with_trace(trace)
        .with_baggage(Baggage::new(baggage))
        .with_value(second.clone());
    heard(|| {
        let entered = cx.enter();
        info!(target: "shop", "in the call");
        drop(entered);
        info!(target: "shop", "outside");
    });
    assert_eq!(lines(&first), ["level=info target=shop message=outside"]);
    assert_eq!(
        lines(&second),
        ["level=info target=shop message=\"in the call\" \
          trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 baggage.tenant=blue"]
    );
    drop(first);
    heard(|| info!(target: "shop", "the first is gone"));
    assert_eq!(lines(&second).len(), 1);
}

#[test]
fn the_filter_changes_while_the_code_runs() {
    let _alone = alone();
    let logs = logs("info");
    let say = || {
        error!(target: "shop::db", "error");
        debug!(target: "shop::db", "debug");
        debug!(target: "shop::cart", "debug");
    };
    heard(|| {
        say();
        assert_eq!(lines(&logs).len(), 1);
        assert!(!tracing::enabled!(target: "shop::db", Level::DEBUG));
        logs.set_filter("info,shop::db=debug".parse().unwrap());
        say();
        assert_eq!(lines(&logs).len(), 2);
        logs.set_filter("off".parse().unwrap());
        say();
        assert_eq!(lines(&logs).len(), 0);
    });
}

#[test]
fn each_hosts_filter_is_its_own() {
    let _alone = alone();
    let (quiet, loud) = (logs("warn"), logs("debug"));
    let say = |logs: &Logs| {
        let _entered = Context::background().with_value(logs.clone()).enter();
        debug!(target: "shop", "debug");
        warn!(target: "shop", "warn");
    };
    heard(|| {
        say(&quiet);
        say(&loud);
    });
    assert_eq!((lines(&quiet).len(), lines(&loud).len()), (1, 2));
}

/// A collector that has no use for anything.
struct Refusing;

impl Sender for Refusing {
    fn send(&self, _: Signal, _: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(async { Err(Refused::for_good("no such tenant")) })
    }
}

#[test]
fn that_lines_are_lost_is_told_by_one_line_and_not_by_one_for_each_that_tells_of_it() {
    let _alone = alone();
    let logs = logs("info");
    let _heard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer(find)));
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    let platform = Platform::system();
    let exporter = Exporter::new(ExportSettings::new(Resource::new("shop", platform.random())));
    let exported = exporter.clone();
    logs.export(move |record| exported.log(record));
    runtime.block_on(async {
        let sender: Arc<dyn Sender> = Arc::new(Refusing);
        exporter.start(&platform, &Metrics::new(), &sender);
        info!(target: "shop", "open");
        tokio::time::sleep(Duration::from_secs(50)).await;
    });
    let lines = lines(&logs);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains("telemetry is lost") && lines[1].contains("no such tenant"));
    assert_eq!(exporter.lost(Signal::Logs, Loss::Refused), 2);
}
