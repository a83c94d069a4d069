//! What is known of every call: logs, metrics and traces, at a known price.

pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod traces;
