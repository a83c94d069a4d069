//! Several connections of HTTP/2 to one server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use h2::server::{Connection as Http2, SendResponse};
use kitfox::platform::{Connection, Listener, Net, Random};
use kitfox::transport::client::{ChannelLimits, HttpChannel, Protocol};
use kitfox::{Code, Context, Error, Platform, Reply};
use tokio::time::Instant;

use super::peer::*;

fn channel(platform: &Platform, change: impl FnOnce(&mut ChannelLimits)) -> HttpChannel {
    let mut limits = ChannelLimits::default();
    change(&mut limits);
    builder(platform).protocol(Protocol::Grpc).limits(limits).build().unwrap()
}

fn one_stream_each(limits: &mut ChannelLimits) {
    limits.streams = 1;
}

/// Takes one call, and keeps the connection running with it unanswered.
async fn take(peer: &Peer, mut connection: Http2<Connection, Bytes>) -> SendResponse<Bytes> {
    let (_, respond) = connection.accept().await.unwrap().unwrap();
    drop(peer.run(serve(connection, |_, respond| answer_grpc(respond, b"later"))));
    respond
}

fn calling(peer: &Peer, channel: &HttpChannel) -> kitfox::platform::Task<Result<Reply, Error>> {
    peer.run(call(channel))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_room_goes_to_another_connection_at_once() {
    let mut peer = Peer::new().await;
    let channel = channel(&peer.platform, one_stream_each);
    let start = Instant::now();
    let mut held = Vec::new();
    for _ in 0..8 {
        let outcome = calling(&peer, &channel);
        let connection = peer.accept_http2().await;
        held.push((outcome, take(&peer, connection).await));
    }
    // All eight are full: one more waits for the first that has room.
    let waiting = calling(&peer, &channel);
    tokio::time::sleep(seconds(1)).await;
    let (outcome, respond) = held.pop().unwrap();
    answer_grpc(respond, b"now");
    assert_eq!(said(outcome.await.unwrap()), "now");
    assert_eq!(said(waiting.await.unwrap()), "later");
    assert_eq!(start.elapsed(), seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_channel_stays_on_one_connection() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |_| After::Now);
    let channel = channel(&gate.platform(), |_| {});
    let first = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(first.await.unwrap()), "hi");
    for _ in 0..50 {
        let calls = (call(&channel), call(&channel), call(&channel));
        let (a, b, c) = tokio::join!(calls.0, calls.1, calls.2);
        assert_eq!((said(a), said(b), said(c)), ("hi".into(), "hi".into(), "hi".into()));
    }
    assert_eq!(gate.connects(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_connection_is_opened_before_the_last_one_is_full() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |_| After::Now);
    let channel = channel(&gate.platform(), |limits| limits.streams = 16);
    let mut calls = Vec::new();
    for (begun, connects) in [(1, 1), (14, 1), (15, 2), (16, 2)] {
        calls.resize_with(begun, || calling(&peer, &channel));
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(gate.connects(), connects, "{begun} calls");
    }
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    for call in calls {
        assert_eq!(said(call.await.unwrap()), "hi");
    }
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_a_connection_that_is_slow_to_open() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |number| match number {
        0 => After::Now,
        _ => After::Never,
    });
    let channel = channel(&gate.platform(), one_stream_each);
    let first = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let respond = take(&peer, connection).await;
    let second = calling(&peer, &channel);
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(gate.connects(), 2);
    let start = Instant::now();
    answer_grpc(respond, b"first");
    assert_eq!(said(first.await.unwrap()), "first");
    assert_eq!(said(second.await.unwrap()), "later");
    assert_eq!(start.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_fails_nobody_while_another_works_and_is_tried_again() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |number| match number {
        1 | 2 => After::Refusal,
        _ => After::Now,
    });
    let channel = channel(&gate.platform(), one_stream_each);
    let first = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _held = take(&peer, connection).await;
    let start = Instant::now();
    let second = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(second.await.unwrap()), "hi");
    assert_eq!((start.elapsed(), gate.connects()), (seconds(2), 4));
    assert_eq!(first.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_connection_that_breaks_gets_another_one() {
    let mut peer = Peer::new().await;
    let channel = channel(&peer.platform, |limits| {
        limits.streams = 1;
        limits.http2_connections = 1;
    });
    let first = calling(&peer, &channel);
    let mut connection = peer.accept_http2().await;
    let held = connection.accept().await.unwrap().unwrap();
    let waiting = calling(&peer, &channel);
    tokio::time::sleep(seconds(1)).await;
    drop((held, connection));
    assert_eq!(first.await.unwrap().unwrap_err().code(), Code::Unavailable);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(waiting.await.unwrap()), "hi");
}

#[tokio::test(start_paused = true)]
async fn after_goaway_calls_in_flight_finish_and_new_ones_go_elsewhere() {
    let mut peer = Peer::new().await;
    let channel = channel(&peer.platform, |_| {});
    let old = calling(&peer, &channel);
    let mut connection = peer.accept_http2().await;
    let (_, respond) = connection.accept().await.unwrap().unwrap();
    connection.graceful_shutdown();
    let _draining = peer.run(serve(connection, |_, _| panic!("a call after GOAWAY")));
    tokio::time::sleep(seconds(1)).await;

    let new = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"new")));
    assert_eq!(said(new.await.unwrap()), "new");
    answer_grpc(respond, b"old");
    assert_eq!(said(old.await.unwrap()), "old");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_calls_is_closed_in_time_and_one_with_a_call_is_not() {
    let mut peer = Peer::new().await;
    let channel = channel(&peer.platform, |_| {});
    for _ in 0..2 {
        let long = Context::background().with_timeout(seconds(1000));
        let long = peer.run(call_within(&channel, long));
        let mut connection = peer.accept_http2().await;
        let (_, respond) = connection.accept().await.unwrap().unwrap();
        let server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
        tokio::time::sleep(seconds(500)).await;
        answer_grpc(respond, b"long");
        assert_eq!(said(long.await.unwrap()), "long");
        let start = Instant::now();
        server.await.unwrap();
        let quiet = start.elapsed();
        assert!(quiet >= seconds(90) && quiet <= seconds(113), "{quiet:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_warmed_has_a_connection_before_the_first_call() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |number| match number {
        0 => After::Refusal,
        _ => After::Now,
    });
    let channel = channel(&gate.platform(), |_| {});
    assert_eq!(channel.warm().await.unwrap_err().code(), Code::Unavailable);
    assert!(!channel.is_warm());
    channel.warm().await.unwrap();
    assert!(channel.is_warm());
    channel.warm().await.unwrap();
    let first = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(first.await.unwrap()), "hi");
    assert_eq!(gate.connects(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_replaced_before_it_goes_and_its_calls_finish() {
    let mut peer = Peer::new().await;
    let gate = Gate::new(&peer.platform, |number| match number {
        1 => After::Refusal,
        _ => After::Now,
    });
    let channel = channel(&gate.platform(), |limits| limits.connection_age = seconds(100));
    let long = peer.run(call_within(&channel, Context::background().with_timeout(seconds(500))));
    let mut connection = peer.accept_http2().await;
    let (_, respond) = connection.accept().await.unwrap().unwrap();
    let old = peer.run(serve(connection, |_, _| panic!("a call on the old connection")));
    tokio::time::sleep(seconds(74)).await;
    assert_eq!(gate.connects(), 1);
    tokio::time::sleep(seconds(30)).await;
    assert_eq!(gate.connects(), 3, "what was refused was tried again");
    let start = Instant::now();
    let next = calling(&peer, &channel);
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"new")));
    assert_eq!(said(next.await.unwrap()), "new");
    assert_eq!((start.elapsed(), gate.connects()), (seconds(0), 3));
    answer_grpc(respond, b"old");
    assert_eq!(said(long.await.unwrap()), "old");
    old.await.unwrap();
}

/// A network on which the test says what becomes of each attempt to connect.
#[derive(Clone)]
struct Gate {
    net: Platform,
    connects: Arc<AtomicUsize>,
    what: fn(usize) -> After,
}

/// What comes of an attempt.
enum After {
    Now,
    Never,
    Refusal,
}

impl Gate {
    fn new(net: &Platform, what: fn(usize) -> After) -> Self {
        Gate { net: net.clone(), connects: Arc::default(), what }
    }

    fn platform(&self) -> Platform {
        Platform::new(self.clone(), Random::seeded(1))
    }

    fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }
}

impl Net for Gate {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.net.net().listen(address)
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        let number = self.connects.fetch_add(1, Ordering::SeqCst);
        match (self.what)(number) {
            After::Now => self.net.net().connect(authority),
            After::Never => Box::pin(std::future::pending()),
            After::Refusal => Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) }),
        }
    }
}
