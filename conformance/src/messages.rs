//! The suite's messages, version 1.0.7, as far as a client or a server under test sees them.
//!
//! Names and numbers are the suite's own. What only its reference implementations read is left out
//! (`RawHTTPRequest`, TLS credentials); a raw *response* is here, since it goes through a client
//! under test to the reference server.

mod config;
mod payload;
mod raw;
mod requests;
mod runner;

use kitfox::types::Any;

pub use config::{Code, Codec, Compression, HttpVersion, Protocol, StreamType};
pub use payload::{
    ConformancePayload, ConnectGetInfo, Error, Header, RequestInfo, StreamResponseDefinition,
    UnaryOutcome, UnaryResponseDefinition,
};
pub use raw::{MessageContents, MessageData, RawBody, RawHttpResponse, StreamContents, StreamItem};
pub use requests::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
    IdempotentUnaryRequest, IdempotentUnaryResponse, ServerStreamRequest, ServerStreamResponse,
    UnaryRequest, UnaryResponse, UnimplementedRequest, UnimplementedResponse,
};
pub use runner::{
    Cancel, CancelTiming, ClientCompatRequest, ClientCompatResponse, ClientErrorResult,
    ClientResponseResult, ClientResult, ServerCompatRequest, ServerCompatResponse,
};

/// Makes the messages known that lie in an `Any` of others, so that those have a form in JSON.
pub fn register() {
    Any::register::<UnaryRequest>();
    Any::register::<IdempotentUnaryRequest>();
    Any::register::<ServerStreamRequest>();
    Any::register::<ClientStreamRequest>();
    Any::register::<BidiStreamRequest>();
    Any::register::<UnimplementedRequest>();
    Any::register::<Header>();
    Any::register::<RequestInfo>();
}
