//! Streams by hand: what becomes of them when an end goes away in the middle.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::Stream;
use h2::{Reason, SendStream};
use kitfox::platform::Connection;
use kitfox::transport::client::{HttpVersion, Protocol};
use kitfox::{Channel, Code, Context, Error, MessageStream, Origin, Payload, Recovery};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::peer::*;

/// A caller's stream that fails after its first message.
struct Failing {
    begun: bool,
}

impl Stream for Failing {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(Some(match std::mem::replace(&mut self.begun, true) {
            false => Ok(Bytes::from_static(b"one")),
            true => Err(Error::new(Code::DataLoss, "the disk is gone")),
        }))
    }
}

/// Answers in gRPC-Web over HTTP/1.1 with a first message.
async fn begin_web(connection: &mut Connection) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/grpc-web+json\r\n\
                transfer-encoding: chunked\r\n\r\n8\r\n";
    write(connection, head).await;
    connection.write_all(&framed(0, b"one")).await.unwrap();
    write(connection, "\r\n").await;
}

async fn reset(stream: &mut SendStream<Bytes>) -> Reason {
    poll_fn(|cx| stream.poll_reset(cx)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_in_the_middle_resets_its_stream_only() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let (answer, mut stream) = halfway(&mut peer, &channel).await;
    drop(answer);
    assert_eq!(reset(&mut stream).await, Reason::CANCEL);
    assert_eq!(said(call(&channel).await), "hi");
}

#[tokio::test(start_paused = true)]
async fn over_http_1_an_answer_that_is_dropped_in_the_middle_closes_its_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).protocol(Protocol::GrpcWeb).build().unwrap();
    let asking = peer.run(ask(&channel));
    let mut connection = peer.accept().await;
    let mut request = vec![0; 64 * 1024];
    assert!(connection.read(&mut request).await.unwrap() > 0);
    begin_web(&mut connection).await;
    let mut answer = messages(asking.await.unwrap().unwrap());
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "one");
    drop(answer);
    while connection.read(&mut request).await.unwrap_or(0) > 0 {}
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_its_server_reads_nothing_resets_its_stream() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let sending = peer.run(send(&channel, Endless::default()));
    let mut connection = peer.accept_http2().await;
    let (_request, respond) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, b"one"), false).unwrap();
    let answer = messages(sending.await.unwrap().unwrap());
    // By now the request has filled its window, and waits.
    tokio::time::sleep(seconds(1)).await;
    drop(answer);
    let reason = tokio::time::timeout(seconds(100), reset(&mut stream)).await;
    assert_eq!(reason.expect("a reset comes"), Reason::CANCEL);
}

#[tokio::test(start_paused = true)]
async fn over_http_1_a_call_that_is_dropped_while_its_server_reads_nothing_closes_its_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).protocol(Protocol::GrpcWeb).build().unwrap();
    let endless = Endless::default();
    let alive = Arc::downgrade(&endless.asked);
    let sending = peer.run(send(&channel, endless));
    let mut connection = peer.accept().await;
    begin_web(&mut connection).await;
    let answer = messages(sending.await.unwrap().unwrap());
    // By now the request has filled every buffer, and waits.
    tokio::time::sleep(seconds(1)).await;
    assert!(alive.upgrade().is_some());
    drop(answer);
    tokio::time::sleep(seconds(100)).await;
    assert!(alive.upgrade().is_none(), "nobody lets go of the request");
}

#[tokio::test(start_paused = true)]
async fn a_stream_in_flight_outlives_goaway_and_new_calls_go_elsewhere() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let asking = peer.run(ask(&channel));
    let mut connection = peer.accept_http2().await;
    let (_, respond) = connection.accept().await.unwrap().unwrap();
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, b"one"), false).unwrap();
    connection.graceful_shutdown();
    let _draining = peer.run(serve(connection, |_, _| panic!("a call after GOAWAY")));
    let mut answer = messages(asking.await.unwrap().unwrap());
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "one");

    let new = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"new")));
    assert_eq!(said(new.await.unwrap()), "new");

    stream.send_data(framed(0, b"two"), false).unwrap();
    stream.send_trailers(headers(&[("grpc-status", "0"), ("x-cost", "7")])).unwrap();
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "two");
    assert!(next(&mut answer).await.is_none());
    let trailers = answer.trailers().unwrap().take().unwrap();
    assert_eq!(trailers.text("x-cost"), Some("7"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_its_server_resets_fails_and_is_not_tried_again() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let (mut answer, mut stream) = halfway(&mut peer, &channel).await;
    stream.send_reset(Reason::INTERNAL_ERROR);
    let error = next(&mut answer).await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
    assert_eq!(error.recovery(), Recovery::No);
    assert!(next(&mut answer).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_off_without_an_error_is_not_taken_for_a_whole_one() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http2).build().unwrap();
    let calling = peer.run(call(&channel));
    let mut connection = peer.accept_http2().await;
    let (_, mut respond) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, _| panic!("a second call")));
    let head = http::Response::builder().header("content-type", "application/json");
    let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::from_static(b"{}"), false).unwrap();
    tokio::time::sleep(seconds(1)).await;
    stream.send_reset(Reason::NO_ERROR);
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
}

#[tokio::test(start_paused = true)]
async fn a_server_may_answer_to_the_end_and_want_no_more() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let sending = peer.run(send(&channel, Endless::default()));
    let mut connection = peer.accept_http2().await;
    let (request, respond) = connection.accept().await.unwrap().unwrap();
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, b"enough"), false).unwrap();
    stream.send_trailers(headers(&[("grpc-status", "0")])).unwrap();
    // Now h2 resets what is left of the stream, with NO_ERROR.
    drop((request, stream));
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    let mut answer = messages(sending.await.unwrap().unwrap());
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "enough");
    assert!(next(&mut answer).await.is_none());
    assert_eq!(said(call(&channel).await), "hi");
}

#[tokio::test(start_paused = true)]
async fn a_callers_stream_that_fails_is_reset_and_its_caller_gets_the_reason() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let sending = peer.run(send(&channel, Failing { begun: false }));
    let mut connection = peer.accept_http2().await;
    let (_, mut respond) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(poll_fn(|cx| respond.poll_reset(cx)).await.unwrap(), Reason::CANCEL);
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "the disk is gone"));
    assert_eq!(said(call(&channel).await), "hi");
}

#[tokio::test(start_paused = true)]
async fn over_http_1_a_callers_stream_that_fails_closes_its_connection_before_the_end() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).protocol(Protocol::GrpcWeb).build().unwrap();
    let sending = peer.run(send(&channel, Failing { begun: false }));
    let mut connection = peer.accept().await;
    let mut request = Vec::new();
    // A connection that is cut off ends the reading, too.
    let _ = connection.read_to_end(&mut request).await;
    assert!(!request.ends_with(b"0\r\n\r\n"), "{}", request.escape_ascii());
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "the disk is gone"));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_call_has_a_minute_and_a_stream_an_hour() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let hour = seconds(60 * 60);
    let begun = tokio::time::Instant::now();
    let payload = Payload::unary(channel.codec(), Bytes::from_static(b"{}"));
    let asking = peer.run(call_with(&channel, &MANY, Context::background(), payload));
    let mut connection = peer.accept_http2().await;
    let (request, respond) = connection.accept().await.unwrap().unwrap();
    assert_eq!(request.headers()["grpc-timeout"], "3600000m");
    let mut held = Vec::new();
    let _server =
        peer.run(serve(connection, move |request, respond| held.push((request, respond))));
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, b"one"), false).unwrap();
    let mut answer = messages(asking.await.unwrap().unwrap());
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "one");

    // Neither of these is answered.
    let error = call_within(&channel, Context::background()).await.unwrap_err();
    assert_eq!((error.code(), begun.elapsed().as_secs()), (Code::DeadlineExceeded, 60));
    let nothing = MessageStream::new(futures_util::stream::pending());
    let payload = Payload::stream(channel.codec(), nothing);
    let waiting = peer.run(call_with(&channel, &BOTH, Context::background(), payload));

    tokio::time::sleep_until(begun + hour - seconds(1)).await;
    stream.send_data(framed(0, b"two"), false).unwrap();
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "two");
    let error = next(&mut answer).await.unwrap().unwrap_err();
    assert_eq!((error.code(), begun.elapsed().as_secs()), (Code::DeadlineExceeded, 3600));
    assert!(error.message().contains("3600s"), "{error}");
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.code(), begun.elapsed().as_secs()), (Code::DeadlineExceeded, 3660));
}
