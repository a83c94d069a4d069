//! What comes back, good and bad, on each protocol.

use bytes::Bytes;
use http::Response;
use kitfox::transport::client::{ChannelLimits, HttpVersion};
use kitfox::{Code, Metadata, Origin, Recovery};

use super::peer::*;

#[tokio::test(start_paused = true)]
async fn headers_and_trailers_travel_both_ways() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let mut metadata = Metadata::new();
    metadata.insert("x-tenant", "blue").unwrap();
    metadata.insert("host", "elsewhere").unwrap();
    let context = kitfox::Context::background().with_metadata(metadata).outgoing();
    let (outcome, ()) = tokio::join!(call_within(&channel, context), async {
        let mut connection = peer.accept().await;
        let request = read_request(&mut connection).await.unwrap();
        assert!(request.contains("\r\nx-tenant: blue\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nhost: {ADDRESS}\r\n")), "{request}");
        let extra = "200 OK\r\nx-cache: hit\r\ntrailer-x-cost: 7";
        write(&mut connection, &GOOD.replace("200 OK", extra)).await;
    });
    let reply = outcome.unwrap();
    let metadata = reply.metadata().unwrap();
    assert_eq!(metadata.headers.text("x-cache"), Some("hit"));
    assert_eq!(metadata.trailers.text("x-cost"), Some("7"));
}

#[tokio::test(start_paused = true)]
async fn a_connect_error_is_the_peers_word_with_its_metadata() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let body = r#"{"code":"unavailable","message":"too busy"}"#;
    let (outcome, ()) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        read_request(&mut connection).await.unwrap();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\nretry-after: 3\r\n\
             content-length: {length}\r\n\r\n"
        );
        write(&mut connection, &(head + body)).await;
    });
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Unavailable, "too busy"));
    assert_eq!((error.origin(), error.recovery()), (Origin::Peer, Recovery::After(seconds(3))));
    assert_eq!(error.metadata().unwrap().headers.text("retry-after"), Some("3"));
}

#[tokio::test(start_paused = true)]
async fn a_503_without_a_body_is_unavailable() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let (outcome, ()) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        read_request(&mut connection).await.unwrap();
        write(&mut connection, "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
    });
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Retry));
    assert!(error.message().contains("503"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_the_limit_is_not_read_to_its_end() {
    let limits = || {
        let mut limits = ChannelLimits::default();
        limits.answer_bytes = 1000;
        limits
    };
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).limits(limits()).build().unwrap();
    let (outcome, _connection) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        read_request(&mut connection).await.unwrap();
        let body = "x".repeat(1001);
        let head = GOOD.replace("content-length: 2\r\n\r\n{}", "content-length: 9999\r\n\r\n");
        write(&mut connection, &(head + &body)).await;
        connection
    });
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::ResourceExhausted, Origin::Transport));
    assert!(error.message().contains("1000 bytes"), "{error}");

    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http2).limits(limits()).build().unwrap();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder().header("content-type", "application/json");
        let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from(vec![b'x'; 1001]), true).unwrap();
    }));
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_the_window_comes_whole() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http2).build().unwrap();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder().header("content-type", "application/json");
        let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from(vec![b'x'; 4 * 1024 * 1024]), true).unwrap();
    }));
    assert_eq!(said(calling.await.unwrap()).len(), 4 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_grpc_status_alone_in_the_headers_is_an_answer() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", "5")
            .header("grpc-message", "no%20order");
        respond.send_response(head.body(()).unwrap(), true).unwrap();
    }));
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "no order"));
    assert_eq!(error.origin(), Origin::Peer);
}

#[tokio::test(start_paused = true)]
async fn a_grpc_answer_without_trailers_is_a_failure() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder().header("content-type", "application/grpc");
        let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from_static(b"\0\0\0\0\0"), true).unwrap();
    }));
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
    assert!(error.message().contains("grpc-status"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_grpc_request_carries_what_the_callee_needs() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let mut connection = peer.accept_http2().await;
    let (request, respond) = connection.accept().await.unwrap().unwrap();
    let (head, mut body) = request.into_parts();
    let _server = peer.run(serve(connection, |_, _| {}));
    assert_eq!(head.uri.path(), "/peer.v1.Peer/Say");
    assert_eq!(head.uri.authority().unwrap(), ADDRESS);
    assert_eq!(head.headers["content-type"], "application/grpc");
    assert_eq!(head.headers["te"], "trailers");
    assert_eq!(head.headers["grpc-timeout"], "10000000u");
    assert!(head.headers["user-agent"].to_str().unwrap().starts_with("kitfox/"));
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(bytes, b"\0\0\0\0\x02{}");
    answer_grpc(respond, b"hi");
    assert_eq!(said(calling.await.unwrap()), "hi");
}
