//! Requests, from the request line to the answer: paths, queries, headers, frames, messages.
//!
//! ```text
//! POST /strings.v1.Strings/Uppercase 2
//! content-type: application/grpc
//!
//! <the body>
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, Version};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kitfox::platform::{Random, Tcp};
use kitfox::transport::{Handler, Limits};
use kitfox::{Peer, Platform, Services};
use strings::{Service, StringsServer};

use super::text::{cut, head_and_rest, headers};
use crate::{outcome, runtime};

pub(super) const WORDS: &[&str] = &[
    "POST ",
    "GET ",
    "PUT ",
    "OPTIONS ",
    "HEAD ",
    " 1",
    " 2",
    "\n",
    "\n\n",
    "/v1/uppercase",
    "/v1/count/a",
    "/v1/words/a%20b",
    "/strings.v1.Strings/Uppercase",
    "/strings.v1.Strings/Count",
    "/strings.v1.Strings/Words",
    "/strings.v1.Strings/Join",
    "/strings.v1.Strings/Chat",
    "?text=",
    "?encoding=json&message=%7B%7D",
    "&connect=v1",
    "&base64=1",
    "&compression=gzip",
    "%2F",
    "+",
    "content-type: application/json",
    "content-type: application/proto",
    "\0\0\0\0\u{3}\n\u{1}a",
    "content-type: application/grpc",
    "content-type: application/grpc-web+proto",
    "{\"text\":\"a\"}",
    "content-type: application/grpc-web-text",
    "content-type: application/connect+json",
    "content-type: application/connect+proto",
    "\u{2}\0\0\0\u{2}{}",
    "te: trailers",
    "accept: text/event-stream",
    "accept: application/jsonl",
    "accept-encoding: gzip",
    "grpc-encoding: gzip",
    "connect-content-encoding: gzip",
    "content-encoding: gzip",
    "connect-protocol-version: 1",
    "grpc-timeout: 1S",
    "connect-timeout-ms: 100",
    "origin: http://a",
    "access-control-request-method: POST",
    "baggage: a=1",
    "traceparent: 00-",
    "access-control-request-headers: x",
];

/// What came back: status, headers, body, trailers.
type Said = (u16, http::HeaderMap, Bytes, Option<http::HeaderMap>);

pub(super) fn run(input: &[u8]) -> u64 {
    let (lines, body) = head_and_rest(input);
    let [line, fields @ ..] = &lines[..] else { return 0 };
    let mut words = line.split(' ');
    let (Some(verb), Some(uri)) = (words.next(), words.next()) else { return 0 };
    let version = if words.next() == Some("1") { Version::HTTP_11 } else { Version::HTTP_2 };
    let mut request = Request::new(());
    let (Ok(verb), Ok(uri)) = (verb.try_into(), uri.try_into()) else { return 0 };
    *request.method_mut() = verb;
    *request.uri_mut() = uri;
    *request.version_mut() = version;
    *request.headers_mut() = headers(fields);

    let whole = vec![Bytes::copy_from_slice(body)];
    let whole = if body.is_empty() { Vec::new() } else { whole };
    let said = answer(&request, whole);
    let pieces = answer(&request, cut(body, line.len() as u64));
    let (status, headers, text, trailers) = &said;
    // Of two things that are wrong, either may be seen first.
    if !(is_failure(&said) && is_failure(&pieces)) {
        let others = (&pieces.0, &pieces.2, &pieces.3);
        assert_eq!((status, text, trailers), others, "the cuts are seen");
    }
    check(&request, &said);
    let stated = trailers.as_ref().and_then(|trailers| trailers.get("grpc-status"));
    let stated = stated.or_else(|| headers.get("grpc-status"));
    let kind = headers.get("content-type");
    let told = format!("{kind:?}{stated:?}{}", String::from_utf8_lossy(text));
    outcome::both(u64::from(*status), outcome::of(&told))
}

/// Whether an answer says that something is wrong, on any wire.
fn is_failure((status, headers, body, trailers): &Said) -> bool {
    let body = BASE64.decode(body).unwrap_or_else(|_| body.to_vec());
    let says = |what: &[u8]| body.windows(what.len()).any(|part| part == what);
    let stated = trailers.iter().chain([headers]).find_map(|map| map.get("grpc-status"));
    *status != 200
        || stated.is_some_and(|status| status != "0")
        || says(b"\"error\"")
        || (says(b"grpc-status: ") && !says(b"grpc-status: 0"))
}

/// What must hold of any answer.
fn check(request: &Request<()>, (status, headers, body, trailers): &Said) {
    let asked = request.headers().contains_key("accept-encoding");
    assert!(asked || !headers.contains_key("content-encoding"), "nobody asked to compress it");
    let kind = headers.get("content-type").map(|kind| kind.to_str().expect("it is ASCII"));
    match kind {
        Some("application/json" | "application/problem+json")
            if request.method() != http::Method::HEAD
                && !headers.contains_key("content-encoding") =>
        {
            let _: serde_json::Value = serde_json::from_slice(body).expect("JSON is JSON");
        }
        Some(kind) if kind.starts_with("application/grpc") && !kind.contains("web") => {
            let stated = trailers.as_ref().is_some_and(|map| map.contains_key("grpc-status"))
                || headers.contains_key("grpc-status");
            assert!(stated || *status != 200, "an answer of gRPC has a status");
        }
        _ => {}
    }
    // Nobody did anything that only a broken server answers.
    assert!(*status != 500, "{}", String::from_utf8_lossy(body));
}

fn answer(request: &Request<()>, pieces: Vec<Bytes>) -> Said {
    let pieces = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
    let body = StreamBody::new(futures_util::stream::iter(pieces));
    let platform = Platform::new(Tcp, Random::seeded(1));
    let services = Services::new().serve(StringsServer::new(Service));
    let wires = services.wires(&platform, &Limits::default()).expect("its routes are its own");
    let peer = Peer::new(([127, 0, 0, 1], 1).into());
    runtime::run(async {
        let response = wires.handle(&peer, request.clone().map(|()| body)).await;
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.expect("an answer's failure is within it");
        let trailers = collected.trailers().cloned();
        (parts.status.as_u16(), parts.headers, collected.to_bytes(), trailers)
    })
}
