//! Failures over REST: a problem of RFC 9457.
//!
//! Beside the RFC's members it has `code` (the canonical code), of a domain error its `reason` and
//! `domain`, and `details`, which are Connect's.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use kitfox_core::{Detail, Error};
use serde_json::{Map, Value};

use super::body::AnswerBody;
use super::connect::status_of;
use super::detail;
use super::metadata::{Own, close_after};
use super::refusal::Refusal;

/// A failure. Its trailers, which HTTP/1 could not send, are headers behind `trailer-`.
#[cold]
pub(super) fn refuse(refusal: &Refusal) -> Response<AnswerBody> {
    let Refusal { error, status, close } = refusal;
    let own = Own::of_error(error).with_recovery(error);
    // A status that the method set for its success is not the status of its failure.
    let asked = own.status.filter(|status| *status >= 400);
    let asked = asked.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.or(asked).unwrap_or_else(|| status_of(error));
    let mut response = Response::new(AnswerBody::full(with_status(error, status)));
    *response.headers_mut() = own.into_unary_headers();
    *response.status_mut() = status;
    let json = const { HeaderValue::from_static("application/problem+json") };
    response.headers_mut().insert(CONTENT_TYPE, json);
    if *close {
        close_after(response.headers_mut());
    }
    response
}

/// The problem alone, for where there is no status any more.
pub(super) fn problem(error: &Error) -> Bytes {
    with_status(error, status_of(error))
}

fn with_status(error: &Error, status: StatusCode) -> Bytes {
    let title = match status.as_u16() {
        499 => "Client Closed Request",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    let mut object = Map::new();
    object.insert("type".into(), "about:blank".into());
    object.insert("title".into(), title.into());
    object.insert("status".into(), status.as_u16().into());
    if !error.message().is_empty() {
        object.insert("detail".into(), error.message().into());
    }
    object.insert("code".into(), error.code().name().into());
    if let Some(Value::Object(mut info)) = error.details().iter().find_map(info) {
        for name in ["reason", "domain"] {
            object.insert(name.into(), info.remove(name).unwrap_or_default());
        }
    }
    if !error.details().is_empty() {
        object.insert("details".into(), detail::array(error));
    }
    Value::Object(object).to_string().into()
}

/// The `google.rpc.ErrorInfo` that a domain error brings along, in JSON.
fn info(detail: &Detail) -> Option<Value> {
    let json = detail.json().filter(|_| detail.type_name() == "google.rpc.ErrorInfo")?;
    serde_json::from_str(json).ok()
}
