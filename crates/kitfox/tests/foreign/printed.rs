//! What the collector's debug exporter prints of spans, log records and metrics.

use std::fmt::Write;

use kitfox::message::{Codec, Message};
use kitfox::types::Timestamp;

use crate::traces::model::{
    AnyValue, Exemplar, HistogramPoint, KeyValue, LogRecord, Metric, NumberPoint, Span, hex,
};

pub(super) fn span(span: &Span) -> String {
    let Span { name, kind, status, .. } = span;
    let kind = ["Unspecified", "Internal", "Server", "Client"][usize::try_from(*kind).unwrap()];
    let (code, message) = match status {
        Some(status) => ("Error", status.message.as_str()),
        None => ("Unset", ""),
    };
    format!(
        "    Trace ID       : {}\n    Parent ID      : {}\n    ID             : {}\n    \
         Name           : {name}\n    Kind           : {kind}\n    Start time     : {}\n    \
         End time       : {}\n    Status code    : {code}\n    Status message : {message}\n    \
         DroppedAttributesCount: 0\n    DroppedEventsCount: 0\n    DroppedLinksCount: 0\n{}",
        hex(&span.trace_id),
        hex(&span.parent_span_id),
        hex(&span.span_id),
        time(span.start),
        time(span.end),
        attributes("Attributes:", &span.attributes)
    )
}

pub(super) fn record(record: &LogRecord) -> String {
    let LogRecord { severity, severity_text, flags, .. } = record;
    let name = match severity {
        9 => "Info",
        13 => "Warn",
        17 => "Error",
        other => panic!("{other}"),
    };
    format!(
        "ObservedTimestamp: {}\nTimestamp: {}\nSeverityText: {severity_text}\n\
         SeverityNumber: {name}({severity})\nBody: {}\n{}Trace ID: {}\nSpan ID: {}\nFlags: {flags}\n",
        time(record.observed),
        time(record.time),
        value(&record.body),
        attributes("Attributes:", &record.attributes),
        hex(&record.trace_id),
        hex(&record.span_id)
    )
}

pub(super) fn metric(metric: &Metric) -> String {
    let Metric { name, description, unit, gauge, sum, histogram } = metric;
    let mut text = format!(
        "Descriptor:\n     -> Name: {name}\n     -> Description: {description}\n     -> Unit: {unit}\n"
    );
    let cumulative = |temporality| assert_eq!(temporality, 2, "{name}");
    let mut head = |kind: &str| {
        let temporality =
            if kind == "Gauge" { "" } else { "     -> AggregationTemporality: Cumulative\n" };
        let monotonic = if kind == "Sum" { "     -> IsMonotonic: true\n" } else { "" };
        write!(text, "     -> DataType: {kind}\n{monotonic}{temporality}").unwrap();
    };
    if let Some(gauge) = gauge {
        head("Gauge");
        numbers(&gauge.points, &mut text);
    } else if let Some(sum) = sum {
        assert!(sum.monotonic, "{name}");
        cumulative(sum.temporality);
        head("Sum");
        numbers(&sum.points, &mut text);
    } else {
        let histogram = histogram.as_ref().unwrap();
        cumulative(histogram.temporality);
        head("Histogram");
        for (nth, point) in histogram.points.iter().enumerate() {
            writeln!(text, "HistogramDataPoints #{nth}").unwrap();
            distribution(point, &mut text);
        }
    }
    text
}

fn numbers(points: &[NumberPoint], text: &mut String) {
    for (nth, point) in points.iter().enumerate() {
        let value = match (point.integer, point.number) {
            (Some(integer), _) => integer.to_string(),
            (None, number) => format!("{:.6}", number.unwrap()),
        };
        write!(
            text,
            "NumberDataPoints #{nth}\n{}StartTimestamp: {}\nTimestamp: {}\nValue: {value}\n",
            attributes("Data point attributes:", &point.attributes),
            time(point.start),
            time(point.time)
        )
        .unwrap();
    }
}

fn distribution(point: &HistogramPoint, text: &mut String) {
    let HistogramPoint { count, sum, counts, bounds, exemplars, .. } = point;
    write!(
        text,
        "{}StartTimestamp: {}\nTimestamp: {}\nCount: {count}\nSum: {:.6}\n",
        attributes("Data point attributes:", &point.attributes),
        time(point.start),
        time(point.time),
        sum.unwrap()
    )
    .unwrap();
    for (nth, bound) in bounds.iter().enumerate() {
        writeln!(text, "ExplicitBounds #{nth}: {bound:.6}").unwrap();
    }
    for (nth, count) in counts.iter().enumerate() {
        writeln!(text, "Buckets #{nth}, Count: {count}").unwrap();
    }
    if !exemplars.is_empty() {
        text.push_str("Exemplars:\n");
    }
    for (nth, exemplar) in exemplars.iter().enumerate() {
        let Exemplar { trace_id, span_id, number, .. } = exemplar;
        write!(
            text,
            "Exemplar #{nth}\n     -> Trace ID: {}\n     -> Span ID: {}\n     -> Timestamp: {}\n     \
             -> Value: {:.6}\n",
            hex(trace_id),
            hex(span_id),
            time(exemplar.time),
            number.unwrap()
        )
        .unwrap();
    }
}

/// Under a headline, if there are any.
pub(super) fn attributes(headline: &str, attributes: &[KeyValue]) -> String {
    let lines = attributes.iter().map(|it| format!("     -> {}: {}\n", it.key, value(&it.value)));
    let lines: String = lines.collect();
    if lines.is_empty() { lines } else { format!("{headline}\n{lines}") }
}

fn value(value: &AnyValue) -> String {
    match value {
        AnyValue { text: Some(text), .. } => format!("Str({text})"),
        AnyValue { boolean: Some(boolean), .. } => format!("Bool({boolean})"),
        AnyValue { integer: Some(integer), .. } => format!("Int({integer})"),
        AnyValue { number: Some(number), .. } => format!("Double({number})"),
        AnyValue { .. } => "Empty()".to_owned(),
    }
}

/// As Go prints it.
fn time(unix_nanos: u64) -> String {
    let seconds = i64::try_from(unix_nanos / 1_000_000_000).unwrap();
    let nanos = i32::try_from(unix_nanos % 1_000_000_000).unwrap();
    let json = Timestamp { seconds, nanos }.encode(Codec::Json).unwrap();
    let text = std::str::from_utf8(&json).unwrap().trim_matches('"');
    let text = text.trim_end_matches('Z').replace('T', " ");
    let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
    format!("{text} +0000 UTC")
}
