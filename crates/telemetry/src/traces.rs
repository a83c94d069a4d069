//! Traces: the spans of calls, and those of user code within them.

mod sampler;
mod span;
mod user;

pub use sampler::Sampler;
pub use span::{Attributes, Span, SpanKind, Spans};
pub(crate) use user::{UserSpan, entered, innermost};
