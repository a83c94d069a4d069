//! The decoders that are nobody's business outside, for the targets of `fuzz`. Nothing here is
//! promised to anybody else.

use bytes::Bytes;

use crate::frames::{Compression, Deframer, Frame, Packer, Unpacked};

/// The frames of a body that comes in `pieces`, and what ended them too early.
pub fn unpack(pieces: &[Bytes], limit: usize) -> (Vec<(u8, Bytes)>, Option<String>) {
    let mut deframer = Deframer::new(limit);
    let mut frames = Vec::new();
    for piece in pieces {
        deframer.push(piece.clone());
        loop {
            match deframer.next() {
                Ok(Some(Frame { flags, data })) => frames.push((flags, data)),
                Ok(None) => break,
                Err(fault) => return (frames, Some(format!("{fault:?}"))),
            }
        }
    }
    (frames, None)
}

/// The pieces of a body that `frames` make.
pub fn pack(frames: &[(u8, Bytes)]) -> Vec<Bytes> {
    let mut packer = Packer::new(None);
    let mut pieces = Vec::new();
    for (flags, data) in frames {
        packer.frame(*flags, data.clone()).expect("what came in a frame fits into one");
        if packer.is_full() {
            pieces.extend(std::iter::from_fn(|| packer.take()));
        }
    }
    pieces.extend(std::iter::from_fn(|| packer.take()));
    pieces
}

/// A message, compressed.
pub fn compress(compression: Compression, message: &[u8]) -> Bytes {
    compression.compress(message)
}

/// What was compressed, or why it was not.
///
/// # Errors
/// It is more than `limit`, or nothing that was ever compressed.
pub fn decompress(compression: Compression, message: &[u8], limit: usize) -> Result<Bytes, String> {
    compression.decompress(message, limit).map_err(|why| match why {
        Unpacked::TooLarge => "too large".to_owned(),
        Unpacked::Corrupt(why) => why,
    })
}

/// `grpc-timeout`
pub mod grpc_timeout {
    use std::time::Duration;

    /// As a server reads it.
    pub fn read(value: &[u8]) -> Option<Duration> {
        crate::wires::fuzzing::grpc_timeout(value)
    }

    /// As a client writes it.
    pub fn write(time: Duration) -> http::HeaderValue {
        crate::client::fuzzing::grpc_timeout(time)
    }
}

/// `connect-timeout-ms`
pub mod connect_timeout {
    use std::time::Duration;

    /// As a server reads it.
    pub fn read(value: &[u8]) -> Option<Duration> {
        crate::wires::fuzzing::connect_timeout(value)
    }

    /// As a client writes it.
    pub fn write(time: Duration) -> http::HeaderValue {
        crate::client::fuzzing::connect_timeout(time)
    }
}

/// `baggage`
pub mod baggage {
    use http::HeaderMap;
    use kitfox_core::Baggage;

    /// As a server reads it.
    pub fn read(headers: &HeaderMap) -> Option<Baggage> {
        crate::wires::fuzzing::baggage(headers)
    }

    /// As a client writes it.
    pub fn write(baggage: &Baggage) -> HeaderMap {
        crate::client::fuzzing::baggage(baggage)
    }
}

/// `b3`, and `X-B3-TraceId` with its kin
pub mod b3 {
    use http::HeaderMap;
    use kitfox_core::{Context, Sampling, TraceContext};

    use crate::b3::B3;

    /// As a server reads them.
    pub fn read(headers: &HeaderMap) -> (Option<TraceContext>, Sampling) {
        crate::b3::read(headers)
    }

    /// As a client writes them.
    pub fn write(form: B3, context: &Context) -> HeaderMap {
        let mut headers = HeaderMap::new();
        crate::b3::write(form, context, &mut headers);
        headers
    }
}
