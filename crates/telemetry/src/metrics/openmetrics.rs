//! OpenMetrics 1.0: as Prometheus' own format, with units, and with exemplars.

use std::fmt::Write;

use super::instruments::Exemplar;
use super::snapshot::{FamilySnapshot, Kind, Series, Snapshot, Value};
use super::text::{boundary, escape, family, labels, number, unit};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for each in snapshot.families.iter().filter(|family| !family.series.is_empty()) {
        let name = family(each);
        head(&mut out, each, &name);
        for series in &each.series {
            lines(&mut out, &name, each.kind, series);
        }
    }
    out.push_str("# EOF\n");
    out
}

fn head(out: &mut String, family: &FamilySnapshot, name: &str) {
    for part in ["# TYPE ", name, " ", family.kind.name(), "\n"] {
        out.push_str(part);
    }
    if let Some(unit) = unit(family) {
        for part in ["# UNIT ", name, " ", unit, "\n"] {
            out.push_str(part);
        }
    }
    if !family.help.is_empty() {
        for part in ["# HELP ", name, " "] {
            out.push_str(part);
        }
        escape(out, &family.help, true);
        out.push('\n');
    }
}

fn lines(out: &mut String, name: &str, kind: Kind, series: &Series) {
    let mut line = |suffix: &str, more: Option<(&str, &str)>, value: f64, of: Option<&Exemplar>| {
        out.push_str(name);
        out.push_str(suffix);
        labels(out, &series.labels, more);
        out.push(' ');
        number(out, value);
        if let Some(exemplar) = of {
            example(out, exemplar);
        }
        out.push('\n');
    };
    #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
    match &series.value {
        Value::Counter(value) => line("_total", None, *value as f64, None),
        Value::Gauge(value) => line("", None, *value, None),
        Value::Histogram(distribution) => {
            debug_assert_eq!(kind, Kind::Histogram);
            let mut sum = 0;
            for (bucket, count) in distribution.counts.iter().enumerate() {
                sum += count;
                let boundary = boundary(&distribution.boundaries, bucket);
                let of = distribution.exemplars.get(bucket).and_then(Option::as_ref);
                line("_bucket", Some(("le", &boundary)), sum as f64, of);
            }
            line("_sum", None, distribution.sum, None);
            line("_count", None, sum as f64, None);
        }
    }
}

fn example(out: &mut String, exemplar: &Exemplar) {
    let Exemplar { trace_id, span_id, value, unix_nanos } = exemplar;
    let (trace, span) = (u128::from_be_bytes(*trace_id), u64::from_be_bytes(*span_id));
    write!(out, " # {{trace_id=\"{trace:032x}\",span_id=\"{span:016x}\"}} ")
        .expect("a string takes whatever is written");
    number(out, *value);
    let (seconds, rest) = (unix_nanos / 1_000_000_000, unix_nanos % 1_000_000_000 / 1_000_000);
    write!(out, " {seconds}.{rest:03}").expect("a string takes whatever is written");
}
