//! The shop as it runs: processes, sockets and signals.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what fails in a test ends it")]

mod killed;
mod ready;
mod rig;
mod rolling;
mod trouble;
