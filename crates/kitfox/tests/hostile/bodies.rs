//! Bodies where none belong, and bodies that never end.

use std::time::Duration;

use super::frames::*;
use super::port::Port;

#[tokio::test(start_paused = true)]
async fn a_body_on_get_is_neither_read_nor_taken_for_a_request() {
    let port = Port::start().await;
    let hidden = "GET /v1/look/hidden HTTP/1.1\r\nhost: a\r\n\r\n";
    let length = hidden.len();
    let rest = "/v1/look/seen";
    // {"label":"seen"}
    let connect = "/hostile.v1.Hostile/Look?encoding=json&base64=1&message=eyJsYWJlbCI6InNlZW4ifQ";
    let known = format!("content-length: {length}\r\n\r\n{hidden}");
    let chunked = "transfer-encoding: chunked";
    let chunked = format!("{chunked}\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    for (path, fields) in [(rest, &known), (rest, &chunked), (connect, &known), (connect, &chunked)]
    {
        let mut raw = port.connect().await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n{fields}")).await;
        raw.send("GET /v1/look/next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let said = raw.rest().await;
        assert!(said.text().contains("seen") && !said.text().contains("hidden"), "{}", said.text());
        // The next one is answered, or its connection is closed; nothing between the two is.
        let next = said.text().contains("next");
        assert_eq!(said.statuses().len(), if next { 2 } else { 1 }, "{}", said.text());
        assert!(said.closed);
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_on_get_is_not_waited_for() {
    let port = Port::start().await;
    for path in ["/v1/look/seen", "/hostile.v1.Hostile/Look?encoding=json&message=%7B%7D"] {
        let mut raw = port.connect().await;
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n")).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert_eq!(said.statuses(), [200], "{path}: {}", said.text());
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn an_application_beside_the_services_is_protected_as_well() {
    let hook = axum::routing::post(|body: axum::body::Bytes| async move { body });
    let stuck = axum::routing::get(|| async {
        std::future::pending::<()>().await;
    });
    let application = axum::Router::new().route("/hook", hook).route("/stuck", stuck);
    let port = Port::beside(application).await;
    let start = tokio::time::Instant::now();
    let mut slow = port.connect().await;
    slow.send("POST /hook HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc").await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    slow.send("def").await;
    let said = slow.rest().await;
    assert_eq!((said.statuses(), start.elapsed().as_secs()), (vec![400], 50), "{}", said.text());
    assert!(said.closed);

    let start = tokio::time::Instant::now();
    let said = port.tell("GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!((said.statuses(), start.elapsed().as_secs()), (vec![504], 60), "{}", said.text());
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_left_half_open_end() {
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    // As many as there may be: the first half wants one message, the rest a stream of them.
    for at in 0..200_u32 {
        let method = if at < 100 { "Echo" } else { "Gather" };
        raw.send(frame(HEADERS, END_HEADERS, 2 * at + 1, &call(method))).await;
    }
    raw.send(frame(HEADERS, BOTH, 401, &get("/v1/look/late"))).await;
    let early = raw.within(Duration::from_secs(29)).await;
    assert!(frames(&early).iter().any(|got| got.kind == RESET && got.stream == 401), "no place");
    // One message has the body's time, a stream the call's.
    let said = raw.within(Duration::from_secs(2)).await;
    let ended = |said: &super::port::Said| {
        let frames = frames(said);
        frames.iter().filter(|got| got.kind == RESET || got.flags & END_STREAM != 0).count()
    };
    assert!(ended(&said) >= 100, "{}", ended(&said));
    raw.send(frame(HEADERS, BOTH, 403, &get("/v1/look/place"))).await;
    let said = raw.within(Duration::from_secs(1)).await;
    assert!(said.text().contains("place"), "{:?}", frames(&said));
    assert_eq!(port.victim.calls(), 101);
    port.is_well().await;
}
