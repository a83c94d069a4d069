//! Peers that are slow, silent, idle or old.

use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;

use super::harness::*;

/// When `client` is cut off, while it sends `dribble` a byte a second.
async fn cut(client: &mut Client, dribble: &str) -> Duration {
    use tokio::io::AsyncWriteExt;
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

#[tokio::test(start_paused = true)]
async fn a_peer_that_makes_no_room_for_an_answer_is_cut_off_over_http2() {
    // With a little room it looks idle as soon as the answer is with `h2`.
    for (window, within) in [(0, 30), (1, 390)] {
        for path in ["/", "/large"] {
            let port = port();
            let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(window)
                .handshake(TokioIo::new(port.connect().0))
                .await
                .unwrap();
            let start = Instant::now();
            let gone = task(&port, async { connection.await.unwrap_or(()) });
            let _answer = sender.send_request(get(path)).await.unwrap();
            tokio::time::timeout(seconds(3600), gone).await.unwrap().unwrap();
            assert_eq!(start.elapsed(), seconds(within), "{path}, {window}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_long_is_not_cut_off_because_another_has_no_room() {
    let port = port();
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(0)
        .handshake(TokioIo::new(port.connect().0))
        .await
        .unwrap();
    let gone = task(&port, async { connection.await.unwrap_or(()) });
    let _answer = sender.send_request(get("/")).await.unwrap();
    let waiting = task(&port, sender.send_request(get("/wait")));
    tokio::time::sleep(seconds(45)).await;
    port.told.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    tokio::time::timeout(seconds(120), gone).await.expect("then it is").unwrap();
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
