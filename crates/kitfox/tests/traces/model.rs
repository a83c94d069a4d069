//! OTLP's messages, as far as tests look at them.

/// `ExportTraceServiceRequest`
#[kitfox::message(package = "otlp")]
pub(crate) struct Traces {
    pub(crate) resources: Vec<ResourceSpans>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ResourceSpans {
    pub(crate) resource: Resource,
    pub(crate) scopes: Vec<ScopeSpans>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ScopeSpans {
    #[field(2)]
    pub(crate) spans: Vec<Span>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct Span {
    pub(crate) trace_id: Vec<u8>,
    pub(crate) span_id: Vec<u8>,
    pub(crate) trace_state: String,
    pub(crate) parent_span_id: Vec<u8>,
    pub(crate) name: String,
    pub(crate) kind: u32,
    #[field(7, fixed)]
    pub(crate) start: u64,
    #[field(8, fixed)]
    pub(crate) end: u64,
    #[field(9)]
    pub(crate) attributes: Vec<KeyValue>,
    #[field(15)]
    pub(crate) status: Option<SpanStatus>,
    #[field(16, fixed)]
    pub(crate) flags: u32,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct SpanStatus {
    #[field(2)]
    pub(crate) message: String,
    #[field(3)]
    pub(crate) code: u32,
}

/// `ExportLogsServiceRequest`
#[kitfox::message(package = "otlp")]
pub(crate) struct Logs {
    pub(crate) resources: Vec<ResourceLogs>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ResourceLogs {
    pub(crate) resource: Resource,
    pub(crate) scopes: Vec<ScopeLogs>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ScopeLogs {
    #[field(2)]
    pub(crate) records: Vec<LogRecord>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct LogRecord {
    #[field(1, fixed)]
    pub(crate) time: u64,
    #[field(2)]
    pub(crate) severity: u32,
    #[field(3)]
    pub(crate) severity_text: String,
    #[field(5)]
    pub(crate) body: AnyValue,
    #[field(6)]
    pub(crate) attributes: Vec<KeyValue>,
    #[field(8, fixed)]
    pub(crate) flags: u32,
    #[field(9)]
    pub(crate) trace_id: Vec<u8>,
    #[field(10)]
    pub(crate) span_id: Vec<u8>,
    #[field(11, fixed)]
    pub(crate) observed: u64,
}

/// `ExportMetricsServiceRequest`
#[kitfox::message(package = "otlp")]
pub(crate) struct Metrics {
    pub(crate) resources: Vec<ResourceMetrics>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ResourceMetrics {
    pub(crate) resource: Resource,
    pub(crate) scopes: Vec<ScopeMetrics>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct ScopeMetrics {
    #[field(2)]
    pub(crate) metrics: Vec<Metric>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) unit: String,
    #[field(5)]
    pub(crate) gauge: Option<Numbers>,
    #[field(7)]
    pub(crate) sum: Option<Numbers>,
    #[field(9)]
    pub(crate) histogram: Option<Histogram>,
}

/// `Gauge` and `Sum`
#[kitfox::message(package = "otlp")]
pub(crate) struct Numbers {
    pub(crate) points: Vec<NumberPoint>,
    pub(crate) temporality: u32,
    pub(crate) monotonic: bool,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct NumberPoint {
    #[field(2, fixed)]
    pub(crate) start: u64,
    #[field(3, fixed)]
    pub(crate) time: u64,
    #[field(4)]
    pub(crate) number: Option<f64>,
    #[field(6, fixed)]
    pub(crate) integer: Option<i64>,
    #[field(7)]
    pub(crate) attributes: Vec<KeyValue>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct Histogram {
    pub(crate) points: Vec<HistogramPoint>,
    pub(crate) temporality: u32,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct HistogramPoint {
    #[field(2, fixed)]
    pub(crate) start: u64,
    #[field(3, fixed)]
    pub(crate) time: u64,
    #[field(4, fixed)]
    pub(crate) count: u64,
    #[field(5)]
    pub(crate) sum: Option<f64>,
    #[field(6, fixed)]
    pub(crate) counts: Vec<u64>,
    #[field(7)]
    pub(crate) bounds: Vec<f64>,
    #[field(8)]
    pub(crate) exemplars: Vec<Exemplar>,
    #[field(9)]
    pub(crate) attributes: Vec<KeyValue>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct Exemplar {
    #[field(2, fixed)]
    pub(crate) time: u64,
    #[field(3)]
    pub(crate) number: Option<f64>,
    #[field(4)]
    pub(crate) span_id: Vec<u8>,
    #[field(5)]
    pub(crate) trace_id: Vec<u8>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct Resource {
    pub(crate) attributes: Vec<KeyValue>,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    pub(crate) value: AnyValue,
}

#[kitfox::message(package = "otlp")]
pub(crate) struct AnyValue {
    pub(crate) text: Option<String>,
    pub(crate) boolean: Option<bool>,
    pub(crate) integer: Option<i64>,
    pub(crate) number: Option<f64>,
}

/// The value of `key`, as text.
pub(crate) fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let AnyValue { text, boolean, integer, number } =
        &attributes.iter().find(|pair| pair.key == key)?.value;
    let integer = integer.map(|integer| integer.to_string());
    let number = number.map(|number| number.to_string());
    let boolean = boolean.map(|boolean| boolean.to_string());
    text.clone().or(integer).or(number).or(boolean)
}

/// In the form in which a trace is written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
