//! REST as a way to replicas, for callers of a gateway whose clients are not Kitfox's: what a browser or
//! curl would send, one message each way over HTTP/1.1.
//!
//! Kitfox has no REST among its [protocols](kitfox::Protocol), and needs none to put all that it puts
//! around calls around these: a channel is a trait.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{Response, request};
use kitfox::contract::{Route, Verb};
use kitfox::discovery::{Connect, Instance, Line, SteadyLine};
use kitfox::layers::AttemptRecording;
use kitfox::message::Codec;
use kitfox::{
    Body, BoxEndpoint, Channel, Code, Context, Detail, Endpoint, Error, HttpChannel, HttpVersion,
    Layer, Method, Origin, Payload, Recovery, Reply, Request,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// Reaches replicas by REST.
#[derive(Clone, Copy, Debug)]
pub struct Rest;

impl Connect for Rest {
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
        let channel = HttpChannel::builder(format!("http://{}", instance.address));
        let channel = channel.http(HttpVersion::Http1).build();
        let channel = channel.map_err(|error| wrong(error.to_string()))?;
        Ok(Box::new(SteadyLine(Replica(channel))))
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

struct Replica(HttpChannel);

impl Channel for Replica {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        let call = Call { channel: self.0.clone(), method };
        BoxEndpoint::new(AttemptRecording.layer(method, call))
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

/// Calls of one method at one replica.
struct Call {
    channel: HttpChannel,
    method: &'static Method,
}

impl Endpoint for Call {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Some(route) = self.method.routes.first() else {
            return Err(wrong(format!("{} has no route", self.method.path)));
        };
        let Body::Unary(message) = request.payload.body() else {
            return Err(wrong(format!("{} takes a stream", self.method.path)));
        };
        let request = asked(route, message, &request.context)?;
        told(self.channel.request(request).await?)
    }
}

/// The request: what the path names goes there, and the rest into the query or the body.
fn asked(route: &Route, message: &[u8], cx: &Context) -> Result<http::Request<Bytes>, Error> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(message).map_err(|error| wrong(error.to_string()))?;
    let mut path = String::new();
    for part in route.template.split_inclusive('}') {
        let (text, name) = part.split_once('{').unwrap_or((part, ""));
        path.push_str(text);
        if let Some(name) = name.strip_suffix('}') {
            path.push_str(&escaped(&fields.remove(name).unwrap_or_default()));
        }
    }
    let mut request = request::Builder::new().method(route.verb.name());
    if let Some(key) = cx.idempotency_key() {
        request = request.header("idempotency-key", key);
    }
    if let Some(trace) = cx.trace() {
        request = request.header("traceparent", trace.to_string());
    }
    let made = if route.verb == Verb::Get {
        let query = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let query = query.collect::<Vec<_>>().join("&");
        request.uri(format!("{path}?{query}")).body(Bytes::new())
    } else {
        let body = Value::Object(fields).to_string();
        request.uri(path).header(CONTENT_TYPE, "application/json").body(body.into())
    };
    made.map_err(|error| wrong(error.to_string()))
}

fn escaped(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
}

/// What the answer means.
fn told(answer: Response<Bytes>) -> Result<Reply, Error> {
    let (head, body) = answer.into_parts();
    if head.status.is_success() {
        return Ok(Reply::new(Payload::unary(Codec::Json, body)));
    }
    // A problem of RFC 9457; what stands between may say less.
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = problem["code"].as_str().and_then(|code| code.parse().ok());
    let code = code.unwrap_or(Code::Unavailable);
    let message = problem["detail"].as_str().unwrap_or(head.status.as_str()).to_owned();
    let error = Error::new(code, message).with_origin(Origin::Peer);
    let details = problem["details"].as_array().into_iter().flatten().filter_map(detail);
    let error = details.fold(error, Error::with_detail);
    let silent = if code == Code::Unavailable { Recovery::Retry } else { Recovery::No };
    Err(error.with_recovery(recovery(&head.headers).unwrap_or(silent)))
}

fn detail(json: &Value) -> Option<Detail> {
    let value = STANDARD_NO_PAD.decode(json["value"].as_str()?).ok()?;
    Some(Detail::from_wire(json["type"].as_str()?, value.into()))
}

/// Whether to try again, in Kitfox's words or in HTTP's own.
fn recovery(headers: &HeaderMap) -> Option<Recovery> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    match number("grpc-retry-pushback-ms") {
        Some(..0) => Some(Recovery::Exhausted),
        Some(0) => Some(Recovery::Retry),
        Some(millis) => Some(Recovery::After(Duration::from_millis(millis.unsigned_abs()))),
        None => {
            let seconds = number(RETRY_AFTER.as_str())?;
            Some(Recovery::After(Duration::from_secs(seconds.unsigned_abs())))
        }
    }
}

fn wrong(why: String) -> Error {
    Error::new(Code::InvalidArgument, why).with_origin(Origin::Transport)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Route = Route { verb: Verb::Get, template: "/v1/orders/{id}/lines" };
    const PLACE: Route = Route { verb: Verb::Post, template: "/v1/orders" };

    #[test]
    fn what_the_path_names_goes_there_and_the_rest_into_the_query_or_the_body() {
        let cx = Context::background().with_idempotency_key("k").outgoing();
        let get = asked(&ORDER, br#"{"id":"a b","after":"7&"}"#, &cx).unwrap();
        assert_eq!(get.method(), "GET");
        assert_eq!(get.uri(), "/v1/orders/a%20b/lines?after=7%26");
        assert_eq!(get.headers()["idempotency-key"], "k");
        let post = asked(&PLACE, br#"{"card":"4242"}"#, &cx).unwrap();
        assert_eq!((post.method().as_str(), post.uri().path()), ("POST", "/v1/orders"));
        assert_eq!(post.body(), r#"{"card":"4242"}"#);
    }

    #[test]
    fn a_problem_is_an_error_with_its_details_and_its_advice() {
        let body = r#"{"code":"failed_precondition","detail":"sold out",
                       "details":[{"type":"google.rpc.ErrorInfo","value":"CgFSEgFk"}]}"#;
        let answer = Response::builder().status(400).body(Bytes::from(body)).unwrap();
        let error = told(answer).unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::FailedPrecondition, "sold out"));
        assert_eq!((error.origin(), error.recovery()), (Origin::Peer, Recovery::No));
        assert_eq!(&error.details()[0].value()[..], b"\n\x01R\x12\x01d");

        for (name, value, expected) in [
            ("grpc-retry-pushback-ms", "-1", Recovery::Exhausted),
            ("grpc-retry-pushback-ms", "0", Recovery::Retry),
            ("retry-after", "2", Recovery::After(Duration::from_secs(2))),
            ("x-other", "2", Recovery::Retry),
        ] {
            let answer = Response::builder().status(503).header(name, value);
            let error = told(answer.body(Bytes::new()).unwrap()).unwrap_err();
            assert_eq!((error.code(), error.recovery()), (Code::Unavailable, expected), "{name}");
        }
    }
}
