//! Requests, answers, panics, and what `accept` says.

use std::io;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::time::Instant;

use super::harness::*;

#[tokio::test(start_paused = true)]
async fn one_port_speaks_both_versions() {
    let port = port();
    let mut client = port.connect();
    for _ in 0..2 {
        client.send("POST /a HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody").await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("/a 4711 body"), "{answer}");
        assert!(!answer.contains("date:"), "time is the platform's: {answer}");
    }
    let (mut sender, _gone) = port.connect_http2().await;
    for _ in 0..2 {
        let request = Request::post("http://test/b").body(Full::new(Bytes::from("body"))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert!(!answer.headers().contains_key("date"));
        assert_eq!(text(answer).await, "/b 4711 body");
    }
}

#[tokio::test(start_paused = true)]
async fn pipelined_requests_are_answered_in_their_order() {
    let mut client = port().connect();
    client.send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").await;
    assert!(client.answer().await.ends_with("/1 4711 "));
    assert!(client.answer().await.ends_with("/2 4711 "));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_failure_of_its_request_only() {
    let port = port();
    let mut client = port.connect();
    assert!(client.ask("/panic").await.starts_with("HTTP/1.1 500 "));
    assert!(client.ask("/next").await.starts_with("HTTP/1.1 200 "));

    let (mut sender, _gone) = port.connect_http2().await;
    let waiting = sender.send_request(get("/wait"));
    let failed = sender.send_request(get("/panic")).await.unwrap();
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    port.told.add_permits(1);
    assert_eq!(waiting.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_head_has_no_body() {
    let port = port();
    let mut client = port.connect();
    client.send("HEAD /large HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    let both = client.rest().await;
    let [head, next, body] = both.split("\r\n\r\n").collect::<Vec<_>>()[..] else {
        panic!("{both}")
    };
    assert!(head.contains("content-length: 1048576"), "{head}");
    assert!(next.starts_with("HTTP/1.1 200 ") && body == "/b 4711 ", "{both}");

    let (mut sender, _gone) = port.connect_http2().await;
    let head = Request::head("http://test/large").body(Full::default()).unwrap();
    let answer = sender.send_request(head).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "1048576");
    assert_eq!(text(answer).await, "");
}

#[tokio::test(start_paused = true)]
async fn there_are_no_tunnels() {
    let port = port();
    let mut client = port.connect();
    client.send("CONNECT example.org:80 HTTP/1.1\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 501 "));

    let (mut sender, _gone) = port.connect_http2().await;
    let connect = Request::connect("example.org:80").body(Full::default()).unwrap();
    let refused = sender.send_request(connect).await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test(start_paused = true)]
async fn a_head_over_its_limit_is_refused() {
    let port = port_with(|limits| limits.header_bytes = 1000);
    let mut client = port.connect();
    client.send(&format!("GET / HTTP/1.1\r\nlong: {}\r\n\r\n", "x".repeat(2000))).await;
    assert!(client.rest().await.starts_with("HTTP/1.1 431 "));

    let (mut sender, _gone) = port.connect_http2().await;
    let mut request = get("/");
    request.headers_mut().insert("long", "x".repeat(2000).parse().unwrap());
    let refused = sender.send_request(request).await.map(|answer| answer.status());
    assert!(!matches!(refused, Ok(StatusCode::OK)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_the_limit_are_refused() {
    for (headers, count) in [(100, 101), (3, 4)] {
        let mut client = port_with(|limits| limits.headers = headers).connect();
        client.send(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count))).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 431 "));
    }
}

#[tokio::test(start_paused = true)]
async fn accepting_survives_its_errors_and_slows_down_where_something_is_wanting() {
    let port = port();
    let start = Instant::now();
    for _ in 0..100 {
        port.fail_accept(io::ErrorKind::ConnectionAborted);
    }
    assert!(port.connect().ask("/").await.contains(" 200 "));
    assert_eq!(start.elapsed(), seconds(0));
    // What EMFILE is to io::ErrorKind.
    for _ in 0..10 {
        port.fail_accept(io::ErrorKind::Other);
    }
    assert!(port.connect().ask("/").await.contains(" 200 "));
    let elapsed = start.elapsed();
    assert!(seconds(2) < elapsed && elapsed < seconds(5), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_over_the_limit_waits_for_its_place() {
    let port = port_with(|limits| limits.connections = 2);
    let (mut first, mut second) = (port.connect(), port.connect());
    first.ask("/").await;
    second.ask("/").await;
    let mut third = port.connect();
    third.send("GET / HTTP/1.1\r\n\r\n").await;
    let early = tokio::time::timeout(seconds(60), third.answer()).await;
    assert!(early.is_err(), "it has no place yet");
    drop(second);
    assert!(third.answer().await.contains(" 200 "));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_leaves_cancels_its_requests() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    let (mut sender, gone) = port.connect_http2().await;
    let waiting = task(&port, sender.send_request(get("/wait")));
    settle().await;
    assert_eq!(port.platform.tasks().running(), 5, "port, 2 connections, 2 of the client's");
    drop((client, sender, waiting));
    port.platform.tasks().end();
    gone.await.unwrap_err();
    port.platform.tasks().idle().await;
    settle().await;
    port.told.add_permits(2);
    settle().await;
    assert_eq!(port.told.available_permits(), 2, "nobody waits for them any more");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_in_the_middle_of_a_call_cancels_it() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    settle().await;
    assert_eq!(port.platform.tasks().running(), 2, "port and connection");
    drop(client);
    settle().await;
    assert_eq!(port.platform.tasks().running(), 1, "the connection is gone");
    port.told.add_permits(1);
    settle().await;
    assert_eq!(port.told.available_permits(), 1, "and its call with it");
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_sends_while_it_waits_is_its_next_request() {
    let port = port();
    let mut client = port.connect();
    let filler = "x".repeat(3000);
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    settle().await;
    for piece in ["POST /next HTTP/1.1\r\n", "content-length: 3000\r\n\r\n", &filler] {
        client.send(piece).await;
        settle().await;
    }
    port.told.add_permits(1);
    assert!(client.answer().await.contains("/wait"));
    assert!(client.answer().await.contains(&filler));
    assert!(client.ask("/again").await.contains("/again"));
}
