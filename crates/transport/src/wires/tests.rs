//! What comes back for requests of every kind, without a socket.

mod compression;
mod cors;
mod routes;
mod safe;
mod streams;

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use kitfox_core::contract::{Route, Verb};
use kitfox_core::{BoxEndpoint, Method, Peer};
use serde_json::Value;
use tower_service::Service;

use super::testing::{Answer, echo, echo_twice, exchange, frame, port, request, unary};
use super::{RouteError, WireBody, Wires};
use crate::Handler;

const JSON: &str = "application/json";
const GRPC: &str = "application/grpc";

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

async fn answer(request: Request<Full<Bytes>>) -> Answer {
    exchange(&port().build().unwrap(), request).await
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).version(Version::HTTP_2).body(Full::default()).unwrap()
}

fn with(
    mut request: Request<Full<Bytes>>,
    name: &'static str,
    value: &'static str,
) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test]
async fn a_method_is_on_all_three_wires() {
    let connect = answer(request("/a.v1.A/Echo", JSON, "{}")).await;
    assert_eq!((connect.status.as_u16(), connect.text()), (200, "{}"));
    assert_eq!(connect.header("content-type"), JSON);
    let grpc = answer(request("/a.v1.A/Echo", GRPC, frame(b"hi"))).await;
    assert_eq!((grpc.status.as_u16(), &grpc.body[..]), (200, &frame(b"hi")[..]));
    assert_eq!(grpc.header("content-type"), GRPC);
    assert_eq!(grpc.trailers["grpc-status"], "0");
    let rest = answer(request("/v1/echo", JSON, "{}")).await;
    assert_eq!((rest.status.as_u16(), rest.text()), (200, "{}"));
    assert_eq!(rest.header("content-type"), JSON);
}

#[tokio::test]
async fn rest_says_the_status_and_the_headers_that_the_method_set() {
    let rest = answer(with(request("/v1/echo", JSON, "{}"), "x-want", "metadata")).await;
    assert_eq!(rest.status.as_u16(), 201);
    assert_eq!((rest.header("x-own"), rest.header("trailer-x-sum")), ("head", "tail"));
    assert!(!rest.headers.contains_key("content-length"), "the method has no say in that");
}

#[tokio::test]
async fn a_failure_over_rest_is_a_problem() {
    let problem = answer(request("/v1/fail", JSON, "\"8 details\"")).await;
    assert_eq!(problem.status.as_u16(), 429);
    assert_eq!(problem.header("content-type"), "application/problem+json");
    let body = json(&problem);
    assert_eq!(body["type"], "about:blank");
    assert_eq!(body["title"], "Too Many Requests");
    assert_eq!(body["status"], 429);
    assert_eq!(body["detail"], "100 % „weg“");
    assert_eq!(body["code"], "resource_exhausted");
    assert_eq!(body["details"][0]["type"], "a.v1.Why");
    assert_eq!(body["details"][0]["value"], "CAc");
    let after = answer(request("/v1/fail", JSON, "\"14 after\"")).await;
    assert_eq!(after.header("retry-after"), "2");
    let canceled = answer(request("/v1/fail", JSON, "\"1 plain\"")).await;
    assert_eq!(json(&canceled)["title"], "Client Closed Request");
}

#[tokio::test]
async fn a_wrong_http_method_is_told_the_right_ones() {
    for (path, allowed) in [
        ("/a.v1.A/Echo", "POST"),
        ("/a.v1.A/Look", "POST, GET, HEAD"),
        ("/v1/echo", "POST"),
        ("/v1/echo/x", "GET, HEAD"),
    ] {
        let put = Request::put(path).body(Full::default()).unwrap();
        let refused = answer(put).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, allowed), "{path}");
        assert!(refused.text().contains(path) && refused.text().contains("PUT"), "{path}");
    }
    assert_eq!(answer(get("/a.v1.A/Echo")).await.status, 405);
}

#[tokio::test]
async fn a_wrong_content_type_is_told_the_right_ones() {
    for (path, accepted) in [("/a.v1.A/Echo", GRPC), ("/v1/echo", JSON)] {
        let refused = answer(request(path, "text/plain", "{}")).await;
        assert_eq!(refused.status.as_u16(), 415, "{path}");
        assert!(refused.header("accept-post").contains(accepted), "{path}");
        assert!(refused.text().contains("text/plain"), "{path}");
        assert_eq!(answer(request(path, "", "{}")).await.status.as_u16(), 415, "{path}");
    }
    let refused = answer(request("/a.v1.A/Echo", "application/grpc+thrift", frame(b""))).await;
    assert_eq!(refused.header("grpc-status"), "12");
    assert!(refused.header("grpc-message").contains("application/grpc+thrift"));
}

#[tokio::test]
async fn what_is_not_there_is_named_on_its_own_wire() {
    let connect = answer(request("/a.v1.A/Nope", JSON, "{}")).await;
    assert_eq!((connect.status.as_u16(), &json(&connect)["code"]), (404, &"unimplemented".into()));
    assert!(connect.text().contains("/a.v1.A/Nope"));
    let grpc = answer(request("/b.v1.B/Nope", GRPC, frame(b""))).await;
    assert_eq!((grpc.status.as_u16(), grpc.header("grpc-status")), (200, "12"));
    assert!(grpc.header("grpc-message").contains("/b.v1.B/Nope"));
    let web = answer(request("/b.v1.B/Nope", "application/grpc-web", frame(b""))).await;
    assert!(String::from_utf8_lossy(&web.body).contains("grpc-status: 12"));
    let rest = answer(get("/v1/nope")).await;
    assert_eq!(rest.status.as_u16(), 404);
    assert_eq!(rest.header("content-type"), "application/problem+json");
    assert!(rest.text().contains("GET /v1/nope"));
    let lacking = answer(get("/v1/echo/")).await;
    assert_eq!(lacking.status.as_u16(), 404);
    assert!(lacking.text().contains("/v1/echo/{text}"), "{}", lacking.text());
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_on_every_wire() {
    let large = "x".repeat(1001);
    for path in ["/a.v1.A/Echo", "/v1/echo"] {
        let refused = answer(request(path, JSON, large.clone())).await;
        assert_eq!((refused.status.as_u16(), refused.header("connection")), (413, "close"));
        assert_eq!(json(&refused)["code"], "resource_exhausted");
        assert!(refused.text().contains("1000 bytes"));
    }
    let grpc = answer(request("/a.v1.A/Echo", GRPC, frame(large.as_bytes()))).await;
    assert_eq!((grpc.status.as_u16(), grpc.header("grpc-status")), (200, "8"));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_held_on_every_wire() {
    let connect = with(request("/a.v1.A/Wait", JSON, "{}"), "connect-timeout-ms", "50");
    let late = answer(connect).await;
    assert_eq!((late.status.as_u16(), &json(&late)["code"]), (504, &"deadline_exceeded".into()));
    let grpc = with(request("/a.v1.A/Wait", GRPC, frame(b"")), "grpc-timeout", "50m");
    assert_eq!(answer(grpc).await.header("grpc-status"), "4");
    let web = request("/a.v1.A/Wait", "application/grpc-web", frame(b""));
    let before = tokio::time::Instant::now();
    let late = answer(with(web, "grpc-timeout", "50m")).await;
    assert!(String::from_utf8_lossy(&late.body).contains("grpc-status: 4"));
    assert!((50..=51).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
    // Nobody waits longer than the port's own limit.
    let before = tokio::time::Instant::now();
    assert_eq!(answer(request("/a.v1.A/Wait", JSON, "{}")).await.status.as_u16(), 504);
    assert_eq!(before.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn grpc_over_http1_is_told_to_use_http2() {
    let mut old = request("/a.v1.A/Echo", GRPC, frame(b""));
    *old.version_mut() = Version::HTTP_11;
    let refused = answer(old).await;
    assert_eq!(refused.header("grpc-status"), "12");
    assert!(refused.header("grpc-message").contains("HTTP/2"));
}

/// Says what it was asked for.
#[derive(Clone)]
struct Page;

impl Service<Request<WireBody>> for Page {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<WireBody>) -> Self::Future {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let peer = request.extensions().get::<Peer>().map(|peer| peer.address().to_string());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body);
            let text = format!("page {path} {body} for {}", peer.unwrap_or_default());
            Ok(Response::new(Full::new(text.into())))
        })
    }
}

#[tokio::test]
async fn an_application_gets_what_is_no_service_and_no_route() {
    let wires = port().fallback(Page).build().unwrap();
    let text = async |request| exchange(&wires, request).await.text().to_owned();
    assert_eq!(
        text(request("/pages", "text/plain", "raw")).await,
        "page /pages raw for 127.0.0.1:7"
    );
    assert_eq!(
        text(request("/other.v1.O/M", GRPC, "x")).await,
        "page /other.v1.O/M x for 127.0.0.1:7"
    );
    assert!(text(request("/a.v1.A/Nope", JSON, "{}")).await.contains("unimplemented"));
    assert!(text(get("/v1/echo")).await.contains("takes POST"));
}

#[tokio::test]
async fn wires_are_a_tower_service() {
    let mut wires: Wires<BoxEndpoint> = port().build().unwrap();
    let response = wires.call(request("/v1/echo", JSON, "{}")).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "{}");
}

#[test]
fn a_service_is_served_once_only() {
    let error = echo_twice().build().unwrap_err();
    assert!(matches!(error, RouteError::SamePath { path: "/a.v1.A/Echo" }), "{error}");
}

#[test]
fn a_route_does_not_hide_behind_a_method() {
    static HIDDEN: Method =
        unary("b.v1.B", "M", "/b.v1.B/M", &[Route { verb: Verb::Get, template: "/a.v1.A/Echo" }]);
    let endpoint = echo();
    let error = port().method(&HIDDEN, endpoint).build().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/a.v1.A/Echo") && text.contains("/b.v1.B/M"), "{text}");
}

#[test]
fn the_future_of_a_call_stays_small() {
    let wires = port().build().unwrap();
    let peer = Peer::new(([127, 0, 0, 1], 7).into());
    let future = wires.handle(&peer, request("/v1/echo", JSON, "{}"));
    assert!(size_of_val(&future) <= 648, "{} bytes", size_of_val(&future));
}
