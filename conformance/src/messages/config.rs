//! `config.proto`: what a case is about.

use kitfox::message;
use kitfox::message::Enumeration;

/// The version of HTTP.
#[message(package = "connectrpc.conformance.v1", name = "HTTPVersion")]
pub enum HttpVersion {
    /// Not said.
    #[value(name = "HTTP_VERSION_UNSPECIFIED")]
    Unspecified,
    /// HTTP/1.1
    #[value(name = "HTTP_VERSION_1")]
    Http1,
    /// HTTP/2
    #[value(name = "HTTP_VERSION_2")]
    Http2,
    /// HTTP/3
    #[value(name = "HTTP_VERSION_3")]
    Http3,
    /// One that only a newer suite knows.
    #[unknown]
    Unknown(i32),
}

/// The protocol in it.
#[message(package = "connectrpc.conformance.v1")]
pub enum Protocol {
    /// Not said.
    Unspecified,
    /// Connect
    Connect,
    /// gRPC
    Grpc,
    /// gRPC-Web
    GrpcWeb,
    /// One that only a newer suite knows.
    #[unknown]
    Unknown(i32),
}

/// How messages are encoded.
#[message(package = "connectrpc.conformance.v1")]
pub enum Codec {
    /// Not said.
    Unspecified,
    /// Protobuf
    Proto,
    /// JSON
    Json,
    /// Protobuf's text form, which nobody sends.
    Text,
    /// One that only a newer suite knows.
    #[unknown]
    Unknown(i32),
}

/// How they are compressed.
#[message(package = "connectrpc.conformance.v1")]
pub enum Compression {
    /// Not said.
    Unspecified,
    /// Not at all.
    Identity,
    /// gzip
    Gzip,
    /// Brotli
    Br,
    /// Zstandard
    Zstd,
    /// deflate
    Deflate,
    /// Snappy
    Snappy,
    /// One that only a newer suite knows.
    #[unknown]
    Unknown(i32),
}

/// Which sides stream, and how they take turns.
#[message(package = "connectrpc.conformance.v1")]
pub enum StreamType {
    /// Not said.
    Unspecified,
    /// One message in, one out.
    Unary,
    /// Many in, one out.
    ClientStream,
    /// One in, many out.
    ServerStream,
    /// Many in, and only then many out.
    HalfDuplexBidiStream,
    /// Many in and many out by turns.
    FullDuplexBidiStream,
    /// One that only a newer suite knows.
    #[unknown]
    Unknown(i32),
}

/// Why a call failed; the numbers are gRPC's.
#[message(package = "connectrpc.conformance.v1")]
pub enum Code {
    /// Not said.
    Unspecified,
    /// See [`kitfox::Code::Canceled`].
    Canceled,
    /// See [`kitfox::Code::Unknown`].
    Unknown,
    /// See [`kitfox::Code::InvalidArgument`].
    InvalidArgument,
    /// See [`kitfox::Code::DeadlineExceeded`].
    DeadlineExceeded,
    /// See [`kitfox::Code::NotFound`].
    NotFound,
    /// See [`kitfox::Code::AlreadyExists`].
    AlreadyExists,
    /// See [`kitfox::Code::PermissionDenied`].
    PermissionDenied,
    /// See [`kitfox::Code::ResourceExhausted`].
    ResourceExhausted,
    /// See [`kitfox::Code::FailedPrecondition`].
    FailedPrecondition,
    /// See [`kitfox::Code::Aborted`].
    Aborted,
    /// See [`kitfox::Code::OutOfRange`].
    OutOfRange,
    /// See [`kitfox::Code::Unimplemented`].
    Unimplemented,
    /// See [`kitfox::Code::Internal`].
    Internal,
    /// See [`kitfox::Code::Unavailable`].
    Unavailable,
    /// See [`kitfox::Code::DataLoss`].
    DataLoss,
    /// See [`kitfox::Code::Unauthenticated`].
    Unauthenticated,
    /// One that only a newer suite knows.
    #[unknown]
    Other(i32),
}

impl From<Code> for kitfox::Code {
    /// A failure without a code, which the suite never asks for, is an unknown one.
    fn from(code: Code) -> Self {
        let number = u32::try_from(code.number()).ok();
        number.and_then(kitfox::Code::from_grpc).unwrap_or(kitfox::Code::Unknown)
    }
}

impl From<kitfox::Code> for Code {
    fn from(code: kitfox::Code) -> Self {
        Code::from_number(i32::from(code.grpc()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_on_both_sides() {
        for code in kitfox::Code::ALL {
            assert_eq!(kitfox::Code::from(Code::from(code)), code);
        }
        assert_eq!(kitfox::Code::from(Code::Unspecified), kitfox::Code::Unknown);
    }
}
