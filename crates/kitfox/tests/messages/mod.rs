//! Messages: what the macro writes, against other implementations and at its edges.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]
#![expect(clippy::print_stderr, reason = "a test that is passed over says so")]

mod differential;
mod edges;
pub(crate) mod generate;
mod json_cases;
pub(crate) mod model;
mod oracle;
