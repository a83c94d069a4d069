//! Connections of HTTP/1.1.

use kitfox::transport::client::{ChannelLimits, HttpVersion};
use kitfox::{Code, Origin, Recovery};

use super::peer::*;

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_the_next_call() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let (first, mut connection) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        let request = read_request(&mut connection).await.unwrap();
        assert!(request.starts_with("POST /peer.v1.Peer/Say HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{}"), "{request}");
        write(&mut connection, GOOD).await;
        connection
    });
    assert_eq!(said(first), "{}");
    let (second, _) = tokio::join!(call(&channel), async {
        read_request(&mut connection).await.unwrap();
        write(&mut connection, GOOD).await;
    });
    assert_eq!(said(second), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_turns_out_closed_costs_nobody_a_call() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    for _ in 0..3 {
        let (outcome, ()) = tokio::join!(call(&channel), async {
            let mut connection = peer.accept().await;
            read_request(&mut connection).await.unwrap();
            write(&mut connection, GOOD).await;
            // And it goes without a word.
        });
        assert_eq!(said(outcome), "{}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed_in_time() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let (outcome, mut connection) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        read_request(&mut connection).await.unwrap();
        write(&mut connection, GOOD).await;
        connection
    });
    assert_eq!(said(outcome), "{}");
    let start = tokio::time::Instant::now();
    assert_eq!(read_request(&mut connection).await, None);
    assert_eq!(start.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_in_the_middle_may_have_been_processed() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    for torn in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (outcome, ()) = tokio::join!(call(&channel), async {
            let mut connection = peer.accept().await;
            read_request(&mut connection).await.unwrap();
            write(&mut connection, torn).await;
        });
        let error = outcome.unwrap_err();
        assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
        assert_eq!(error.recovery(), Recovery::Retry, "{torn}");
        assert!(error.message().contains(ADDRESS), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_1_says_so() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    for garbage in ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\r\n\r\n"] {
        let (outcome, _) = tokio::join!(call(&channel), async {
            let mut connection = peer.accept().await;
            read_request(&mut connection).await.unwrap();
            write(&mut connection, garbage).await;
            connection
        });
        let error = outcome.unwrap_err();
        assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Transport));
        assert!(error.message().contains("is not understood"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_than_the_limit() {
    let mut peer = Peer::new().await;
    let mut limits = ChannelLimits::default();
    limits.connections = 1;
    let channel = peer.channel(HttpVersion::Http1).limits(limits).build().unwrap();
    let (one, two, ()) = tokio::join!(call(&channel), call(&channel), async {
        let mut connection = peer.accept().await;
        for _ in 0..2 {
            read_request(&mut connection).await.unwrap();
            write(&mut connection, GOOD).await;
        }
    });
    assert_eq!((said(one), said(two)), ("{}".into(), "{}".into()));
}
