//! Connect: the message of a unary call is the body; a failure is JSON, and so is a stream's end.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use kitfox_core::message::Codec;
use kitfox_core::{Body, Error, Reply};
use serde_json::{Map, Value};

use super::body::AnswerBody;
use super::content::message_type;
use super::detail;
use super::metadata::{Own, close_after};
use super::packing::packed;
use super::refusal::Refusal;
use crate::frames::Compression;

/// The answer of a method; `accepts` is what it may be compressed with.
pub(super) fn answer(reply: Reply, accepts: Option<Compression>) -> Response<AnswerBody> {
    let (payload, metadata) = reply.into_parts();
    let content_type = message_type(payload.codec());
    let Body::Unary(message) = payload.into_body() else {
        return refuse(&Refusal::from(super::stream_in_answer()));
    };
    let (message, compression) = packed(message, accepts);
    let mut response = Response::new(AnswerBody::full(message));
    if let Some(metadata) = metadata {
        *response.headers_mut() = Own::of(*metadata).into_unary_headers();
    }
    if let Some(compression) = compression {
        let name = HeaderValue::from_static(compression.name());
        response.headers_mut().insert(CONTENT_ENCODING, name);
    }
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A failure.
#[cold]
pub(super) fn refuse(refusal: &Refusal) -> Response<AnswerBody> {
    let Refusal { error, status, close } = refusal;
    let mut response = Response::new(AnswerBody::full(failure(error).to_string().into()));
    *response.headers_mut() = Own::of_error(error).with_recovery(error).into_unary_headers();
    *response.status_mut() = status.unwrap_or_else(|| status_of(error));
    let json = const { HeaderValue::from_static("application/json") };
    response.headers_mut().insert(CONTENT_TYPE, json);
    if *close {
        close_after(response.headers_mut());
    }
    response
}

/// The HTTP status of an error's code.
pub(super) fn status_of(error: &Error) -> StatusCode {
    let status = StatusCode::from_u16(error.code().http_status());
    status.expect("every code has a status between 400 and 599")
}

/// The frame that ends a stream: how the call went, and its trailers.
pub(super) fn end(failed: Option<&Error>, trailers: &HeaderMap) -> Bytes {
    let mut object = Map::new();
    if let Some(error) = failed {
        object.insert("error".into(), failure(error));
    }
    if !trailers.is_empty() {
        let mut metadata = Map::new();
        for name in trailers.keys() {
            let values = trailers.get_all(name).into_iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
            metadata.insert(name.as_str().into(), Value::Array(values.collect()));
        }
        object.insert("metadata".into(), Value::Object(metadata));
    }
    Value::Object(object).to_string().into()
}

/// As answers of Connect's streams say it.
pub(super) fn stream_type(codec: Codec) -> HeaderValue {
    HeaderValue::from_static(match codec {
        Codec::Json => "application/connect+json",
        Codec::Protobuf => "application/connect+proto",
    })
}

fn failure(error: &Error) -> Value {
    let mut object = Map::new();
    object.insert("code".into(), error.code().name().into());
    if !error.message().is_empty() {
        object.insert("message".into(), error.message().into());
    }
    if !error.details().is_empty() {
        object.insert("details".into(), detail::array(error));
    }
    Value::Object(object)
}
