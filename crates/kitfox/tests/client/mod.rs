//! Clients over a wire, against peers that behave as peers do.

#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it must be")]

mod answers;
mod bombs;
mod cancelling;
mod connecting;
mod contracts;
mod heads;
mod http1;
mod http2;
mod matrix;
mod peer;
mod pool;
mod pressure;
mod streams;
