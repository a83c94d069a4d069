//! Everything off the direct path, by `connectrpc`: gRPC-Web, Connect's GET, compression, streams'
//! framing. The only module that knows that crate.
//!
//! The body has been read and the context made when the engine gets a request, so that limits,
//! deadlines and what a method sees are the same on both paths. Its own deadlines, which are on a
//! clock that cannot be paused, stay out: the timeout headers are taken away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use connectrpc::dispatcher::{
    Dispatcher, MethodDescriptor, RequestStream, StreamingResult, UnaryResult,
};
use connectrpc::{
    CodecFormat, ConnectError, ConnectRpcBody, ConnectRpcService, EncodedBody, ErrorCode,
    ErrorDetail, Protocol, RequestContext,
};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use kitfox_core::contract::Idempotency;
use kitfox_core::message::Codec;
use kitfox_core::{Body, Context, Endpoint, Error, Payload, Reply};
use tower_service::Service;

use super::body::AnswerBody;
use super::grpc;
use super::metadata::Own;
use super::methods::Methods;
use super::refusal::Refusal;
use crate::Limits;
use crate::names::{CONNECT_TIMEOUT, GRPC_TIMEOUT};

/// The engine over the methods of a port.
pub(super) struct Engine<E: Endpoint>(ConnectRpcService<Calls<E>>);

impl<E: Endpoint> Engine<E> {
    pub(super) fn new(methods: Arc<Methods<E>>, limits: &Limits) -> Self {
        let limits = connectrpc::Limits::default()
            .with_max_message_size(limits.body_bytes)
            .with_max_request_body_size(usize::MAX);
        Engine(ConnectRpcService::new(Calls(methods)).with_limits(limits))
    }

    /// Answers a call whose `body` is there and whose `context` is made.
    pub(super) async fn answer(
        &self,
        mut parts: Parts,
        context: Context,
        body: Bytes,
    ) -> Response<AnswerBody> {
        let reached = Arc::new(AtomicBool::new(false));
        parts.headers = context.metadata().headers().clone();
        parts.headers.remove(CONNECT_TIMEOUT);
        parts.headers.remove(GRPC_TIMEOUT);
        parts.extensions.insert(Arrived { context, reached: Arc::clone(&reached) });
        let request = Request::from_parts(parts, Full::new(body));
        let Ok(mut response) = self.0.clone().call(request).await;
        // Unpacked, the body was over the limit; what a method says itself stays.
        let over = response.status() == StatusCode::TOO_MANY_REQUESTS;
        if over && !reached.load(Ordering::Relaxed) {
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        }
        response.map(boxed)
    }
}

/// A refusal on a wire that only the engine speaks; which one, the headers say.
#[cold]
pub(super) fn refuse(refusal: &Refusal, headers: &HeaderMap) -> Response<AnswerBody> {
    let mut error = failure(&refusal.error, Protocol::detect(headers).map(|wire| wire.protocol));
    if let Some(status) = refusal.status {
        error = error.with_http_status(status);
    }
    error.into_http_response(headers).map(boxed)
}

fn boxed(body: ConnectRpcBody) -> AnswerBody {
    match body {
        // It alone knows its length.
        ConnectRpcBody::Full(body) => AnswerBody::boxed(body),
        body => AnswerBody::boxed(body),
    }
}

/// What goes through the engine beside the request.
#[derive(Clone)]
struct Arrived {
    context: Context,
    /// Whether the call came as far as its method.
    reached: Arc<AtomicBool>,
}

struct Calls<E>(Arc<Methods<E>>);

impl<E: Endpoint> Dispatcher for Calls<E> {
    fn lookup(&self, path: &str) -> Option<MethodDescriptor> {
        let method = self.0.served(self.0.find_bare(path)?).method;
        Some(MethodDescriptor::unary(method.idempotency == Idempotency::Safe))
    }

    fn call_unary(
        &self,
        path: &str,
        ctx: RequestContext,
        request: connectrpc::Payload,
        format: CodecFormat,
    ) -> UnaryResult {
        let index = self.0.find_bare(path);
        let arrived = ctx.extensions().get::<Arrived>().cloned();
        let (Some(index), Some(arrived)) = (index, arrived) else {
            return connectrpc::dispatcher::unimplemented_unary(path);
        };
        let methods = Arc::clone(&self.0);
        let protocol = ctx.protocol();
        Box::pin(async move {
            arrived.reached.store(true, Ordering::Relaxed);
            let payload = Payload::unary(codec(format), request.encoded()?);
            let request = kitfox_core::Request::new(arrived.context, payload);
            match methods.served(index).endpoint.call(request).await {
                Ok(reply) => encoded(reply).map_err(|error| failure(&error, protocol)),
                Err(error) => Err(failure(&error, protocol)),
            }
        })
    }

    fn call_server_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: Bytes,
        _: CodecFormat,
    ) -> StreamingResult {
        connectrpc::dispatcher::unimplemented_streaming(path)
    }

    fn call_client_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> UnaryResult {
        connectrpc::dispatcher::unimplemented_unary(path)
    }

    fn call_bidi_streaming(
        &self,
        path: &str,
        _: RequestContext,
        _: RequestStream,
        _: CodecFormat,
    ) -> StreamingResult {
        connectrpc::dispatcher::unimplemented_streaming(path)
    }
}

fn codec(format: CodecFormat) -> Codec {
    match format {
        CodecFormat::Json => Codec::Json,
        _ => Codec::Protobuf,
    }
}

fn encoded(reply: Reply) -> Result<connectrpc::Response<EncodedBody>, Error> {
    let (payload, metadata) = reply.into_parts();
    let Body::Unary(message) = payload.into_body() else {
        return Err(super::stream_in_answer());
    };
    let mut response = connectrpc::Response::new(EncodedBody::from(message));
    if let Some(metadata) = metadata {
        let own = Own::of(*metadata);
        response.headers = own.headers;
        response.trailers = own.trailers;
    }
    Ok(response)
}

fn failure(error: &Error, protocol: Option<Protocol>) -> ConnectError {
    let own = Own::of_error(error);
    let own = match protocol {
        Some(Protocol::Grpc | Protocol::GrpcWeb) => own.with_pushback(error),
        _ => own.with_recovery(error),
    };
    let code = ErrorCode::from_grpc_code(u32::from(error.code().grpc()));
    // Only gRPC says all of it in headers; gRPC-Web has its trailers in the body.
    let (message, details) = match protocol {
        Some(Protocol::Grpc) => (grpc::cut(error.message()), grpc::fitting(error).collect()),
        _ => (error.message(), error.details().iter().collect::<Vec<_>>()),
    };
    let mut failure = ConnectError::new(code.expect("our codes are gRPC's, 1 to 16"), message)
        .with_headers(own.headers)
        .with_trailers(own.trailers);
    if error.message().is_empty() {
        failure.message = None;
    }
    failure.details = details
        .into_iter()
        .map(|detail| ErrorDetail {
            type_url: detail.type_name().to_owned(),
            value: Some(STANDARD_NO_PAD.encode(detail.value())),
            debug: detail.json().and_then(|json| serde_json::from_str(json).ok()),
        })
        .collect();
    failure
}

#[cfg(test)]
mod tests {
    use kitfox_core::{Code, Detail};

    use super::*;

    #[test]
    fn grpc_alone_gets_no_more_than_its_headers_hold() {
        let large = Detail::from_wire("a.v1.A", vec![7; 20_000].into());
        let error = Error::new(Code::NotFound, "x".repeat(5000)).with_detail(large);
        for (protocol, message, details) in
            [(Protocol::Grpc, 1024, 0), (Protocol::GrpcWeb, 5000, 1), (Protocol::Connect, 5000, 1)]
        {
            let failure = failure(&error, Some(protocol));
            assert_eq!(failure.message.map(|message| message.len()), Some(message));
            assert_eq!(failure.details.len(), details, "{protocol:?}");
        }
    }
}
