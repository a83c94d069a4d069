//! `service.proto`: what a server is told to answer, and what it says that it got.

use kitfox::message;
use kitfox::types::Any;

use super::{Code, RawHttpResponse};

/// What a method that gives one answer is to answer.
#[message(package = "connectrpc.conformance.v1")]
pub struct UnaryResponseDefinition {
    /// Headers of the answer.
    pub response_headers: Vec<Header>,
    /// The answer itself.
    #[oneof]
    pub response: Option<UnaryOutcome>,
    /// Trailers of the answer, whether it is a message or a failure.
    #[field(4)]
    pub response_trailers: Vec<Header>,
    /// For the reference server only.
    #[field(5)]
    pub raw_response: Option<RawHttpResponse>,
    /// How long to wait before the answer, in milliseconds.
    #[field(6)]
    pub response_delay_ms: u32,
}

/// One answer.
#[message(package = "connectrpc.conformance.v1")]
pub enum UnaryOutcome {
    /// A message of this.
    #[field(2)]
    ResponseData(Vec<u8>),
    /// This failure.
    #[field(3)]
    Error(Error),
}

/// What a method that gives many answers is to answer.
#[message(package = "connectrpc.conformance.v1")]
pub struct StreamResponseDefinition {
    /// Headers of the answer.
    pub response_headers: Vec<Header>,
    /// A message of each.
    pub response_data: Vec<Vec<u8>>,
    /// How long to wait before each message, in milliseconds.
    pub response_delay_ms: u32,
    /// The failure after the last message.
    pub error: Option<Error>,
    /// Trailers of the answer, with or without a failure.
    pub response_trailers: Vec<Header>,
    /// For the reference server only.
    pub raw_response: Option<RawHttpResponse>,
}

/// One answer: its data, and what was seen of the request.
#[message(package = "connectrpc.conformance.v1")]
pub struct ConformancePayload {
    /// What the definition said.
    pub data: Vec<u8>,
    /// What was seen.
    pub request_info: Option<RequestInfo>,
}

/// What a server saw of a request.
#[message(package = "connectrpc.conformance.v1", name = "ConformancePayload.RequestInfo")]
pub struct RequestInfo {
    /// Its headers.
    pub request_headers: Vec<Header>,
    /// How long the caller said it would wait, in milliseconds.
    pub timeout_ms: Option<i64>,
    /// The messages that came since the last answer.
    pub requests: Vec<Any>,
    /// Set where it came with Connect's GET. The suite lets a server leave out what its methods do
    /// not see, and ours do not see in which way a request came.
    pub connect_get_info: Option<ConnectGetInfo>,
}

/// What belongs to a GET.
#[message(package = "connectrpc.conformance.v1", name = "ConformancePayload.ConnectGetInfo")]
pub struct ConnectGetInfo {
    /// The query.
    pub query_params: Vec<Header>,
}

/// A failure.
#[message(package = "connectrpc.conformance.v1")]
pub struct Error {
    /// Its code.
    pub code: Code,
    /// Its message; what a case does not say is not compared.
    pub message: Option<String>,
    /// Its details.
    pub details: Vec<Any>,
}

/// A header or trailer with its values, in order.
#[message(package = "connectrpc.conformance.v1")]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its values; binary ones in base64, as they are on the wire.
    pub value: Vec<String>,
}
