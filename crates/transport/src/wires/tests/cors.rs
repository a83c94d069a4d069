//! Calls from pages.

use http::Request;
use http_body_util::Full;

use super::{JSON, get, with};
use crate::wires::testing::{Answer, exchange, port, request};
use crate::wires::{Cors, CorsError, RouteError, Wires};
use kitfox_core::BoxEndpoint;

const APP: &str = "https://app.example";

fn wires(cors: Cors) -> Wires<BoxEndpoint> {
    port().cors(cors).build().unwrap()
}

fn preflight(path: &str, origin: &'static str) -> Request<Full<bytes::Bytes>> {
    let mut request = Request::options(path).body(Full::default()).unwrap();
    let wanted = "connect-protocol-version,connect-timeout-ms,content-type,x-grpc-web,\
                  grpc-timeout,x-user-agent,authorization,x-own";
    for (name, value) in [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", wanted),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn allowed(answer: &Answer) -> (&str, &str) {
    (
        answer.header("access-control-allow-origin"),
        answer.header("access-control-allow-credentials"),
    )
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_it_may() {
    let wires = wires(Cors::origins([APP]).with_credentials());
    for path in ["/a.v1.A/Echo", "/v1/echo", "/a.v1.A/Flow", "/v1/echo/x"] {
        let told = exchange(&wires, preflight(path, APP)).await;
        assert_eq!((told.status.as_u16(), allowed(&told)), (204, (APP, "true")), "{path}");
        assert!(told.header("access-control-allow-methods").contains("POST"));
        let headers = told.header("access-control-allow-headers");
        for name in ["connect-protocol-version", "x-grpc-web", "grpc-timeout", "authorization"] {
            assert!(headers.contains(name), "{path} {name}");
        }
        assert_eq!(told.header("access-control-max-age"), "7200");
        let vary: Vec<_> = told.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["origin", "access-control-request-headers"]);
    }
    let other = exchange(&wires, preflight("/v1/echo", "https://evil.example")).await;
    assert_eq!((other.status.as_u16(), allowed(&other)), (204, ("", "")));
    assert_eq!(other.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn a_page_may_read_the_answer_and_all_its_headers() {
    let wires = wires(Cors::origins([APP]));
    let call = || with(request("/a.v1.A/Echo", JSON, "{}"), "x-want", "metadata");
    let read = exchange(&wires, with(call(), "origin", APP)).await;
    assert_eq!((read.text(), allowed(&read)), ("{}", (APP, "")));
    let exposed = read.header("access-control-expose-headers");
    assert_eq!(exposed, "x-own, trailer-x-sum");
    assert_eq!(read.header("vary"), "origin");
    let failed = exchange(&wires, with(request("/v1/nope", JSON, ""), "origin", APP)).await;
    assert_eq!((failed.status.as_u16(), allowed(&failed).0), (404, APP));
    for origin in ["https://evil.example", "null", "https://app.example.evil"] {
        let hidden = exchange(&wires, with(call(), "origin", origin)).await;
        assert_eq!((hidden.text(), allowed(&hidden)), ("{}", ("", "")), "{origin}");
        assert_eq!(hidden.header("vary"), "origin");
    }
    assert_eq!(exchange(&wires, call()).await.header("vary"), "origin", "a cache must know");
}

#[tokio::test]
async fn any_page_is_any_page() {
    let wires = wires(Cors::any());
    let call = request("/a.v1.A/Flow", "application/grpc-web", "\0\0\0\0\x01a");
    let read = exchange(&wires, with(call, "origin", "https://one.example")).await;
    assert_eq!((allowed(&read), read.header("vary")), (("*", ""), ""));
    assert_eq!(exchange(&wires, get("/v1/flow")).await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn nobody_asks_where_nothing_is_allowed() {
    let wires = port().build().unwrap();
    assert_eq!(exchange(&wires, preflight("/v1/echo", APP)).await.status.as_u16(), 405);
    let call = with(request("/a.v1.A/Echo", JSON, "{}"), "origin", APP);
    assert_eq!(allowed(&exchange(&wires, call).await), ("", ""));
}

#[test]
fn what_cannot_be_allowed_is_told_at_the_start() {
    let error = port().cors(Cors::origins(["https://app.example/"])).build().unwrap_err();
    assert!(matches!(error, RouteError::Cors(CorsError::NoOrigin(_))), "{error}");
}
