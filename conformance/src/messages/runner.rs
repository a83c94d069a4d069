//! `client_compat.proto` and `server_compat.proto`: what the runner says on standard input, and hears
//! on standard output.

use kitfox::message;
use kitfox::types::Any;

use super::{
    Codec, Compression, ConformancePayload, Error, Header, HttpVersion, Protocol, StreamType,
};

/// Which server to start.
#[message(package = "connectrpc.conformance.v1")]
pub struct ServerCompatRequest {
    /// The protocol that it must speak at least.
    pub protocol: Protocol,
    /// The version of HTTP that it must speak at least.
    pub http_version: HttpVersion,
    /// Whether over TLS.
    #[field(4)]
    pub use_tls: bool,
    /// The most bytes of a message; no limit where it is 0.
    #[field(6)]
    pub message_receive_limit: u32,
    /// A certificate and its key that it may use.
    #[field(7)]
    pub server_creds: Option<TlsCreds>,
}

/// A certificate and its private key, in PEM.
#[message(package = "connectrpc.conformance.v1", name = "TLSCreds")]
pub struct TlsCreds {
    /// The certificate.
    pub cert: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

/// Where it listens.
#[message(package = "connectrpc.conformance.v1")]
pub struct ServerCompatResponse {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u32,
    /// The certificate that its callers are to believe.
    pub pem_cert: Vec<u8>,
}

/// One call that a client is to make.
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientCompatRequest {
    /// The name of the case.
    pub test_name: String,
    /// The version of HTTP.
    pub http_version: HttpVersion,
    /// The protocol.
    pub protocol: Protocol,
    /// The codec.
    pub codec: Codec,
    /// The compression of requests.
    pub compression: Compression,
    /// The server's host.
    pub host: String,
    /// The server's port.
    pub port: u32,
    /// The server's certificate, where it is called over TLS.
    pub server_tls_cert: Vec<u8>,
    /// The most bytes of a message; no limit where it is 0.
    #[field(10)]
    pub message_receive_limit: u32,
    /// The service; `ConformanceService` where it is not said.
    #[field(11)]
    pub service: Option<String>,
    /// The method.
    #[field(12)]
    pub method: Option<String>,
    /// Which sides stream.
    #[field(13)]
    pub stream_type: StreamType,
    /// Whether to call with GET where the protocol is Connect.
    #[field(14)]
    pub use_get_http_method: bool,
    /// The caller's own headers.
    #[field(15)]
    pub request_headers: Vec<Header>,
    /// The messages to send.
    #[field(16)]
    pub request_messages: Vec<Any>,
    /// How long to wait for the end of the call, in milliseconds.
    #[field(17)]
    pub timeout_ms: Option<u32>,
    /// How long to wait before each message of a stream, in milliseconds.
    #[field(18)]
    pub request_delay_ms: u32,
    /// Whether to cancel the call.
    #[field(19)]
    pub cancel: Option<Cancel>,
}

/// That a call is to be cancelled.
#[message(package = "connectrpc.conformance.v1", name = "ClientCompatRequest.Cancel")]
pub struct Cancel {
    /// When; at once after the last request where it is not said.
    #[oneof]
    pub cancel_timing: Option<CancelTiming>,
}

/// When to cancel a call.
#[message(package = "connectrpc.conformance.v1")]
pub enum CancelTiming {
    /// Instead of ending the stream of requests.
    BeforeCloseSend,
    /// So many milliseconds after its end.
    AfterCloseSendMs(u32),
    /// After so many answers.
    AfterNumResponses(u32),
}

/// What became of a call.
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientCompatResponse {
    /// The name of the case.
    pub test_name: String,
    /// What became of it.
    #[oneof]
    pub result: Option<ClientResult>,
}

/// What became of a call.
#[message(package = "connectrpc.conformance.v1")]
pub enum ClientResult {
    /// It was made, and came back with this.
    #[field(2)]
    Response(ClientResponseResult),
    /// It could not be made.
    #[field(3)]
    Error(ClientErrorResult),
}

/// What a call came back with.
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientResponseResult {
    /// Headers.
    pub response_headers: Vec<Header>,
    /// Each answer.
    pub payloads: Vec<ConformancePayload>,
    /// How it failed.
    pub error: Option<Error>,
    /// Trailers.
    pub response_trailers: Vec<Header>,
    /// How many messages could not be sent any more.
    pub num_unsent_requests: i32,
}

/// Why a call could not be made.
#[message(package = "connectrpc.conformance.v1")]
pub struct ClientErrorResult {
    /// For a person.
    pub message: String,
}
