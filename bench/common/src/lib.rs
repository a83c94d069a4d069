//! What the measured servers have in common, so that all of them do the same work: the messages of
//! `Uppercase`, the handlers of axum's and tonic's servers, and how a server is run.
//!
//! Those with nothing around their handlers are in the program `bench`, beside Kitfox; those with the
//! usual crates of others around them in `bench-peers`, a program and a workspace of its own: what
//! they turn on in common dependencies shall cost nobody else.
#![expect(clippy::print_stdout, reason = "a server says where it listens")]

pub mod axum;
mod failure;
pub mod messages;
pub mod serve;
pub mod tonic;

pub use failure::{Failure, While};
