//! Streams over connections, by hand.

use bytes::Bytes;
use http::Request;
use kitfox::platform::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::exchange::{GRPC, Port, begin, frame};
use super::service::Seen;

const CONNECT: &str = "application/connect+json";

/// Reads until `text` has come, and gives all that came before it.
async fn read_until(connection: &mut Connection, text: &str) -> String {
    let mut bytes = Vec::new();
    loop {
        let read = String::from_utf8_lossy(&bytes);
        if let Some(end) = read.find(text) {
            return read[..end].to_owned();
        }
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "{bytes:?}");
    }
}

/// Begins a stream of answers over HTTP/1.1.
async fn flow(port: &Port, path: &str, head: &[&str]) -> Connection {
    let mut connection = port.connect().await;
    let order = br#"{"text":"first"}"#;
    let body = if head[0].contains(CONNECT) { frame(order) } else { order.to_vec() };
    begin(&mut connection, &format!("POST {path}"), head, &body).await;
    connection
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_while_the_next_one_is_waited_for() {
    let port = Port::start().await;
    let json = "content-type: application/json";
    for (path, head, kind) in [
        ("/v1/flow", [json, "accept: text/event-stream"], "text/event-stream"),
        ("/v1/flow", [json, "accept: */*"], "application/x-ndjson"),
        ("/wired.v1.Wired/Flow", ["content-type: application/connect+json", "x-y: z"], CONNECT),
    ] {
        let mut connection = flow(&port, path, &head).await;
        let head = read_until(&mut connection, r#"{"text":"first"}"#).await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(kind), "{head}");
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_caller_is_gone_is_dropped() {
    let port = Port::start().await;
    let seen = &port.real.0;
    for (at, (path, kind)) in [
        ("/v1/flow", "content-type: application/json"),
        ("/wired.v1.Wired/Flow", "content-type: application/connect+json"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut connection = flow(&port, path, &[kind]).await;
        read_until(&mut connection, "first").await;
        assert_eq!(Seen::count(&seen.dropped), at);
        drop(connection);
        seen.ended.notified().await;
        assert_eq!(Seen::count(&seen.dropped), at + 1, "{path}");
    }
    let mut sender = port.http2().await;
    let request = Request::post("http://test/wired.v1.Wired/Flow").header("content-type", GRPC);
    let (answer, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    stream.send_data(frame(b"").into(), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), frame(b""));
    stream.send_reset(h2::Reason::CANCEL);
    seen.ended.notified().await;
    assert_eq!(Seen::count(&seen.dropped), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_requests_ends_only_with_its_end() {
    let port = Port::start().await;
    let seen = &port.real.0;
    let head = ["content-type: application/connect+json", "transfer-encoding: chunked"];
    let line = "POST /wired.v1.Wired/Gather";
    let message = format!("7\r\n{}\r\n", String::from_utf8(frame(b"{}")).unwrap());

    let mut connection = port.connect().await;
    begin(&mut connection, line, &head, message.as_bytes()).await;
    seen.begun.notified().await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    connection.write_all(message.as_bytes()).await.unwrap();
    connection.write_all(b"0\r\n\r\n").await.unwrap();
    read_until(&mut connection, r#"{"count":2}"#).await;
    seen.ended.notified().await;
    assert_eq!(Seen::count(&seen.finished), 1, "a silent caller is waited for");

    let mut torn = port.connect().await;
    begin(&mut torn, line, &head, message.as_bytes()).await;
    seen.begun.notified().await;
    drop(torn);
    seen.ended.notified().await;
    assert_eq!((Seen::count(&seen.finished), Seen::count(&seen.dropped)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn many_messages_become_one_over_grpc() {
    let port = Port::start().await;
    let mut sender = port.http2().await;
    let request = Request::post("http://test/wired.v1.Wired/Gather").header("content-type", GRPC);
    let (answer, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    for _ in 0..3 {
        stream.send_data(Bytes::from(frame(b"")), false).unwrap();
    }
    stream.send_data(Bytes::new(), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), frame(b"\x10\x03"));
    let trailers = body.trailers().await.unwrap().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
}
