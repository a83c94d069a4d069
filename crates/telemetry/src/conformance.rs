//! One suite for every exporter of metrics: the same registry, read back from what each of them
//! wrote, tells the same numbers.
//!
//! A case fills a registry and says what must be found. Each exporter is written to and read by a
//! reader of its format that knows nothing of ours; the names are compared as Prometheus has them,
//! by a table of the case's own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox_core::{Platform, TraceContext};
use tokio::time::Instant;

use crate::metrics::{Labels, Metrics};
use crate::otlp::reading::Read;
use crate::otlp::{ExportSettings, Exporter, Refused, Resource, Sender, Signal};

/// What is found: by family and labels, as Prometheus names them.
type Found = BTreeMap<(String, String), Number>;

/// What a series says.
#[derive(Clone, Debug, PartialEq)]
enum Number {
    Counter(f64),
    Gauge(f64),
    /// Upper boundaries with the values up to them, the sum, and an example's trace and value.
    Histogram(Vec<(f64, u64)>, f64, Vec<(String, f64)>),
}

/// A way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Prometheus,
    OpenMetrics,
    Otlp,
}

/// A family of a case: its name as OpenTelemetry has it, and as Prometheus does.
type Family = (&'static str, &'static str);

struct Label(&'static str);

impl Labels for Label {
    const NAMES: &'static [&'static str] = &["shop.kind"];

    fn values(&self, value: &mut dyn FnMut(&dyn fmt::Display)) {
        value(&self.0);
    }
}

/// What every exporter finds in `metrics` of the families.
async fn conforms(metrics: &Metrics, families: &[Family], expected: &[(&str, &str, Number)]) {
    for way in [Way::Prometheus, Way::OpenMetrics, Way::Otlp] {
        let found = match way {
            Way::Prometheus => texts(&metrics.prometheus()),
            Way::OpenMetrics => texts(&metrics.openmetrics()),
            Way::Otlp => points(metrics, families).await,
        };
        let ours = |name: &str| families.iter().any(|(_, shown)| *shown == name);
        let found: Found = found.into_iter().filter(|((name, _), _)| ours(name)).collect();
        let expected: Found = expected
            .iter()
            .map(|(name, labels, number)| {
                let mut number = number.clone();
                if let (Way::Prometheus, Number::Histogram(_, _, examples)) = (way, &mut number) {
                    // That format has none.
                    examples.clear();
                }
                (((*name).to_owned(), (*labels).to_owned()), number)
            })
            .collect();
        assert_eq!(format!("{found:#?}"), format!("{expected:#?}"), "{way:?}");
    }
}

/// Reads Prometheus' text or OpenMetrics.
fn texts(text: &str) -> Found {
    let (mut found, mut kinds) = (Found::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kinds.insert(name.trim_end_matches("_total").to_owned(), kind.to_owned());
        }
        if line.starts_with('#') {
            continue;
        }
        let (sample, example) = line.split_once(" # ").unwrap_or((line, ""));
        let (series, value) = sample.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut labels = labels.trim_end_matches('}').to_owned();
        let value: f64 = value.parse().unwrap();
        let suffix = ["_total", "_bucket", "_sum", "_count"].into_iter();
        let suffix = suffix.filter(|suffix| name.ends_with(suffix)).find(|suffix| {
            let kind = kinds.get(name.trim_end_matches(suffix)).map(String::as_str);
            kind == Some(if *suffix == "_total" { "counter" } else { "histogram" })
        });
        let family = suffix.map_or(name, |suffix| name.trim_end_matches(suffix)).to_owned();
        let upper = labels.find("le=\"").filter(|_| suffix == Some("_bucket")).map(|at| {
            let upper = labels.split_off(at);
            labels.truncate(labels.trim_end_matches(',').len());
            upper["le=\"".len()..].trim_end_matches('"').parse::<f64>().unwrap()
        });
        match suffix {
            None => {
                found.insert((family, labels), Number::Gauge(value));
            }
            Some("_total") => {
                found.insert((family, labels), Number::Counter(value));
            }
            Some(suffix) => {
                let empty = || Number::Histogram(Vec::new(), f64::NAN, Vec::new());
                let number = found.entry((family, labels)).or_insert_with(empty);
                let Number::Histogram(buckets, sum, examples) = number else { panic!("{line}") };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count"
                )]
                let count = value as u64;
                match (suffix, upper) {
                    ("_sum", _) => *sum = value,
                    ("_count", _) => assert_eq!(buckets.last().unwrap().1, count, "{line}"),
                    (_, upper) => buckets.push((upper.unwrap(), count)),
                }
                if let Some((ids, rest)) = example.split_once("} ") {
                    let trace = ids.split("trace_id=\"").nth(1).unwrap()[..32].to_owned();
                    let value = rest.split(' ').next().unwrap().parse().unwrap();
                    examples.push((trace, value));
                }
            }
        }
    }
    found
}

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(Signal, Bytes)>>>);

impl Sender for Collector {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        self.0.lock().unwrap().push((signal, request));
        Box::pin(async { Ok(Bytes::new()) })
    }
}

/// Reads what is pushed by OTLP.
async fn points(metrics: &Metrics, families: &[Family]) -> Found {
    let platform = Platform::system();
    let exporter = Exporter::new(ExportSettings::new(Resource::new("shop", platform.random())));
    let collector = Collector::default();
    let sender: Arc<dyn Sender> = Arc::new(collector.clone());
    exporter.start(&platform, metrics, &sender);
    let flushed = exporter.flush(Instant::now() + std::time::Duration::from_secs(2)).await;
    assert_eq!(flushed.left, 0);
    platform.tasks().end();
    let sent = collector.0.lock().unwrap().clone();
    let sent = sent.iter().filter(|(signal, _)| *signal == Signal::Metrics);
    let mut found = Found::new();
    for metric in sent.flat_map(|(_, request)| Read::items(request)) {
        let name = metric.text(1).unwrap();
        let Some((_, shown)) = families.iter().find(|(dotted, _)| *dotted == name) else {
            continue;
        };
        for (field, attributes) in [(5, 7), (7, 7), (9, 9)] {
            for point in metric.all(field).iter().flat_map(|data| data.all(1)) {
                let key = ((*shown).to_owned(), labels(&point, attributes));
                let double = |number| point.number(number).map(f64::from_bits).unwrap();
                let number = match field {
                    5 => Number::Gauge(double(4)),
                    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                    7 => Number::Counter(point.number(6).unwrap() as f64),
                    _ => histogram(&point),
                };
                assert!(found.insert(key, number).is_none(), "{name} has a series twice");
            }
        }
    }
    found
}

fn histogram(point: &Read) -> Number {
    let eights = |number| {
        let bytes = point.bytes(number).unwrap_or_default();
        bytes.chunks(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap())).collect()
    };
    let (counts, bounds): (Vec<u64>, Vec<u64>) = (eights(6), eights(7));
    let bounds = bounds.into_iter().map(f64::from_bits).chain([f64::INFINITY]);
    let mut so_far = 0;
    let buckets: Vec<_> = bounds
        .zip(&counts)
        .map(|(bound, count)| {
            so_far += count;
            (bound, so_far)
        })
        .collect();
    assert_eq!((buckets.len(), point.number(4)), (counts.len(), Some(so_far)));
    let examples = point.all(8).into_iter().map(|example| {
        let trace = example.bytes(5).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        (trace, f64::from_bits(example.number(3).unwrap()))
    });
    Number::Histogram(buckets, f64::from_bits(point.number(5).unwrap()), examples.collect())
}

/// As Prometheus writes them.
fn labels(point: &Read, field: u32) -> String {
    let pairs = point.all(field).into_iter().map(|pair| {
        let (name, value) = (pair.text(1).unwrap().to_owned(), pair.one(2));
        let value = value.text(1).unwrap_or_default();
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", name.replace('.', "_"))
    });
    pairs.collect::<Vec<_>>().join(",")
}

fn trace() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn counters_and_gauges() {
    let metrics = Metrics::new();
    let orders = metrics.counter::<Label>("shop.orders", "Orders.").unwrap();
    orders.with(&Label("book")).add(3);
    orders.with(&Label("an \"odd\"\n\\one")).increment();
    metrics.counter::<()>("shop.visits", "").unwrap().with(&()).add(1 << 40);
    let _bound = metrics.counter::<()>("shop.silence", "").unwrap().with(&());
    metrics.gauge::<()>("shop.depth", "").unwrap().with(&()).set(-7);
    metrics.observe("shop.load", "", &Label("now"), || 0.25).unwrap();
    metrics.observe("shop.lost", "", &(), || f64::NAN).unwrap();
    metrics.observe("shop.endless", "", &(), || f64::NEG_INFINITY).unwrap();
    conforms(
        &metrics,
        &[
            ("shop.orders", "shop_orders"),
            ("shop.visits", "shop_visits"),
            ("shop.silence", "shop_silence"),
            ("shop.depth", "shop_depth"),
            ("shop.load", "shop_load"),
            ("shop.lost", "shop_lost"),
            ("shop.endless", "shop_endless"),
        ],
        &[
            ("shop_orders", "shop_kind=\"book\"", Number::Counter(3.0)),
            ("shop_orders", "shop_kind=\"an \\\"odd\\\"\\n\\\\one\"", Number::Counter(1.0)),
            ("shop_visits", "", Number::Counter(1_099_511_627_776.0)),
            ("shop_silence", "", Number::Counter(0.0)),
            ("shop_depth", "", Number::Gauge(-7.0)),
            ("shop_load", "shop_kind=\"now\"", Number::Gauge(0.25)),
            ("shop_lost", "", Number::Gauge(f64::NAN)),
            ("shop_endless", "", Number::Gauge(f64::NEG_INFINITY)),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn histograms_with_examples() {
    let metrics = Metrics::new();
    let sizes = metrics.histogram::<Label>("shop.sizes", "Sizes.", "By", &[1.0, 10.5]).unwrap();
    let books = sizes.with(&Label("book"));
    for size in [0.5, 1.0, 2.0] {
        books.record(size);
    }
    books.record_with(100.25, &trace(), 1_500_000_000_000_000_000);
    let _bound = sizes.with(&Label("pen"));
    let durations = metrics.histogram::<()>("shop.durations", "", "s", &[]).unwrap().with(&());
    durations.record_duration(std::time::Duration::from_millis(1_500));
    let example = ("4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), 100.25);
    let books = vec![(1.0, 2), (10.5, 3), (f64::INFINITY, 4)];
    let pens = vec![(1.0, 0), (10.5, 0), (f64::INFINITY, 0)];
    conforms(
        &metrics,
        &[("shop.sizes", "shop_sizes_bytes"), ("shop.durations", "shop_durations_seconds")],
        &[
            (
                "shop_sizes_bytes",
                "shop_kind=\"book\"",
                Number::Histogram(books, 103.75, vec![example]),
            ),
            ("shop_sizes_bytes", "shop_kind=\"pen\"", Number::Histogram(pens, 0.0, vec![])),
            (
                "shop_durations_seconds",
                "",
                Number::Histogram(vec![(f64::INFINITY, 1)], 1.5, vec![]),
            ),
        ],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn series_that_have_no_room() {
    // More than those series of Kitfox's own that an exporter brings along.
    const KINDS: [&str; 22] = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
        "s", "t", "u", "v",
    ];
    let metrics = Metrics::with_series_limit(20);
    let orders = metrics.counter::<Label>("shop.orders", "").unwrap();
    for kind in KINDS.into_iter().chain(["v"]) {
        orders.with(&Label(kind)).increment();
    }
    let labels = KINDS.map(|kind| format!("shop_kind=\"{kind}\""));
    let mut expected: Vec<_> = labels[..20]
        .iter()
        .map(|labels| ("shop_orders", labels.as_str(), Number::Counter(1.0)))
        .collect();
    expected.push(("shop_orders", "otel_metric_overflow=\"true\"", Number::Counter(3.0)));
    expected.push(("kitfox_metrics_overflowed", "", Number::Counter(3.0)));
    let families = [
        ("shop.orders", "shop_orders"),
        ("kitfox.metrics.overflowed", "kitfox_metrics_overflowed"),
    ];
    conforms(&metrics, &families, &expected).await;
}
