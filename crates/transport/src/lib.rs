//! The wires: one port that speaks REST, Connect and gRPC over HTTP/1.1 and HTTP/2, and the
//! clients of them.

mod b3;
mod binary;
pub mod client;
mod frames;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handler;
mod limits;
mod names;
pub mod serve;
#[cfg(feature = "tls")]
pub mod tls;
pub mod wires;

pub use frames::Compression;
pub use handler::Handler;
pub use limits::Limits;
