//! `service.proto`: what goes in and comes out of each method.

use kitfox::message;

use super::{ConformancePayload, StreamResponseDefinition, UnaryResponseDefinition};

/// Of [`ConformanceService::unary`](crate::ConformanceService::unary).
#[message(package = "connectrpc.conformance.v1")]
pub struct UnaryRequest {
    /// What to answer.
    pub response_definition: Option<UnaryResponseDefinition>,
    /// Padding.
    pub request_data: Vec<u8>,
}

/// Of [`ConformanceService::unary`](crate::ConformanceService::unary).
#[message(package = "connectrpc.conformance.v1")]
pub struct UnaryResponse {
    /// The answer.
    pub payload: Option<ConformancePayload>,
}

/// Of [`ConformanceService::idempotent_unary`](crate::ConformanceService::idempotent_unary).
#[message(package = "connectrpc.conformance.v1")]
pub struct IdempotentUnaryRequest {
    /// What to answer.
    pub response_definition: Option<UnaryResponseDefinition>,
    /// Padding.
    pub request_data: Vec<u8>,
}

/// Of [`ConformanceService::idempotent_unary`](crate::ConformanceService::idempotent_unary).
#[message(package = "connectrpc.conformance.v1")]
pub struct IdempotentUnaryResponse {
    /// The answer.
    pub payload: Option<ConformancePayload>,
}

/// Of [`ConformanceService::server_stream`](crate::ConformanceService::server_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct ServerStreamRequest {
    /// What to answer.
    pub response_definition: Option<StreamResponseDefinition>,
    /// Padding.
    pub request_data: Vec<u8>,
}

/// Of [`ConformanceService::server_stream`](crate::ConformanceService::server_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct ServerStreamResponse {
    /// One of the answers.
    pub payload: Option<ConformancePayload>,
}

/// Of [`ConformanceService::client_stream`](crate::ConformanceService::client_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientStreamRequest {
    /// What to answer; that of the first message counts.
    pub response_definition: Option<UnaryResponseDefinition>,
    /// Padding.
    pub request_data: Vec<u8>,
}

/// Of [`ConformanceService::client_stream`](crate::ConformanceService::client_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientStreamResponse {
    /// The answer.
    pub payload: Option<ConformancePayload>,
}

/// Of [`ConformanceService::bidi_stream`](crate::ConformanceService::bidi_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct BidiStreamRequest {
    /// What to answer; that of the first message counts.
    pub response_definition: Option<StreamResponseDefinition>,
    /// Whether to answer each message as it comes; that of the first message counts.
    pub full_duplex: bool,
    /// Padding.
    pub request_data: Vec<u8>,
}

/// Of [`ConformanceService::bidi_stream`](crate::ConformanceService::bidi_stream).
#[message(package = "connectrpc.conformance.v1")]
pub struct BidiStreamResponse {
    /// One of the answers.
    pub payload: Option<ConformancePayload>,
}

/// Of [`ConformanceService::unimplemented`](crate::ConformanceService::unimplemented).
#[message(package = "connectrpc.conformance.v1")]
pub struct UnimplementedRequest {}

/// Of [`ConformanceService::unimplemented`](crate::ConformanceService::unimplemented).
#[message(package = "connectrpc.conformance.v1")]
pub struct UnimplementedResponse {}

/// It carries no payload.
impl From<UnimplementedResponse> for ConformancePayload {
    fn from(_: UnimplementedResponse) -> Self {
        ConformancePayload::default()
    }
}

/// What carries a payload. An answer without one is told as one that is empty.
macro_rules! answers {
    ($($response:ty),*) => {
        $(impl From<ConformancePayload> for $response {
            fn from(payload: ConformancePayload) -> Self {
                Self { payload: Some(payload) }
            }
        }

        impl From<$response> for ConformancePayload {
            fn from(response: $response) -> Self {
                response.payload.unwrap_or_default()
            }
        })*
    };
}

answers!(
    UnaryResponse,
    IdempotentUnaryResponse,
    ServerStreamResponse,
    ClientStreamResponse,
    BidiStreamResponse
);
