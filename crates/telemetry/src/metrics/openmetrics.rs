//! OpenMetrics 1.0: as Prometheus' own format, with units, and with exemplars.
//!
//! Without `_created`, which says when a series began: Prometheus 2 makes a series of each.

use std::fmt::Write;

use super::instruments::{Distribution, Exemplar};
use super::naming;
use super::snapshot::{FamilySnapshot, Series, Snapshot, Value};
use super::text::{Number, Samples, boundary, escape};

pub(super) fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for family in snapshot.families.iter().filter(|family| !family.series.is_empty()) {
        let name = naming::family(family.kind, &family.name, family.unit);
        head(&mut out, family, &name);
        for series in &family.series {
            samples(&mut Samples::new(&mut out, &name, family.kind, series), series);
        }
    }
    out.push_str("# EOF\n");
    out
}

fn head(out: &mut String, family: &FamilySnapshot, name: &str) {
    for part in ["# TYPE ", name, " ", family.kind.name(), "\n"] {
        out.push_str(part);
    }
    if let Some(unit) = naming::unit(family.kind, family.unit) {
        for part in ["# UNIT ", name, " ", &unit, "\n"] {
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

fn samples(samples: &mut Samples<'_>, series: &Series) {
    match &series.value {
        Value::Counter(value) => samples.line("_total", None, Number::Whole(*value)),
        Value::Gauge(value) => samples.line("", None, Number::Float(*value)),
        Value::Histogram(distribution) => {
            let mut count = 0;
            for (bucket, more) in distribution.counts.iter().enumerate() {
                count += more;
                let mut boundary = boundary(&distribution.boundaries, bucket);
                if boundary.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
                    boundary.push_str(".0");
                }
                let out = samples.sample("_bucket", Some(&boundary), Number::Whole(count));
                if let Some(Some(exemplar)) = distribution.exemplars.get(bucket) {
                    example(out, exemplar);
                }
                out.push('\n');
            }
            if has_sum(distribution) {
                samples.line("_sum", None, Number::Float(distribution.sum));
                samples.line("_count", None, Number::Whole(count));
            }
        }
    }
}

/// A sum must only grow, so there is none where values may be negative, and then no count either.
fn has_sum(distribution: &Distribution) -> bool {
    distribution.sum >= 0.0 && distribution.boundaries.first().is_none_or(|first| *first >= 0.0)
}

fn example(out: &mut String, exemplar: &Exemplar) {
    let Exemplar { trace_id, span_id, value, unix_nanos } = exemplar;
    let (trace, span) = (u128::from_be_bytes(*trace_id), u64::from_be_bytes(*span_id));
    write!(out, " # {{trace_id=\"{trace:032x}\",span_id=\"{span:016x}\"}} ")
        .expect("a string takes whatever is written");
    Number::Float(*value).write(out);
    let (seconds, rest) = (unix_nanos / 1_000_000_000, unix_nanos % 1_000_000_000);
    write!(out, " {seconds}.{rest:09}").expect("a string takes whatever is written");
}
