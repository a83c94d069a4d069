//! What Kitfox does as a whole.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what a test's helpers meet unexpectedly fails the test; what is skipped says so"
)]

mod client;
mod contract;
mod errors;
mod fail;
mod foreign;
mod host;
mod hostile;
mod messages;
mod record;
mod resilience;
mod service;
mod stacks;
mod suite;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod traces;
mod wires;
