//! Traces: the spans of calls, and those of user code within them.

mod sampler;

pub use sampler::Sampler;
