//! Before there is a connection.

use kitfox::transport::client::{HttpChannel, HttpVersion, Protocol};
use kitfox::{Code, Context, Origin, Platform, Recovery};
use tokio::time::Instant;

use super::peer::*;
use crate::support::memory::Memory;

#[tokio::test]
async fn a_refused_connection_names_the_address_and_was_never_processed() {
    // A port of the real network that is taken, so that nobody else gets it, and that nobody serves.
    let taken = tokio::net::TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = taken.local_addr().unwrap();
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        let channel = HttpChannel::builder(format!("http://{address}")).http(http).build();
        let error = call(&channel.unwrap()).await.unwrap_err();
        assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
        assert_eq!(error.recovery(), Recovery::NeverProcessed);
        let expected = format!(
            "could not connect to {address}: connection refused; is the service running there?"
        );
        assert_eq!(error.message(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_never_answers_is_given_up_after_five_seconds() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        let platform = Platform::new(Silent, kitfox::platform::Random::seeded(1));
        let channel = builder(&platform).http(http).build().unwrap();
        let start = Instant::now();
        let error = call(&channel).await.unwrap_err();
        assert_eq!(start.elapsed(), seconds(5));
        assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::NeverProcessed));
        assert!(error.message().contains("within 5s"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_ends_with_the_deadline_of_the_call() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        let platform = Platform::new(Silent, kitfox::platform::Random::seeded(1));
        let channel = builder(&platform).http(http).build().unwrap();
        let start = Instant::now();
        let context = Context::background().with_timeout(seconds(2));
        let error = call_within(&channel, context).await.unwrap_err();
        assert_eq!((error.code(), start.elapsed()), (Code::DeadlineExceeded, seconds(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_waited_for_until_the_deadline() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut peer = Peer::new().await;
        let channel = peer.channel(http).build().unwrap();
        let start = Instant::now();
        let (outcome, _held) = tokio::join!(call(&channel), peer.accept());
        assert_eq!(outcome.unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(start.elapsed(), seconds(10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_deadline_has_a_limit_all_the_same() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let start = Instant::now();
    let calling = call_within(&channel, Context::background());
    let (outcome, request) = tokio::join!(calling, async {
        let mut connection = peer.accept().await;
        (read_request(&mut connection).await, connection)
    });
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), start.elapsed()), (Code::DeadlineExceeded, seconds(60)));
    assert!(error.message().contains("60s"), "{error}");
    assert!(request.0.unwrap().contains("connect-timeout-ms: 60000\r\n"), "it is sent, too");
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_meanwhile_wait_for_the_same_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let first = call(&channel);
    let (one, two) = (call(&channel), call(&channel));
    let server = async {
        let connection = peer.accept_http2().await;
        let served = serve(connection, |_, respond| answer_grpc(respond, b"hi"));
        tokio::select! {
            () = served => {}
            _ = peer.accept() => panic!("a second connection"),
        }
    };
    let calls = async { (first.await, one.await, two.await) };
    let outcomes = tokio::select! {
        outcomes = calls => outcomes,
        () = server => panic!("the connection ended"),
    };
    for outcome in [outcomes.0, outcomes.1, outcomes.2] {
        assert_eq!(said(outcome), "hi");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_caller_who_goes_away_takes_nobodys_connection_along() {
    let peer = Peer::new().await;
    let channel = peer.grpc();
    let mut first = Box::pin(call(&channel));
    assert!(futures_util::poll!(&mut first).is_pending());
    let second = peer.run(call(&channel));
    tokio::task::yield_now().await;
    drop(first);
    let mut accepting = peer;
    let connection = accepting.accept_http2().await;
    let _server = accepting.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    assert_eq!(said(second.await.unwrap()), "hi");
}

#[tokio::test(start_paused = true)]
async fn the_next_call_tries_again_after_a_refusal() {
    let platform = Memory::default().platform();
    let channel = builder(&platform).protocol(Protocol::Grpc).build().unwrap();
    assert_eq!(call(&channel).await.unwrap_err().code(), Code::Unavailable);
    let mut listener = platform.net().listen(ADDRESS.parse().unwrap()).await.unwrap();
    let _server = platform.tasks().spawn(async move {
        let connection = h2::server::handshake(listener.accept().await.unwrap()).await.unwrap();
        serve(connection, |_, respond| answer_grpc(respond, b"hi")).await;
    });
    assert_eq!(said(call(&channel).await), "hi");
}

/// A network on which nothing comes back.
struct Silent;

impl kitfox::platform::Net for Silent {
    fn listen(
        &self,
        _: std::net::SocketAddr,
    ) -> futures_core::future::BoxFuture<'_, std::io::Result<Box<dyn kitfox::platform::Listener>>>
    {
        Box::pin(std::future::pending())
    }

    fn connect<'a>(
        &'a self,
        _: &'a str,
    ) -> futures_core::future::BoxFuture<'a, std::io::Result<kitfox::platform::Connection>> {
        Box::pin(std::future::pending())
    }
}
