//! A caller who goes away, seen from the other end.

use std::future::poll_fn;

use kitfox::Context;
use kitfox::transport::client::HttpVersion;

use super::peer::*;

#[tokio::test(start_paused = true)]
async fn a_dropped_call_resets_its_stream_and_leaves_the_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let short = Context::background().with_timeout(seconds(1));
    let expiring = peer.run(call_within(&channel, short));
    let mut connection = peer.accept_http2().await;
    let (_, mut respond) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi")));
    let reason = poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
    assert_eq!(reason, h2::Reason::CANCEL);
    assert!(expiring.await.unwrap().is_err());
    assert_eq!(said(call(&channel).await), "hi");
}

#[tokio::test(start_paused = true)]
async fn over_http_1_a_dropped_call_closes_its_connection() {
    let mut peer = Peer::new().await;
    let channel = peer.channel(HttpVersion::Http1).build().unwrap();
    let short = Context::background().with_timeout(seconds(1));
    let expiring = peer.run(call_within(&channel, short));
    let mut connection = peer.accept().await;
    read_request(&mut connection).await.unwrap();
    assert_eq!(read_request(&mut connection).await, None);
    assert!(expiring.await.unwrap().is_err());

    let (outcome, ()) = tokio::join!(call(&channel), async {
        let mut connection = peer.accept().await;
        read_request(&mut connection).await.unwrap();
        write(&mut connection, GOOD).await;
    });
    assert_eq!(said(outcome), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_channel_closes_its_connection() {
    for http in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut peer = Peer::new().await;
        let channel = peer.channel(http).build().unwrap();
        match http {
            HttpVersion::Http1 => {
                let (outcome, mut connection) = tokio::join!(call(&channel), async {
                    let mut connection = peer.accept().await;
                    read_request(&mut connection).await.unwrap();
                    write(&mut connection, GOOD).await;
                    connection
                });
                outcome.unwrap();
                drop(channel);
                assert_eq!(read_request(&mut connection).await, None);
            }
            HttpVersion::Http2 => {
                let calling = peer.run(call(&channel));
                let connection = peer.accept_http2().await;
                let server = peer.run(serve(connection, |_, mut respond| {
                    let head = http::Response::builder().header("content-type", "application/json");
                    respond.send_response(head.body(()).unwrap(), true).unwrap();
                }));
                calling.await.unwrap().unwrap();
                drop(channel);
                server.await.unwrap();
            }
        }
    }
}
