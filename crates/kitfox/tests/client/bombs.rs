//! Answers that are larger than they look: nothing above `answer_bytes` is unpacked or waited for.

use bytes::Bytes;
use http::Response;
use kitfox::transport::client::HttpVersion;
use kitfox::{Code, Error, Origin};

use super::peer::*;

/// 32 MiB of zeros, in 32 KiB.
const BOMB: &[u8] = include_bytes!("../hostile/bomb.gz");

#[track_caller]
fn names_the_limit(error: &Error) {
    assert_eq!((error.code(), error.origin()), (Code::ResourceExhausted, Origin::Transport));
    assert!(error.message().contains("4194304 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_compressed_answer_is_unpacked_no_further_than_the_limit() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http2).build().unwrap();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, mut respond| {
        let head = Response::builder()
            .header("content-type", "application/json")
            .header("content-encoding", "gzip");
        let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from_static(BOMB), true).unwrap();
    }));
    names_the_limit(&calling.await.unwrap().unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn a_compressed_message_is_unpacked_no_further_than_the_limit() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let asking = peer.run(ask(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| {
        let mut stream = begin_grpc(respond, &[("grpc-encoding", "gzip")]);
        stream.send_data(framed(1, BOMB), false).unwrap();
        stream.send_trailers(headers(&[("grpc-status", "0")])).unwrap();
    }));
    names_the_limit(&calling.await.unwrap().unwrap_err());
    let failed = match asking.await.unwrap() {
        Ok(reply) => next(&mut messages(reply)).await.unwrap().unwrap_err(),
        Err(error) => error,
    };
    names_the_limit(&failed);
}

#[tokio::test(start_paused = true)]
async fn a_length_above_the_limit_is_refused_before_its_message_comes() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let (mut answer, mut stream) = halfway(&mut peer, &channel).await;
    stream.send_data(Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]), false).unwrap();
    names_the_limit(&next(&mut answer).await.unwrap().unwrap_err());
    let reason = std::future::poll_fn(|cx| stream.poll_reset(cx)).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
}
