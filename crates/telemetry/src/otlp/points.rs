//! Points of metrics in OTLP: what a series holds at one moment, since the start.

use super::attributes::attribute;
use super::batch::ITEMS;
use super::message::Message;
use crate::logs::AttributeValue;
use crate::metrics::{Distribution, Exemplar, FamilySnapshot, Kind, Series, Value};

/// Numbers of fields in `Metric`.
const NAME: u32 = 1;
const DESCRIPTION: u32 = 2;
const UNIT: u32 = 3;
const GAUGE: u32 = 5;
const SUM: u32 = 7;
const HISTOGRAM: u32 = 9;

/// In `Gauge`, `Sum` and `Histogram`.
const POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;
const MONOTONIC: u32 = 3;
const CUMULATIVE: u64 = 2;

/// In `NumberDataPoint`, `HistogramDataPoint` and `Exemplar`.
const START: u32 = 2;
const TIME: u32 = 3;
const NUMBER_DOUBLE: u32 = 4;
const NUMBER_INTEGER: u32 = 6;
const NUMBER_ATTRIBUTES: u32 = 7;
const COUNT: u32 = 4;
const TOTAL: u32 = 5;
const BUCKETS: u32 = 6;
const BOUNDARIES: u32 = 7;
const EXEMPLARS: u32 = 8;
const HISTOGRAM_ATTRIBUTES: u32 = 9;
const EXEMPLAR_TIME: u32 = 2;
const EXEMPLAR_DOUBLE: u32 = 3;
const EXEMPLAR_SPAN: u32 = 4;
const EXEMPLAR_TRACE: u32 = 5;

/// When points were taken, and since when they count, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) start: u64,
    pub(super) now: u64,
}

/// Writes a metric with some of its series, as an item of a batch.
pub(super) fn write_metric(
    out: &mut Vec<u8>,
    family: &FamilySnapshot,
    series: &[Series],
    period: Period,
) {
    let FamilySnapshot { kind, name, help, unit, .. } = family;
    Message(out).nested(ITEMS, |metric| {
        metric.bytes(NAME, name);
        metric.bytes(DESCRIPTION, help);
        metric.bytes(UNIT, unit);
        let field = match kind {
            Kind::Counter => SUM,
            Kind::Gauge => GAUGE,
            Kind::Histogram => HISTOGRAM,
        };
        metric.nested(field, |data| {
            for series in series {
                data.nested(POINTS, |point| write_point(point, series, period));
            }
            if *kind != Kind::Gauge {
                data.number(TEMPORALITY, CUMULATIVE);
            }
            if *kind == Kind::Counter {
                data.number(MONOTONIC, 1);
            }
        });
    });
}

fn write_point(point: &mut Message<'_>, series: &Series, period: Period) {
    let labels = |point: &mut Message<'_>, field| {
        for (name, value) in &series.labels {
            attribute(point, field, name, AttributeValue::Text(value));
        }
    };
    match &series.value {
        Value::Counter(value) => {
            point.fixed64(START, period.start);
            point.fixed64(TIME, period.now);
            point.fixed64(NUMBER_INTEGER, *value);
            labels(point, NUMBER_ATTRIBUTES);
        }
        Value::Gauge(value) => {
            point.fixed64(TIME, period.now);
            point.double(NUMBER_DOUBLE, *value);
            labels(point, NUMBER_ATTRIBUTES);
        }
        Value::Histogram(distribution) => {
            point.fixed64(START, period.start);
            point.fixed64(TIME, period.now);
            write_distribution(point, distribution);
            labels(point, HISTOGRAM_ATTRIBUTES);
        }
    }
}

fn write_distribution(point: &mut Message<'_>, distribution: &Distribution) {
    let Distribution { boundaries, counts, sum, exemplars } = distribution;
    point.fixed64(COUNT, distribution.count());
    point.double(TOTAL, *sum);
    point.packed64(BUCKETS, counts.iter().copied());
    point.packed64(BOUNDARIES, boundaries.iter().map(|boundary| boundary.to_bits()));
    for Exemplar { trace_id, span_id, value, unix_nanos } in exemplars.iter().flatten() {
        point.nested(EXEMPLARS, |exemplar| {
            exemplar.fixed64(EXEMPLAR_TIME, *unix_nanos);
            exemplar.double(EXEMPLAR_DOUBLE, *value);
            exemplar.bytes(EXEMPLAR_SPAN, span_id);
            exemplar.bytes(EXEMPLAR_TRACE, trace_id);
        });
    }
}
