//! Prometheus' text format, version 0.0.4.

use super::snapshot::{FamilySnapshot, Kind, Series, Snapshot, Value};
use super::text::{boundary, escape, family, labels, number};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for each in snapshot.families.iter().filter(|family| !family.series.is_empty()) {
        let mut name = family(each);
        if each.kind == Kind::Counter {
            name.push_str("_total");
        }
        head(&mut out, each, &name);
        for series in &each.series {
            lines(&mut out, &name, series);
        }
    }
    out
}

fn head(out: &mut String, family: &FamilySnapshot, name: &str) {
    if !family.help.is_empty() {
        out.push_str("# HELP ");
        out.push_str(name);
        out.push(' ');
        escape(out, &family.help, false);
        out.push('\n');
    }
    for part in ["# TYPE ", name, " ", family.kind.name(), "\n"] {
        out.push_str(part);
    }
}

fn lines(out: &mut String, name: &str, series: &Series) {
    let mut line = |suffix: &str, more: Option<(&str, &str)>, value: f64| {
        out.push_str(name);
        out.push_str(suffix);
        labels(out, &series.labels, more);
        out.push(' ');
        number(out, value);
        out.push('\n');
    };
    #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
    match &series.value {
        Value::Counter(value) => line("", None, *value as f64),
        Value::Gauge(value) => line("", None, *value),
        Value::Histogram(distribution) => {
            let mut sum = 0;
            for (bucket, count) in distribution.counts.iter().enumerate() {
                sum += count;
                let boundary = boundary(&distribution.boundaries, bucket);
                line("_bucket", Some(("le", &boundary)), sum as f64);
            }
            line("_sum", None, distribution.sum);
            line("_count", None, sum as f64);
        }
    }
}
