//! Every metric at one moment, as plain data: what all exporters read.

use tokio::time::Instant;

use super::Distribution;

/// Every metric at one moment. [`WallClock::unix_nanos`](kitfox_core::platform::WallClock::unix_nanos)
/// says what time of day its instants are.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Since when everything is counted.
    pub since: Instant,
    /// The moment.
    pub at: Instant,
    /// By name.
    pub families: Vec<FamilySnapshot>,
}

/// The series of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct FamilySnapshot {
    /// What it is.
    pub kind: Kind,
    /// Its name as OpenTelemetry has it: `rpc.server.call.duration`.
    pub name: String,
    /// What it means.
    pub help: String,
    /// Its unit, as UCUM has it: `s`, `By`, or nothing.
    pub unit: &'static str,
    /// The series, in the order of their labels.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// What it holds.
    pub value: Value,
}

/// What a series holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What was counted since the start.
    Counter(u64),
    /// What is there now.
    Gauge(f64),
    /// How values are distributed since the start.
    Histogram(Distribution),
}

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It grows and shrinks.
    Gauge,
    /// Values in buckets.
    Histogram,
}

impl Kind {
    /// As Prometheus names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}
