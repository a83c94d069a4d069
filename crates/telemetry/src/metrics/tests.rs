use super::*;

#[test]
fn a_series_is_bound_once_and_shared() {
    let metrics = Metrics::new();
    let orders = metrics.counter::<()>("shop.orders", "Orders.").unwrap();
    orders.with(&()).increment();
    metrics.counter::<()>("shop.orders", "Orders.").unwrap().with(&()).add(2);
    assert_eq!(orders.with(&()).value(), 3);
}

#[test]
fn a_name_has_one_meaning() {
    let metrics = Metrics::new();
    metrics.counter::<()>("shop.orders", "").unwrap();
    let taken = metrics.gauge::<()>("shop.orders", "").unwrap_err().to_string();
    assert!(taken.contains("a counter without labels, and this is a gauge"), "{taken}");
    let taken = metrics.counter::<Number>("shop.orders", "").unwrap_err().to_string();
    assert!(taken.contains("this is a counter by number"), "{taken}");
    metrics.histogram::<()>("sizes", "", "By", &[1.0]).unwrap();
    let taken = metrics.histogram::<()>("sizes", "", "By", &[2.0]).unwrap_err().to_string();
    assert!(taken.contains("histogram in By up to [1.0] without"), "{taken}");
    for bad in ["", "1a", "a b", "ä", "a-b"] {
        assert_eq!(metrics.counter::<()>(bad, "").unwrap_err(), MetricError::BadName(bad.into()));
    }
}

#[test]
fn no_two_metrics_read_the_same() {
    let metrics = Metrics::new();
    metrics.histogram::<()>("shop.sizes", "", "By", &[]).unwrap();
    metrics.counter::<()>("shop.orders", "").unwrap();
    for (other, shown) in [
        ("shop_sizes_bytes", "shop_sizes_bytes"),
        ("shop.sizes.bytes.count", "shop_sizes_bytes_count"),
        ("shop.orders_total", "shop_orders_total"),
    ] {
        let error = metrics.gauge::<()>(other, "").unwrap_err();
        assert!(matches!(&error, MetricError::ReadsTheSame { shown: is, .. } if is == shown));
    }
    let own = metrics.gauge::<()>("rpc.server.call.duration", "").unwrap_err();
    assert!(matches!(own, MetricError::Taken { .. }), "{own}");
}

#[test]
fn a_value_is_counted_in_the_first_bucket_that_takes_it() {
    let ends = [f64::MIN, -1.5, 0.0, 1e-300, 5e-10, 0.005, 0.01, 0.011, 1.0, 1.5, 1.75, 2.0, 3e9];
    let histogram = Histogram::new(ends.into());
    let near = ends.iter().flat_map(|end| [end.next_down(), *end, end.next_up()]);
    let values = near.chain((-40..40).map(|power| 1.3 * 2_f64.powi(power))).chain([f64::MAX]);
    let mut counts = vec![0; ends.len() + 1];
    for value in values {
        counts[ends.iter().filter(|end| **end < value).count()] += 1;
        histogram.record(value);
    }
    histogram.record(f64::NEG_INFINITY);
    histogram.record(f64::INFINITY);
    counts[0] += 1;
    counts[ends.len()] += 1;
    assert_eq!(histogram.distribution().counts, counts);
}

struct Strange;

impl Labels for Strange {
    const NAMES: &'static [&'static str] = &["a.b", "a_b"];

    fn values(&self, _: &mut dyn FnMut(&dyn fmt::Display)) {}
}

#[test]
fn labels_written_by_hand_are_judged_too() {
    let error = Metrics::new().counter::<Strange>("x", "").unwrap_err();
    assert!(matches!(&error, MetricError::BadLabel { label, .. } if label == "a_b"), "{error}");
}

#[test]
fn what_is_watched_takes_no_more_series_than_there_may_be() {
    let metrics = Metrics::with_series_limit(2);
    for number in 0..4 {
        metrics.observe("depth", "", &Number(number), || 1.0).unwrap();
    }
    metrics.observe("depth", "", &Number(0), || 2.0).unwrap();
    let text = metrics.prometheus();
    assert!(text.contains("depth{number=\"0\"} 2\ndepth{number=\"1\"} 1\n"), "{text}");
    assert!(!text.contains("number=\"2\""), "{text}");
    assert!(text.contains("kitfox_metrics_overflowed_total 2\n"), "{text}");
}

#[test]
fn what_layers_count_alike_is_added_up() {
    use kitfox_core::meter::Tally;
    let metrics = Metrics::new();
    let [first, second] = [Tally::default(), Tally::default()];
    for tally in [&first, &second] {
        metrics.measure(&Measure {
            name: "kitfox.retry.attempts",
            help: "Attempts.",
            labels: vec![("rpc.method", "a.A/B".to_owned())],
            reading: Reading::Tally(tally.clone()),
        });
    }
    first.add(2);
    second.add(3);
    let text = metrics.prometheus();
    assert!(text.contains("kitfox_retry_attempts_total{rpc_method=\"a.A/B\"} 5\n"), "{text}");
}

struct Number(usize);

impl Labels for Number {
    const NAMES: &'static [&'static str] = &["number"];

    fn values(&self, value: &mut dyn FnMut(&dyn fmt::Display)) {
        value(&self.0);
    }
}

#[test]
fn a_family_is_bounded_and_what_does_not_fit_shares_a_series_and_is_counted() {
    let metrics = Metrics::with_series_limit(3);
    let many = metrics.counter::<Number>("many", "").unwrap();
    (0..10).for_each(|number| many.with(&Number(number)).increment());
    let snapshot = metrics.snapshot();
    let family = snapshot.families.iter().find(|family| family.name == "many").unwrap();
    assert_eq!(family.series.len(), 4);
    let overflow = |series: &&Series| series.labels[0].0 == "otel.metric.overflow";
    assert_eq!(family.series.iter().find(overflow).unwrap().value, Value::Counter(7));
    assert!(metrics.prometheus().contains("kitfox_metrics_overflowed_total 7\n"));
}

#[test]
fn a_value_falls_into_the_bucket_whose_boundary_it_does_not_exceed() {
    let metrics = Metrics::new();
    let sizes = metrics.histogram::<()>("sizes", "", "By", &[10.0, 1.0, f64::NAN, 10.0]).unwrap();
    let sizes = sizes.with(&());
    for value in [0.5, 1.0, 1.5, 10.0, 11.0, f64::NAN, f64::INFINITY] {
        sizes.record(value);
    }
    assert_eq!(&*sizes.distribution().boundaries, [1.0, 10.0]);
    assert!((sizes.distribution().sum - 24.0).abs() < 1e-9);
    assert_eq!(sizes.distribution().counts, [2, 2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_threads() {
    let metrics = Metrics::new();
    let counter = metrics.counter::<()>("count", "").unwrap().with(&());
    let durations = metrics.histogram::<()>("durations", "", "s", &[1.0]).unwrap().with(&());
    let tasks = kitfox_core::platform::Tasks::default();
    let each: Vec<_> = (0..8)
        .map(|_| {
            let (counter, durations) = (counter.clone(), durations.clone());
            tasks.spawn(async move {
                for _ in 0..10_000 {
                    counter.increment();
                    durations.record(0.5);
                }
            })
        })
        .collect();
    for task in each {
        task.await.unwrap();
    }
    assert_eq!(counter.value(), 80_000);
    let distribution = durations.distribution();
    assert_eq!((distribution.counts, distribution.sum), (vec![80_000, 0], 40_000.0));
}

#[test]
fn both_formats_say_what_is_there() {
    let metrics = Metrics::new();
    let calls = metrics.histogram::<Number>("rpc.calls", "How \"long\"\nthey took.", "s", &[0.5]);
    let calls = calls.unwrap().with(&Number(7));
    calls.record(0.25);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    calls.record_with(2.0, &trace, 1_500_000_000_123_000_000);
    metrics.observe("depth", "", &(), || f64::NAN).unwrap();
    assert_eq!(
        metrics.prometheus(),
        "# TYPE depth gauge\n\
         depth NaN\n\
         # HELP kitfox_metrics_overflowed_total Series that had no room in their family and share one.\n\
         # TYPE kitfox_metrics_overflowed_total counter\n\
         kitfox_metrics_overflowed_total 0\n\
         # HELP rpc_calls_seconds How \"long\"\\nthey took.\n\
         # TYPE rpc_calls_seconds histogram\n\
         rpc_calls_seconds_bucket{number=\"7\",le=\"0.5\"} 1\n\
         rpc_calls_seconds_bucket{number=\"7\",le=\"+Inf\"} 2\n\
         rpc_calls_seconds_sum{number=\"7\"} 2.25\n\
         rpc_calls_seconds_count{number=\"7\"} 2\n"
    );
    assert_eq!(
        metrics.openmetrics(),
        "# TYPE depth gauge\n\
         depth NaN\n\
         # TYPE kitfox_metrics_overflowed counter\n\
         # HELP kitfox_metrics_overflowed Series that had no room in their family and share one.\n\
         kitfox_metrics_overflowed_total 0\n\
         # TYPE rpc_calls_seconds histogram\n\
         # UNIT rpc_calls_seconds seconds\n\
         # HELP rpc_calls_seconds How \\\"long\\\"\\nthey took.\n\
         rpc_calls_seconds_bucket{number=\"7\",le=\"0.5\"} 1\n\
         rpc_calls_seconds_bucket{number=\"7\",le=\"+Inf\"} 2 # \
         {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\",span_id=\"00f067aa0ba902b7\"} 2 1500000000.123000000\n\
         rpc_calls_seconds_sum{number=\"7\"} 2.25\n\
         rpc_calls_seconds_count{number=\"7\"} 2\n\
         # EOF\n"
    );
}
