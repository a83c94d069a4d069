//! Connect's unary calls: the message is the body, a failure is JSON.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use kitfox_core::{Body, Error, Reply};
use serde_json::{Map, Value};

use super::body::AnswerBody;
use super::content::message_type;
use super::detail;
use super::metadata::{Own, close_after};
use super::refusal::Refusal;

/// The answer of a method.
pub(super) fn answer(reply: Reply) -> Response<AnswerBody> {
    let (payload, metadata) = reply.into_parts();
    let content_type = message_type(payload.codec());
    let Body::Unary(message) = payload.into_body() else {
        return refuse(&Refusal::from(super::stream_in_answer()));
    };
    let mut response = Response::new(AnswerBody::full(message));
    if let Some(metadata) = metadata {
        *response.headers_mut() = Own::of(*metadata).into_unary_headers();
    }
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A failure.
#[cold]
pub(super) fn refuse(refusal: &Refusal) -> Response<AnswerBody> {
    let Refusal { error, status, close } = refusal;
    let mut response = Response::new(AnswerBody::full(failure(error)));
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

fn failure(error: &Error) -> Bytes {
    let mut object = Map::new();
    object.insert("code".into(), error.code().name().into());
    if !error.message().is_empty() {
        object.insert("message".into(), error.message().into());
    }
    if !error.details().is_empty() {
        object.insert("details".into(), detail::array(error));
    }
    Value::Object(object).to_string().into()
}
