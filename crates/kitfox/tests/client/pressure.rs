//! Who reads slowly stops whoever writes, seen from the other end and counted in bytes.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::peer::*;

/// The window that HTTP/2 gives a stream before anybody says otherwise.
const WINDOW: usize = 65_535;

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_stops_its_caller() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let endless = Endless::default();
    let asked = Arc::clone(&endless.asked);
    let _sending = peer.run(send(&channel, endless));
    let mut connection = peer.accept_http2().await;
    let (mut request, _respond) = connection.accept().await.unwrap().unwrap();
    let _server = peer.run(serve(connection, |_, _| panic!("a second call")));
    tokio::time::sleep(seconds(1)).await;
    // What fills the window, and one piece that waits for room.
    let written = asked.load(Ordering::SeqCst) * 1000;
    assert!((WINDOW - 1000..3 * WINDOW).contains(&written), "{written}");

    let mut read = 0;
    while read < 10 * WINDOW {
        let piece = request.body_mut().data().await.unwrap().unwrap();
        read += piece.len();
        request.body_mut().flow_control().release_capacity(piece.len()).unwrap();
    }
    tokio::time::sleep(seconds(1)).await;
    let written = asked.load(Ordering::SeqCst) * 1000;
    assert!((read - 10_000..read + 3 * WINDOW).contains(&written), "{written} after {read}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_does_not_read_stops_its_server() {
    let mut peer = Peer::new().await;
    let channel = peer.grpc();
    let (mut answer, mut stream) = halfway(&mut peer, &channel).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let _writing = peer.run(async move {
        let message = framed(0, &[b'x'; 10_000]);
        loop {
            stream.reserve_capacity(message.len());
            while stream.capacity() < message.len() {
                let Some(Ok(_)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
            }
            stream.send_data(message.clone(), false).unwrap();
            counter.fetch_add(message.len(), Ordering::SeqCst);
        }
    });
    tokio::time::sleep(seconds(1)).await;
    let unread = sent.load(Ordering::SeqCst);
    assert!(unread <= 1024 * 1024 + 2 * WINDOW, "{unread}");

    // Who reads nothing holds up nobody else on this connection.
    assert_eq!(said(call(&channel).await), "hi");

    for _ in 0..1000 {
        assert_eq!(next(&mut answer).await.unwrap().unwrap().len(), 10_000);
    }
    tokio::time::sleep(seconds(1)).await;
    let sent = sent.load(Ordering::SeqCst);
    assert!((10_000_000..11_500_000).contains(&sent), "{sent}");
}
