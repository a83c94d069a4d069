//! The end of a port.

use tokio::time::Instant;

use super::harness::*;
use crate::serve::Ended;

#[tokio::test(start_paused = true)]
async fn a_port_without_connections_ends_at_once() {
    let port = port();
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
    assert_eq!(start.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_stopped_accepting_serves_its_connections() {
    let port = port();
    let mut client = port.connect();
    client.ask("/").await;
    port.drain.stop_accepting();
    tokio::time::sleep(seconds(5)).await;
    let answer = client.ask("/").await;
    assert!(answer.contains(" 200 ") && !answer.contains("connection: close"));
    port.drain.close(Instant::now() + seconds(20));
    assert_eq!(client.rest().await, "");
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
}

#[tokio::test(start_paused = true)]
async fn idle_connections_close_at_once() {
    let port = port();
    let mut client = port.connect();
    client.ask("/").await;
    let _silent = port.connect();
    let (mut sender, gone) = port.connect_http2().await;
    sender.send_request(get("/")).await.unwrap();
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    assert_eq!(client.rest().await, "");
    gone.await.unwrap();
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
    assert_eq!(start.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_finish_and_their_connections_close() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    let (mut sender, gone) = port.connect_http2().await;
    let waiting = task(&port, sender.send_request(get("/wait")));
    settle().await;
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    tokio::time::sleep(seconds(12)).await;
    assert!(sender.send_request(get("/")).await.is_err(), "it takes no more");
    port.told.add_permits(2);
    assert!(client.answer().await.contains("connection: close"));
    assert_eq!(client.rest().await, "");
    assert_eq!(text(waiting.await.unwrap().unwrap()).await, "/wait 4711 ");
    gone.await.unwrap();
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
    assert_eq!(start.elapsed(), seconds(12));
}

#[tokio::test(start_paused = true)]
async fn a_half_sent_request_line_does_not_hold_the_end() {
    let port = port();
    let (mut first, mut later, mut preface) = (port.connect(), port.connect(), port.connect());
    first.send("GET / HT").await;
    later.ask("/").await;
    later.send("GET / HT").await;
    preface.send("PRI * HT").await;
    settle().await;
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
    assert!(start.elapsed() <= seconds(2), "{:?}", start.elapsed());
    assert_eq!(first.rest().await, "");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_on_its_way_is_still_answered() {
    let port = port();
    let mut client = port.connect();
    client.send("GET / HT").await;
    settle().await;
    port.drain.close(Instant::now() + seconds(20));
    settle().await;
    client.send("TP/1.1\r\n\r\n").await;
    assert!(client.answer().await.contains("connection: close"));
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
}

#[tokio::test(start_paused = true)]
async fn the_deadline_drops_what_is_left() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    let (mut sender, gone) = port.connect_http2().await;
    let waiting = task(&port, sender.send_request(get("/wait")));
    settle().await;
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 2 });
    assert_eq!(start.elapsed(), seconds(20));
    assert_eq!(client.rest().await, "");
    assert!(waiting.await.unwrap().is_err());
    gone.await.unwrap();
    assert_eq!(port.told.available_permits(), 0);
    port.told.add_permits(2);
    settle().await;
    assert_eq!(port.told.available_permits(), 2, "the requests are cancelled, too");
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_at_once_when_it_is_told_to() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    settle().await;
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    settle().await;
    port.drain.end();
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 1 });
    assert_eq!(start.elapsed(), seconds(0));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_confirms_the_end_does_not_hold_it() {
    use tokio::io::AsyncWriteExt;
    let port = port();
    let mut client = port.connect();
    // A preface and empty settings, and then it answers no ping.
    client.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    settle().await;
    let start = Instant::now();
    port.drain.close(start + seconds(20));
    assert_eq!(port.ended.await.unwrap(), Ended { dropped: 0 });
    assert!(start.elapsed() <= seconds(10), "{:?}", start.elapsed());
}
