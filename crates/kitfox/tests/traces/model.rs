//! OTLP's messages, as far as tests look at them.

/// `ExportTraceServiceRequest`
#[kitfox::message(package = "otlp")]
pub(super) struct Traces {
    pub(super) resources: Vec<ResourceSpans>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ResourceSpans {
    pub(super) resource: Resource,
    pub(super) scopes: Vec<ScopeSpans>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ScopeSpans {
    #[field(2)]
    pub(super) spans: Vec<Span>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct Span {
    pub(super) trace_id: Vec<u8>,
    pub(super) span_id: Vec<u8>,
    pub(super) trace_state: String,
    pub(super) parent_span_id: Vec<u8>,
    pub(super) name: String,
    pub(super) kind: u32,
    #[field(7, fixed)]
    pub(super) start: u64,
    #[field(8, fixed)]
    pub(super) end: u64,
    #[field(9)]
    pub(super) attributes: Vec<KeyValue>,
    #[field(15)]
    pub(super) status: Option<SpanStatus>,
    #[field(16, fixed)]
    pub(super) flags: u32,
}

#[kitfox::message(package = "otlp")]
pub(super) struct SpanStatus {
    #[field(2)]
    pub(super) message: String,
    #[field(3)]
    pub(super) code: u32,
}

/// `ExportLogsServiceRequest`
#[kitfox::message(package = "otlp")]
pub(super) struct Logs {
    pub(super) resources: Vec<ResourceLogs>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ResourceLogs {
    pub(super) resource: Resource,
    pub(super) scopes: Vec<ScopeLogs>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ScopeLogs {
    #[field(2)]
    pub(super) records: Vec<LogRecord>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct LogRecord {
    #[field(1, fixed)]
    pub(super) time: u64,
    #[field(2)]
    pub(super) severity: u32,
    #[field(5)]
    pub(super) body: AnyValue,
    #[field(6)]
    pub(super) attributes: Vec<KeyValue>,
    #[field(9)]
    pub(super) trace_id: Vec<u8>,
    #[field(10)]
    pub(super) span_id: Vec<u8>,
}

/// `ExportMetricsServiceRequest`
#[kitfox::message(package = "otlp")]
pub(super) struct Metrics {
    pub(super) resources: Vec<ResourceMetrics>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ResourceMetrics {
    pub(super) resource: Resource,
    pub(super) scopes: Vec<ScopeMetrics>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct ScopeMetrics {
    #[field(2)]
    pub(super) metrics: Vec<Metric>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct Metric {
    pub(super) name: String,
}

#[kitfox::message(package = "otlp")]
pub(super) struct Resource {
    pub(super) attributes: Vec<KeyValue>,
}

#[kitfox::message(package = "otlp")]
pub(super) struct KeyValue {
    pub(super) key: String,
    pub(super) value: AnyValue,
}

#[kitfox::message(package = "otlp")]
pub(super) struct AnyValue {
    pub(super) text: Option<String>,
    pub(super) boolean: Option<bool>,
    pub(super) integer: Option<i64>,
    pub(super) number: Option<f64>,
}

/// The value of `key`, as text.
pub(super) fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let AnyValue { text, boolean, integer, number } =
        &attributes.iter().find(|pair| pair.key == key)?.value;
    let integer = integer.map(|integer| integer.to_string());
    let number = number.map(|number| number.to_string());
    let boolean = boolean.map(|boolean| boolean.to_string());
    text.clone().or(integer).or(number).or(boolean)
}

/// In the form in which a trace is written.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
