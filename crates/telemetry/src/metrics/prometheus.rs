//! Prometheus' text format, version 0.0.4.

use super::naming;
use super::snapshot::{FamilySnapshot, Kind, Series, Snapshot, Value};
use super::text::{Number, Samples, boundary, escape};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for family in snapshot.families.iter().filter(|family| !family.series.is_empty()) {
        let mut name = naming::family(family.kind, &family.name, family.unit);
        if family.kind == Kind::Counter {
            name.push_str("_total");
        }
        head(&mut out, family, &name);
        for series in &family.series {
            samples(&mut Samples::new(&mut out, &name, family.kind, series), series);
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

fn samples(samples: &mut Samples<'_>, series: &Series) {
    match &series.value {
        Value::Counter(value) => samples.line("", None, Number::Whole(*value)),
        Value::Gauge(value) => samples.line("", None, Number::Float(*value)),
        Value::Histogram(distribution) => {
            let mut count = 0;
            for (bucket, more) in distribution.counts.iter().enumerate() {
                count += more;
                let boundary = boundary(&distribution.boundaries, bucket);
                samples.line("_bucket", Some(&boundary), Number::Whole(count));
            }
            samples.line("_sum", None, Number::Float(distribution.sum));
            samples.line("_count", None, Number::Whole(count));
        }
    }
}
