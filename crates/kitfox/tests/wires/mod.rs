//! What the wires make of requests, over connections.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod bad_input;
pub(crate) mod exchange;
mod gone;
mod good_input;
mod limits;
pub(crate) mod service;
mod streams;
