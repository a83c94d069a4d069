//! Clients over a wire, against peers that behave as peers do.

mod answers;
mod cancelling;
mod connecting;
mod contracts;
mod http1;
mod http2;
mod matrix;
mod peer;
