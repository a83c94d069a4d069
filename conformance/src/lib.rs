//! Kitfox before the public [Connect conformance suite](https://github.com/connectrpc/conformance).
//!
//! The suite's runner starts a program, tells it on standard input which server to be or which calls
//! to make, and compares what comes back with what the protocols say. Here are its [messages], its
//! service as a Kitfox [trait](ConformanceService), an [implementation](Obedient) of that, and the
//! two programs: [`serve`] is a server under test, [`call`] a client.

mod client;
mod failure;
mod headers;
mod obedient;
mod server;
mod service;
mod stdio;

pub mod messages;

pub use client::call;
pub use obedient::Obedient;
pub use server::serve;
pub use service::{ConformanceService, ConformanceServiceClient, ConformanceServiceServer};
pub use stdio::RunnerError;
