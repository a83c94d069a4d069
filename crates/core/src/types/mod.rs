//! The types that protobuf brings along: `google.protobuf` and a few of `google.rpc`.
//!
//! `google.protobuf.Empty` is Rust's `()`.

mod any;
mod calendar;
mod duration;
mod empty;
mod fraction;
pub mod rpc;
mod structure;
mod timestamp;
mod wrapper;

pub use any::Any;
pub use duration::Duration;
pub use structure::{ListValue, NullValue, Struct, Value};
pub use timestamp::Timestamp;
pub use wrapper::{Wrapped, Wrapper};

use kitfox_macros::message;

/// A time or a duration that the other type has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time or duration is out of range")]
pub struct OutOfRange;
