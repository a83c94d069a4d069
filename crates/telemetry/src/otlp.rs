//! OTLP: what leaves, in the protobuf of OpenTelemetry, written by us.
//!
//! Spans, log lines and points of metrics are encoded once, straight into the batch that is sent.
//! An [`Exporter`] keeps the batches within bounds and sends them in the background, by a
//! [`Sender`]; what cannot be sent is dropped, counted by its reason ([`Loss`]), and never keeps a
//! call waiting.

mod attributes;
mod batch;
mod buffer;
mod exporter;
mod lane;
mod log;
mod message;
mod points;
mod resource;
mod retry;
mod scratch;
mod sender;
mod span;

pub use buffer::Loss;
pub use exporter::{Export, ExportSettings, Exporter, Flushed};
pub use resource::Resource;
pub use retry::Retry;
pub use sender::{Refused, Sender};

pub(crate) use attributes::attribute;
pub(crate) use buffer::Buffer;
pub(crate) use message::Message;
pub(crate) use scratch::with as with_scratch;
pub(crate) use span::{SPAN_ATTRIBUTES, write_span};

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Points of metrics.
    Metrics,
}

#[cfg(test)]
pub(crate) mod reading;
#[cfg(test)]
mod tests;
