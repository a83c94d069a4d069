//! Answers whose headers are larger than the limit for them.

use http::Response;
use kitfox::transport::client::HttpVersion;
use kitfox::{Code, Error, Origin, Recovery};

use super::peer::*;

fn names_the_limit(error: &Error) {
    assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
    assert_eq!(error.recovery(), Recovery::No, "it would be as large again");
    let message = error.message();
    assert!(message.contains("16384 bytes") && message.contains("`header_bytes`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn over_http_2_the_limit_is_named() {
    // A little too large costs the call, much too large the connection.
    for size in [17_000, 27_000, 60_000, 200_000] {
        let mut peer = Peer::new().await;
        let channel = peer.grpc();
        let calling = peer.run(call(&channel));
        let connection = peer.accept_http2().await;
        let _server = peer.run(serve(connection, move |_, mut respond| {
            let head = Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "9")
                .header("grpc-status-details-bin", "x".repeat(size));
            respond.send_response(head.body(()).unwrap(), true).unwrap();
        }));
        let error = calling.await.unwrap().unwrap_err();
        names_the_limit(&error);
    }
}

#[tokio::test(start_paused = true)]
async fn over_http_1_the_limit_is_named() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let calling = peer.run(call(&channel));
    let mut connection = peer.accept().await;
    read_request(&mut connection).await.unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nx-large: {}\r\n\r\n", "x".repeat(20_000));
    write(&mut connection, &head).await;
    let error = calling.await.unwrap().unwrap_err();
    names_the_limit(&error);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_http_2_message_is_not_tried_again() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder().header("content-length", "seven").body(()).unwrap();
        respond.send_response(head, true).unwrap();
    }));
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.origin(), error.recovery()), (Origin::Transport, Recovery::No), "{error}");
    assert!(error.message().contains("no HTTP/2"), "{error}");
}
