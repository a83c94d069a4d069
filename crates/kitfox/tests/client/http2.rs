//! The connection of HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use futures_core::future::BoxFuture;
use kitfox::platform::{Connection, Listener, Net, Random};
use kitfox::transport::client::{ChannelLimits, HttpVersion, Protocol};
use kitfox::{Code, Context, Origin, Platform, Recovery};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::peer::*;

#[tokio::test(start_paused = true)]
async fn after_goaway_the_next_call_goes_to_a_new_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    for _ in 0..3 {
        let calling = peer.run(call(&channel));
        let mut connection = peer.accept_http2().await;
        let (_, respond) = connection.accept().await.unwrap().unwrap();
        connection.graceful_shutdown();
        let _server = peer.run(serve(connection, |_, _| {}));
        answer_grpc(respond, b"hi");
        assert_eq!(said(calling.await.unwrap()), "hi");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goaway_leaves_out_is_sent_once_more() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    // Settings, and a GOAWAY that takes no stream at all.
    let mut first = peer.accept().await;
    read_preface(&mut first).await;
    write(&mut first, "\0\0\0\x04\0\0\0\0\0").await;
    write(&mut first, "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await;
    let second = peer.accept_http2().await;
    let _server = peer.run(serve(second, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(calling.await.unwrap()), "hi");
}

#[tokio::test(start_paused = true)]
async fn a_callers_stream_that_goaway_leaves_out_was_never_processed_and_is_not_sent_twice() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let sending = peer.run(send(&channel, Endless::default()));
    let mut first = peer.accept().await;
    read_preface(&mut first).await;
    write(&mut first, "\0\0\0\x04\0\0\0\0\0").await;
    write(&mut first, "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await;
    // What was asked of the stream is gone: only its caller can send it again.
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
    assert_eq!(error.recovery(), Recovery::NeverProcessed);

    let calling = peer.run(call(&channel));
    let second = peer.accept_http2().await;
    let _server = peer.run(serve(second, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(calling.await.unwrap()), "hi");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_two_connections_leave_out_was_never_processed() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut connection = peer.accept().await;
        read_preface(&mut connection).await;
        write(&mut connection, "\0\0\0\x04\0\0\0\0\0").await;
        write(&mut connection, "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await;
        held.push(connection);
    }
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
    assert_eq!(error.recovery(), Recovery::NeverProcessed);
    assert!(error.message().contains("going away"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_was_never_processed() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    for (reason, code, recovery) in [
        (h2::Reason::REFUSED_STREAM, Code::Unavailable, Recovery::NeverProcessed),
        (h2::Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted, Recovery::No),
        (h2::Reason::CANCEL, Code::Canceled, Recovery::No),
        (h2::Reason::INTERNAL_ERROR, Code::Internal, Recovery::No),
    ] {
        let mut peer_channel = channel.clone();
        if recovery == Recovery::No {
            peer_channel = peer.grpc();
        }
        let calling = peer.run(call(&peer_channel));
        let connection = peer.accept_http2().await;
        let _server = peer.run(serve(connection, move |_, mut respond| respond.send_reset(reason)));
        let error = calling.await.unwrap().unwrap_err();
        assert_eq!((error.code(), error.origin()), (code, Origin::Transport));
        assert_eq!(error.recovery(), recovery);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_2_says_so_with_a_hint() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http2).build().unwrap();
    let calling = peer.run(call(&channel));
    let mut connection = peer.accept().await;
    read_preface(&mut connection).await;
    write(&mut connection, "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
    assert!(error.message().contains("HttpVersion::Http1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_fails_its_calls_and_is_replaced() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let calling = peer.run(call(&channel));
    let mut connection = peer.accept_http2().await;
    let call_at_server = connection.accept().await.unwrap().unwrap();
    drop((call_at_server, connection));
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Retry));
    assert!(error.message().contains("broke before the answer came"), "{error}");

    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(calling.await.unwrap()), "hi");
}

#[tokio::test(start_paused = true)]
async fn calls_over_the_servers_limit_wait_their_turn_until_their_deadline() {
    let mut peer = Peer::new().await;
    let mut limits = ChannelLimits::default();
    limits.http2_connections = 1;
    let channel = builder(&peer.platform).protocol(Protocol::Grpc).limits(limits).build().unwrap();
    let first = peer.run(call(&channel));
    let connection = peer.accept().await;
    let mut server = h2::server::Builder::new();
    let mut connection: h2::server::Connection<_, bytes::Bytes> =
        server.max_concurrent_streams(1).handshake(connection).await.unwrap();
    let (_, answering) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"later")));
    tokio::time::sleep(seconds(1)).await;

    let start = Instant::now();
    let short = Context::background().with_timeout(seconds(2));
    let error = call_within(&channel, short).await.unwrap_err();
    assert_eq!((error.code(), start.elapsed()), (Code::DeadlineExceeded, seconds(2)));

    let waiting = peer.run(call(&channel));
    tokio::time::sleep(seconds(1)).await;
    answer_grpc(answering, b"first");
    assert_eq!(said(first.await.unwrap()), "first");
    assert_eq!(said(waiting.await.unwrap()), "later");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_vanished_is_found_out_by_a_ping() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let start = Instant::now();
    let long = Context::background().with_timeout(seconds(600));
    let calling = peer.run(call_within(&channel, long));
    let mut connection = peer.accept_http2().await;
    let _call = connection.accept().await.unwrap().unwrap();
    // From here on nobody reads what comes.
    let error = calling.await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), seconds(40));
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Retry));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_one_write() {
    let mut peer = Peer::new().await;
    let writes = Arc::new(AtomicUsize::new(0));
    let counting = Counting { net: peer.platform.clone(), writes: Arc::clone(&writes) };
    let platform = Platform::new(counting, Random::seeded(1));
    let channel = builder(&platform).protocol(Protocol::Grpc).build().unwrap();
    let first = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(first.await.unwrap()), "hi");
    tokio::time::sleep(seconds(1)).await;
    let before = writes.load(Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(said(call(&channel).await), "hi");
    }
    assert_eq!(writes.load(Ordering::SeqCst) - before, 10);
}

#[tokio::test(start_paused = true)]
async fn an_open_connection_does_not_hold_up_a_drain() {
    let mut peer = Peer::new().await;
    let platform = peer.platform.apart();
    let channel = builder(&platform).protocol(Protocol::Grpc).build().unwrap();
    let calling = peer.run(call(&channel));
    let connection = peer.accept_http2().await;
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(calling.await.unwrap()), "hi");
    tokio::time::timeout(seconds(60), platform.tasks().idle()).await.unwrap();
    assert_eq!(said(call(&channel).await), "hi");
}

/// A network that counts what is written.
struct Counting {
    net: Platform,
    writes: Arc<AtomicUsize>,
}

impl Net for Counting {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.net.net().listen(address)
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async move {
            let connection = self.net.net().connect(authority).await?;
            let peer = connection.peer();
            Ok(Connection::new(Counted(connection, Arc::clone(&self.writes)), peer))
        })
    }
}

struct Counted(Connection, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Reads the client's preface.
async fn read_preface(connection: &mut Connection) {
    let mut preface = [0; 24];
    tokio::io::AsyncReadExt::read_exact(connection, &mut preface).await.unwrap();
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}
