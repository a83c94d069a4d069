//! Messages in frames, as gRPC, gRPC-Web and Connect's streams have them: a byte of flags, the
//! length in four bytes, the message. One home for both ends of a call.
//!
//! [`Frames`] takes frames out of a body as they come, [`Packer`] puts messages into pieces of one.
//! What ends a stream (trailers, or a frame of its own) is each protocol's business.

mod compression;
mod deframer;
mod incoming;
mod packer;

pub use compression::Compression;
pub(crate) use compression::{Compressing, Unpacked};
pub(crate) use deframer::{Deframer, Frame, FrameFault};
pub(crate) use incoming::{Broken, Frames};
pub(crate) use packer::Packer;

/// Bytes before a message.
pub(crate) const PREFIX: usize = 5;

/// The message is compressed.
pub(crate) const COMPRESSED: u8 = 1;
/// The last frame of Connect's streams: how the call went, in JSON.
pub(crate) const CONNECT_END: u8 = 2;
/// The last frame of gRPC-Web: the trailers.
pub(crate) const WEB_TRAILERS: u8 = 0x80;
