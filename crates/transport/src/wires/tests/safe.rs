//! Safe methods by GET, and what HEAD says of them.

use http::{Method, Request, Version};
use http_body_util::Full;
use serde_json::Value;

use super::{JSON, answer, get, json, with};

#[tokio::test]
async fn a_safe_method_is_called_by_get() {
    for (query, content_type, message) in [
        ("connect=v1&encoding=json&message=%7B%22a%22%3A1%7D", JSON, r#"{"a":1}"#),
        ("encoding=json&base64=1&message=e30", JSON, "{}"),
        ("encoding=proto&base64=1&message=aGk%3D", "application/proto", "hi"),
    ] {
        let got = answer(get(&format!("/a.v1.A/Look?{query}"))).await;
        assert_eq!((got.status.as_u16(), got.text()), (200, message), "{query}");
        assert_eq!(got.header("content-type"), content_type);
    }
    let refused = answer(get("/a.v1.A/Echo?encoding=json&message=%7B%7D")).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_as_json() {
    for (query, status) in
        [("", 415), ("encoding=json", 400), ("encoding=json&message=&compression=br", 501)]
    {
        let refused = answer(get(&format!("/a.v1.A/Look?{query}"))).await;
        assert_eq!(refused.status.as_u16(), status, "{query}");
        assert!(json(&refused)["message"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_by_get_has_metadata_and_a_deadline() {
    let look = || get("/a.v1.A/Look?encoding=json&message=%7B%7D");
    let got = answer(with(look(), "x-want", "metadata")).await;
    assert_eq!((got.header("x-own"), got.header("trailer-x-sum")), ("head", "tail"));
    let late = answer(with(look(), "connect-timeout-ms", "0")).await;
    assert_eq!(json(&late)["code"], Value::from("deadline_exceeded"));
}

#[tokio::test]
async fn what_a_cache_may_keep_says_what_it_depends_on() {
    let look = || get("/a.v1.A/Look?encoding=json&message=%7B%7D");
    let kept = answer(with(look(), "x-cache", "max-age=60")).await;
    assert_eq!(
        (kept.header("cache-control"), kept.header("vary")),
        ("max-age=60", "accept-encoding")
    );
    assert_eq!(answer(look()).await.header("vary"), "");
}

fn head(path: &str) -> Request<Full<bytes::Bytes>> {
    let request = Request::head(path).version(Version::HTTP_2);
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn head_says_what_get_would_without_the_body() {
    for path in ["/a.v1.A/Look?encoding=json&message=%7B%7D", "/v1/echo/x"] {
        let (got, said) = (answer(get(path)).await, answer(head(path)).await);
        assert_eq!((said.status, said.body.len()), (got.status, 0), "{path}");
        assert_eq!(said.header("content-type"), got.header("content-type"));
        assert_eq!(said.header("content-length"), got.body.len().to_string());
    }
    for path in ["/a.v1.A/Echo", "/v1/echo"] {
        let refused = answer(head(path)).await;
        assert_eq!(refused.status.as_u16(), 405, "{path}");
        assert!(!refused.header("allow").contains(Method::HEAD.as_str()), "{path}");
    }
}
