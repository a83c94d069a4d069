//! Peers that are slow, silent, idle or old.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kitfox_core::platform::{Connection, Random, Task, Tcp};
use kitfox_core::{Peer, Platform};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::harness::*;
use crate::Limits;
use crate::serve::acceptor::{Accepted, Acceptor, Protocol};
use crate::serve::connection::Port;
use crate::serve::drain::Drain;

/// When `client` is cut off, while it sends `dribble` a byte a second.
async fn cut(client: &mut Client, dribble: &str) -> Duration {
    let start = Instant::now();
    let mut bytes = dribble.bytes().cycle();
    loop {
        if let Ok(rest) = tokio::time::timeout(seconds(1), client.rest()).await {
            assert_eq!(rest, "");
            return start.elapsed();
        }
        if let Some(byte) = bytes.next() {
            let _ = client.0.write_all(&[byte]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_head_has_ten_seconds_from_the_connection_on() {
    let port = port();
    for (first, dribble) in [
        ("", ""),
        ("G", ""),
        ("GET / HTTP/1.1\r\n", "a"),
        ("GET / HTTP/1.1\r\na: ", "b"),
        ("PRI * HTTP/2.0\r\n\r\nSM", ""),
    ] {
        let mut client = port.connect();
        client.send(first).await;
        assert_eq!(cut(&mut client, dribble).await, seconds(10), "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_agreed_on_a_protocol_has_the_same_time() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let port = Arc::new(Port {
            handler: Echo { told: Arc::new(Semaphore::new(0)) },
            limits: Limits::default(),
            platform: Platform::new(Tcp, Random::seeded(7)),
            drain: Drain::new(),
            acceptor: Acceptor::Plain,
        });
        let (_silent, ours) = tokio::io::duplex(1024);
        let address = ([127, 0, 0, 1], 4711).into();
        let connection = Connection::new(ours, address);
        let accepted = Accepted { connection, protocol, prefix: Bytes::new() };
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let (start, head) = (Instant::now(), Instant::now() + seconds(10));
        port.http(accepted, Peer::new(address), head, place).await;
        assert_eq!(start.elapsed(), seconds(10), "{protocol:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_head_has_ten_seconds_from_its_first_byte_on() {
    let mut client = port().connect();
    client.ask("/").await;
    tokio::time::sleep(seconds(60)).await;
    client.send("GET").await;
    assert_eq!(cut(&mut client, " ").await, seconds(10));
}

#[tokio::test(start_paused = true)]
async fn a_head_in_pieces_is_fine_and_leaves_nothing_behind() {
    let mut client = port().connect();
    for _ in 0..5 {
        client.send("GET / HT").await;
        tokio::time::sleep(seconds(8)).await;
        client.send("TP/1.1\r\n\r\n").await;
        assert!(client.answer().await.contains(" 200 "));
        tokio::time::sleep(seconds(30)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_is_no_slow_head() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /wait HTTP/1.1\r\n\r\n").await;
    tokio::time::sleep(seconds(3600)).await;
    port.told.add_permits(1);
    assert!(client.answer().await.contains(" 200 "));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_though_it_was_busy_at_first() {
    let port = port();
    let mut client = port.connect();
    client.ask("/busy").await;
    let closed = tokio::time::timeout(seconds(3600), client.rest()).await;
    assert_eq!(closed.as_deref(), Ok(""));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let port = port();
    let mut client = port.connect();
    for _ in 0..3 {
        client.ask("/").await;
        tokio::time::sleep(seconds(299)).await;
    }
    client.ask("/").await;
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    let idle = start.elapsed();
    assert!(seconds(300) <= idle && idle <= seconds(375), "{idle:?}");

    let (mut sender, gone) = port.connect_http2().await;
    sender.send_request(get("/")).await.unwrap();
    let start = Instant::now();
    gone.await.unwrap();
    let idle = start.elapsed();
    assert!(seconds(300) <= idle && idle <= seconds(375), "{idle:?}");
    assert!(sender.send_request(get("/")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_of_its_answer_is_cut_off() {
    let port = port();
    let mut client = port.connect();
    client.send("GET /large HTTP/1.1\r\n\r\n").await;
    settle().await;
    assert_eq!(port.platform.tasks().running(), 2);
    tokio::time::sleep(seconds(29)).await;
    assert_eq!(port.platform.tasks().running(), 2);
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(port.platform.tasks().running(), 1, "the port alone");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_its_answer_slowly_gets_all_of_it() {
    use tokio::io::AsyncReadExt;
    let mut client = port().connect();
    client.send("GET /large HTTP/1.1\r\n\r\n").await;
    let mut received = 0;
    while received < 1 << 20 {
        tokio::time::sleep(seconds(20)).await;
        received += client.0.read(&mut [0; 16 * 1024]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_connection_is_closed_after_what_it_does() {
    let port = port();
    let mut client = port.connect();
    let start = Instant::now();
    let closed = loop {
        let answer = client.ask("/").await;
        assert!(answer.contains(" 200 "));
        // It is idle when its time comes, and ends without a word.
        if let Ok(rest) = tokio::time::timeout(seconds(10), client.rest()).await {
            assert_eq!(rest, "");
            break start.elapsed();
        }
        assert!(start.elapsed() < seconds(2000), "it is open for ever");
    };
    assert!(seconds(1620) <= closed && closed <= seconds(1980), "{closed:?}");

    let (mut sender, gone) = port.connect_http2().await;
    let waiting = task(&port, sender.send_request(get("/wait")));
    tokio::time::sleep(seconds(1990)).await;
    assert!(sender.send_request(get("/")).await.is_err(), "it takes no more");
    port.told.add_permits(1);
    assert_eq!(text(waiting.await.unwrap().unwrap()).await, "/wait 4711 ");
    gone.await.unwrap();
}

/// A connection of HTTP/2 whose peer makes room for `window` bytes of each answer.
async fn narrow(port: &TestPort, window: u32) -> (http2::SendRequest<Full<Bytes>>, Task<()>) {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(port.connect().0))
        .await
        .unwrap();
    (sender, task(port, async { connection.await.unwrap_or(()) }))
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_its_peer_makes_no_room_for_is_given_up() {
    for (path, window) in [("/", 0), ("/large", 0), ("/large", 1)] {
        let port = port();
        let (mut sender, gone) = narrow(&port, window).await;
        let mut answer = sender.send_request(get(path)).await.unwrap().into_body();
        // Reading would make room.
        tokio::time::sleep(seconds(31)).await;
        let mut received = 0;
        let ended = loop {
            match answer.frame().await {
                Some(Ok(frame)) => received += frame.into_data().unwrap().len(),
                Some(Err(error)) => break error,
                None => panic!("{path}, {window}: it came whole"),
            }
        };
        assert_eq!(received, window as usize, "{ended}");
        drop((sender, answer));
        gone.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_room_is_given_up_while_others_on_its_connection_go_on() {
    let port = port();
    let (mut sender, _gone) = narrow(&port, 0).await;
    let mut stuck = sender.send_request(get("/large")).await.unwrap().into_body();
    let waiting = task(&port, sender.send_request(get("/wait")));
    for _ in 0..29 {
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(sender.send_request(get("/empty")).await.unwrap().status(), 200);
    }
    assert!(futures_util::FutureExt::now_or_never(stuck.frame()).is_none(), "not yet");
    tokio::time::sleep(seconds(2)).await;
    assert!(stuck.frame().await.unwrap().is_err());
    port.told.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200, "it only took its time");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_its_answer_slowly_gets_all_of_it_over_http2() {
    let port = port();
    let (mut sender, _gone) = narrow(&port, 16 * 1024).await;
    let mut answer = sender.send_request(get("/large")).await.unwrap().into_body();
    let mut received = 0;
    while let Some(frame) = answer.frame().await {
        received += frame.unwrap().into_data().unwrap().len();
        tokio::time::sleep(seconds(5)).await;
    }
    assert_eq!(received, 1 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_head_of_http2_that_is_never_finished_ends_its_connection() {
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let headers = b"\0\0\x03\x01\x01\0\0\0\x01\x82\x86\x84";
    for half in [&headers[..], &headers[..4], &headers[..10], &settings[..8]] {
        let port = port();
        let mut client = port.connect();
        let first = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], settings].concat();
        client.0.write_all(&first).await.unwrap();
        // To be silent between two frames is to be idle.
        tokio::time::sleep(seconds(15)).await;
        client.0.write_all(half).await.unwrap();
        tokio::time::sleep(Duration::from_millis(9900)).await;
        assert_eq!(port.platform.tasks().running(), 2, "{half:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(port.platform.tasks().running(), 1, "{half:?}: the port alone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_further_than_the_clock_reaches_is_none() {
    let port = port_with(|limits| {
        for limit in [
            &mut limits.header_timeout,
            &mut limits.body_timeout,
            &mut limits.write_timeout,
            &mut limits.handshake_timeout,
            &mut limits.idle_timeout,
            &mut limits.keep_alive,
            &mut limits.connection_age,
        ] {
            *limit = Duration::MAX;
        }
    });
    let mut client = port.connect();
    assert!(client.ask("/").await.contains(" 200 "));
    let (mut sender, _gone) = port.connect_http2().await;
    tokio::time::sleep(seconds(600)).await;
    assert!(client.ask("/").await.contains(" 200 "));
    assert_eq!(sender.send_request(get("/")).await.unwrap().status(), 200);
}
