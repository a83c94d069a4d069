//! `service.proto`: bytes that the reference server sends as they are, to see what a client makes of
//! them. A client under test only passes the order on.

use kitfox::message;
use kitfox::types::Any;

use super::{Compression, Header};

/// An answer of HTTP.
#[message(package = "connectrpc.conformance.v1", name = "RawHTTPResponse")]
pub struct RawHttpResponse {
    /// Its status; 200 where it is 0.
    pub status_code: u32,
    /// Its headers.
    pub headers: Vec<Header>,
    /// Its body.
    #[oneof]
    pub body: Option<RawBody>,
    /// Its trailers.
    #[field(5)]
    pub trailers: Vec<Header>,
}

/// The body of an answer.
#[message(package = "connectrpc.conformance.v1")]
pub enum RawBody {
    /// These bytes.
    #[field(3)]
    Unary(MessageContents),
    /// These frames.
    #[field(4)]
    Stream(StreamContents),
}

/// Bytes, said in one of three ways.
#[message(package = "connectrpc.conformance.v1")]
pub struct MessageContents {
    /// The bytes.
    #[oneof]
    pub data: Option<MessageData>,
    /// How they are compressed.
    #[field(4)]
    pub compression: Compression,
}

/// The three ways.
#[message(package = "connectrpc.conformance.v1")]
pub enum MessageData {
    /// As bytes.
    Binary(Vec<u8>),
    /// As a text.
    Text(String),
    /// As a message, in protobuf.
    BinaryMessage(Any),
}

/// Frames, each behind five bytes of flags and length.
#[message(package = "connectrpc.conformance.v1")]
pub struct StreamContents {
    /// The frames.
    pub items: Vec<StreamItem>,
}

/// A frame.
#[message(package = "connectrpc.conformance.v1", name = "StreamContents.StreamItem")]
pub struct StreamItem {
    /// Its flags, up to 255.
    pub flags: u32,
    /// The length it claims, where that is not the true one.
    pub length: Option<u32>,
    /// What is in it.
    pub payload: Option<MessageContents>,
}
