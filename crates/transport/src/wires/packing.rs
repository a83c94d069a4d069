//! What a call says of compression, on each wire in headers of its own.
//!
//! | wire              | the request is in          | the answer may be in       |
//! |-------------------|----------------------------|----------------------------|
//! | Connect's unary   | `content-encoding`         | `accept-encoding`          |
//! | Connect's streams | `connect-content-encoding` | `connect-accept-encoding`  |
//! | gRPC, gRPC-Web    | `grpc-encoding`            | `grpc-accept-encoding`     |
//! | REST              | `content-encoding`         | `accept-encoding`          |
//!
//! An answer is compressed where its caller accepts that and a message is worth it; in a stream
//! each message for itself.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use kitfox_core::Code;

use super::refusal::{Refusal, shown};
use crate::frames::{COMPRESSED, Compressing, Compression, Unpacked};
use crate::names;

/// What the messages of a call are compressed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Packing {
    /// Those of the request.
    pub(super) request: Option<Compression>,
    /// Those of the answer.
    pub(super) answer: Option<Compression>,
}

/// What a request says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoded {
    /// It is not compressed.
    #[default]
    Not,
    /// It is.
    As(Compression),
    /// It is, and nobody here can read it.
    Unknown,
}

impl Encoded {
    /// Of the value of a header.
    pub(super) fn from_name(name: &[u8]) -> Self {
        if name == b"identity" {
            return Encoded::Not;
        }
        Compression::from_name(name).map_or(Encoded::Unknown, Encoded::As)
    }
}

/// The headers of a wire that speak of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// Of the body as a whole: HTTP's own.
    Http,
    Grpc,
    Connect,
}

impl Speech {
    /// Where a message says how it is compressed.
    pub(super) fn encoding(self) -> HeaderName {
        match self {
            Speech::Http => http::header::CONTENT_ENCODING,
            Speech::Grpc => names::GRPC_ENCODING,
            Speech::Connect => names::CONNECT_ENCODING,
        }
    }

    /// Where a peer says what it accepts.
    pub(super) fn accept(self) -> HeaderName {
        match self {
            Speech::Http => http::header::ACCEPT_ENCODING,
            Speech::Grpc => names::GRPC_ACCEPT_ENCODING,
            Speech::Connect => names::CONNECT_ACCEPT_ENCODING,
        }
    }

    /// A request that says it is compressed with `said`, which nobody here knows.
    #[cold]
    pub(super) fn unknown(self, said: &[u8]) -> Refusal {
        let message = format!(
            "the compression `{}` of `{}` is not served here: use {}",
            shown(said),
            self.encoding(),
            Compression::ACCEPTED
        );
        Refusal::new(Code::Unimplemented, message)
            .with_header(self.accept(), HeaderValue::from_static(Compression::ACCEPTED))
    }
}

/// The message of a frame with `flags`.
pub(super) fn unframed(
    flags: u8,
    message: Bytes,
    compression: Option<Compression>,
    limit: usize,
) -> Result<Bytes, Refusal> {
    match (flags, compression) {
        (0, _) => Ok(message),
        (COMPRESSED, Some(_)) => unpacked(message, compression, limit),
        _ => Err(flagged(flags)),
    }
}

/// A message of a request as it was before it was compressed; an empty one is not compressed.
pub(super) fn unpacked(
    message: Bytes,
    compression: Option<Compression>,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let Some(compression) = compression.filter(|_| !message.is_empty()) else {
        return Ok(message);
    };
    compression.decompress(&message, limit).map_err(|fault| match fault {
        Unpacked::TooLarge => Refusal::too_large(limit),
        Unpacked::Corrupt(how) => corrupt(compression, &how),
    })
}

/// The message of an answer in the compression that it is worth.
pub(super) fn packed(
    message: Bytes,
    compression: Option<Compression>,
) -> (Bytes, Option<Compression>) {
    match compression.and_then(|with| Compressing::with(with).compress(&message)) {
        Some(packed) => (packed, compression),
        None => (message, None),
    }
}

#[cold]
fn corrupt(compression: Compression, how: &str) -> Refusal {
    let message = format!("the request's message is no {}: {how}", compression.name());
    Refusal::new(Code::InvalidArgument, message)
}

#[cold]
fn flagged(flags: u8) -> Refusal {
    if flags == COMPRESSED {
        let message = "the request's message is compressed, and no header says how";
        return Refusal::new(Code::Internal, message);
    }
    let message =
        format!("the request's frame has the flags {flags:#04x}, which mean nothing there");
    Refusal::new(Code::Internal, message)
}
