//! OTLP over HTTP: a POST of protobuf for each request, to a path for each signal.

use std::time::Duration;

use ::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox_core::message::{Codec, Message};
use kitfox_core::types::rpc::Status;
use kitfox_core::{Code, Error, Metadata};
use kitfox_telemetry::otlp::{Refused, Sender, Signal};
use kitfox_transport::client::HttpChannel;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// How much is said of what a server that is no collector answers.
const SNIPPET: usize = 200;

/// The way to a collector over HTTP/1.1.
pub(super) struct OverHttp {
    channel: HttpChannel,
    /// What the address has in front of the paths of signals.
    path: String,
    headers: HeaderMap,
}

impl OverHttp {
    pub(super) fn new(channel: HttpChannel, path: &str, headers: &Metadata) -> Self {
        let mut headers = headers.headers().clone();
        headers.insert(CONTENT_TYPE, PROTOBUF);
        OverHttp { channel, path: path.to_owned(), headers }
    }

    async fn post(&self, signal: Signal, request: Bytes) -> Result<Bytes, Refused> {
        let mut post = Request::post(format!("{}/v1/{}", self.path, signal.name()))
            .body(request)
            .map_err(|cause| Refused::for_good(cause.to_string()))?;
        post.headers_mut().clone_from(&self.headers);
        let answer = self.channel.request(post).await.map_err(|error| unanswered(&error))?;
        if answer.status().is_success() {
            return Ok(if is_protobuf(&answer) { answer.into_body() } else { Bytes::new() });
        }
        Err(refused(&answer))
    }
}

impl Sender for OverHttp {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(self.post(signal, request))
    }
}

/// There is no answer. What is larger than a limit will be so again; everything else may pass.
fn unanswered(error: &Error) -> Refused {
    let why = error.message();
    match error.code() {
        Code::Unavailable | Code::DeadlineExceeded => Refused::for_now(why),
        _ => Refused::for_good(why),
    }
}

/// As OTLP over HTTP has it: these four statuses may be tried again, and no others.
fn refused(answer: &Response<Bytes>) -> Refused {
    let status = answer.status();
    let why = format!("the collector answered {status}: {}", said(answer));
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Refused::for_now(why).after(pause(answer)),
        _ => Refused::for_good(why),
    }
}

/// A date says nothing to whoever does not know how wrong the clocks are.
fn pause(answer: &Response<Bytes>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn said(answer: &Response<Bytes>) -> String {
    let body = answer.body();
    if is_protobuf(answer)
        && let Ok(status) = Status::decode(Codec::Protobuf, body)
    {
        return status.message;
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(SNIPPET)]);
    text.trim().to_owned()
}

fn is_protobuf(answer: &Response<Bytes>) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROTOBUF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, kind: &'static str, body: &[u8]) -> Response<Bytes> {
        let answer = Response::builder().status(status).header(CONTENT_TYPE, kind);
        answer.header(RETRY_AFTER, "7").body(Bytes::copy_from_slice(body)).unwrap()
    }

    #[test]
    fn what_may_be_tried_again_is_what_otlp_says() {
        for (status, retry) in
            [(400, false), (401, false), (404, false), (413, false), (500, false), (501, false)]
                .into_iter()
                .chain([429, 502, 503, 504].map(|status| (status, true)))
        {
            let refused = refused(&answer(status, "text/plain", b" no such tenant\n"));
            assert_eq!(refused.retry, retry, "{status}");
            assert_eq!(refused.after, retry.then_some(Duration::from_secs(7)), "{status}");
            assert!(refused.why.ends_with(": no such tenant"), "{}", refused.why);
        }
    }

    #[test]
    fn a_collector_says_why_in_protobuf() {
        let status = [0x08, 3, 0x12, 3, b'o', b'l', b'd'];
        let refused = refused(&answer(400, "application/x-protobuf", &status));
        assert_eq!(refused.why, "the collector answered 400 Bad Request: old");
    }
}
