//! Who a request says it is for. A host serves every authority alike: neither the name of the host
//! nor the form of the target leads anywhere else than the path does.

use std::time::Duration;

use super::frames::*;
use super::port::Port;

#[tokio::test(start_paused = true)]
async fn the_form_of_the_target_leads_nowhere_else() {
    let port = Port::start().await;
    for (target, status) in [
        ("http://a/v1/look/seen", 200),
        ("http://other/v1/look/seen", 200),
        ("http://user:secret@other:1/v1/look/seen", 200),
        ("//other/v1/look/seen", 404),
        ("/./v1/look/seen", 404),
        ("/v1/../v1/look/seen", 404),
        ("/v1//look/seen", 404),
        ("/V1/look/seen", 404),
        ("/v1%2flook/seen", 404),
        ("/v1/look/seen/", 404),
        ("/hostile.v1.Hostile/../../v1/look/seen", 404),
        ("*", 404),
    ] {
        let line = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let said = port.tell(line).await;
        assert_eq!(said.statuses(), [status], "{target}: {}", said.text());
    }
    assert_eq!(port.victim.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_escaped_path_is_one_value() {
    let port = Port::start().await;
    let target = "/v1/look/..%2f..%2fadmin%3Flabel=x%00";
    let line = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let said = port.tell(line).await;
    assert!(said.text().contains(r#""label":"../../admin?label=x\u0000""#), "{}", said.text());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_none_is_refused() {
    let port = Port::start().await;
    for target in ["v1/look/a", "http://", "http:///v1/look/a", "/\u{7f}", "a:1"] {
        let line = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let said = port.tell(line).await;
        assert!(said.closed && !said.statuses().contains(&200), "{target}: {}", said.text());
    }
    assert_eq!(port.victim.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_authority_decides_nothing_over_http2() {
    let port = Port::start().await;
    let path = (":path", "/v1/look/seen");
    let rest = [(":method", "GET"), (":scheme", "http"), path];
    for (fields, answered) in [
        // None at all, another one beside it, with a user, empty.
        (&[][..], true),
        (&[(":authority", "a"), ("host", "b")], true),
        (&[("host", "b")], true),
        (&[(":authority", "user:secret@a")], true),
        // What is no authority, and what is there twice.
        (&[(":authority", "a b")], false),
        (&[(":authority", "a/v1")], false),
        (&[(":authority", "a"), (":authority", "b")], false),
    ] {
        let mut raw = port.http2(&[]).await;
        raw.send(frame(HEADERS, BOTH, 1, &block(&[&rest[..], fields].concat()))).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert_eq!(said.text().contains("seen"), answered, "{fields:?}: {:?}", frames(&said));
    }
    for path in ["", "v1/look/seen", "http://a/v1/look/seen", "/v1/look/se en"] {
        let mut raw = port.http2(&[]).await;
        let fields =
            [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)];
        raw.send(frame(HEADERS, BOTH, 1, &block(&fields))).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert!(!said.text().contains("seen"), "{path}: {:?}", frames(&said));
    }
    port.is_well().await;
}
