//! Callers who never read what they asked for.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::frames::*;
use super::port::{Port, Raw};

/// SETTINGS_INITIAL_WINDOW_SIZE
const INITIAL_WINDOW: u16 = 4;

/// Until `flow` is let go of.
async fn let_go(port: &Port) -> Duration {
    let start = tokio::time::Instant::now();
    while port.victim.open() > 0 {
        assert!(start.elapsed() < Duration::from_secs(500), "it is held for ever");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    start.elapsed()
}

fn about(seconds: u64, took: Duration) {
    let expected = Duration::from_secs(seconds);
    assert!(expected - Duration::from_secs(1) <= took, "{took:?}");
    assert!(took <= expected + Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn over_http1_the_connection_ends() {
    let port = Port::start().await;
    let mut raw = port.connect().await;
    raw.send("GET /v1/flow HTTP/1.1\r\nhost: a\r\naccept: application/jsonl\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(port.victim.open(), 1);
    about(30, let_go(&port).await);
    // No more was made than stands in the buffers on the way.
    assert!(port.victim.flowed() < 100, "{}", port.victim.flowed());
    assert!(raw.rest().await.closed);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_window_ends_while_others_go_on() {
    for window in [0, 1, 60_000] {
        let port = Port::start().await;
        let mut raw = port.http2(&[(INITIAL_WINDOW, window)]).await;
        raw.send(frame(WINDOW, 0, 0, &0x7000_0000_u32.to_be_bytes())).await;
        let message = frame(DATA, END_STREAM, 1, b"\0\0\0\0\0");
        raw.send(frame(HEADERS, END_HEADERS, 1, &call("Flow"))).await;
        raw.send(message).await;
        let start = tokio::time::Instant::now();
        let mut said = Vec::new();
        for at in 1..40_u32 {
            // Somebody else on the same connection, who reads.
            let stream = 2 * at + 1;
            raw.send(frame(HEADERS, BOTH, stream, &get("/v1/look/a"))).await;
            raw.send(frame(WINDOW, 0, stream, &1000_u32.to_be_bytes())).await;
            let more = raw.within(Duration::from_secs(1)).await;
            assert!(!more.closed);
            let answered = frames(&more)
                .iter()
                .any(|got| got.stream == stream && got.kind == DATA && got.flags & END_STREAM != 0);
            assert!(answered, "{window}: {:?}", frames(&more));
            said.extend(frames(&more));
            if port.victim.open() == 0 {
                break;
            }
        }
        about(30, start.elapsed());
        assert!(port.victim.flowed() < 100, "{}", port.victim.flowed());
        assert!(said.iter().any(|got| got.kind == RESET && got.stream == 1), "{window}");
        port.is_well().await;
    }
}

/// Until `flow`, which has five seconds, is let go of by a peer that does this again and again.
async fn let_go_meanwhile(port: &Port, raw: &mut Raw, again: impl AsyncFn(&mut Raw)) -> Duration {
    let start = tokio::time::Instant::now();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(port.victim.open(), 1);
    while port.victim.open() > 0 {
        assert!(start.elapsed() < Duration::from_secs(500), "it is held for ever");
        again(raw).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn over_http1_who_reads_slowly_keeps_no_call_beyond_its_deadline() {
    let port = Port::start().await;
    for bytes in [0, 100] {
        let mut raw = port.connect().await;
        raw.send("GET /v1/flow HTTP/1.1\r\nhost: a\r\nconnect-timeout-ms: 5000\r\n\r\n").await;
        let read = async |raw: &mut Raw| {
            let mut read = vec![0; bytes];
            raw.0.read_exact(&mut read).await.unwrap();
        };
        about(6, let_go_meanwhile(&port, &mut raw, read).await);
        assert!(raw.rest().await.closed);
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn over_http2_who_reads_slowly_keeps_no_call_beyond_its_deadline() {
    let port = Port::start().await;
    for bytes in [0_u32, 100] {
        let mut raw = port.http2(&[(INITIAL_WINDOW, 60_000)]).await;
        let head = [call("Flow"), block(&[("grpc-timeout", "5S")])].concat();
        raw.send(frame(HEADERS, END_HEADERS, 1, &head)).await;
        raw.send(frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")).await;
        let open = async |raw: &mut Raw| {
            if bytes > 0 {
                raw.send(frame(WINDOW, 0, 1, &bytes.to_be_bytes())).await;
            }
        };
        about(6, let_go_meanwhile(&port, &mut raw, open).await);
        let said = raw.within(Duration::from_secs(1)).await;
        assert!(frames(&said).iter().any(|got| got.kind == RESET && got.stream == 1));
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_window_keeps_nothing() {
    // The window of the connection is 65,535 bytes, and nobody opens it any more.
    let port = Port::start().await;
    let mut raw = port.http2(&[(INITIAL_WINDOW, 0x7000_0000)]).await;
    for at in 0..50_u32 {
        raw.send(frame(HEADERS, END_HEADERS, 2 * at + 1, &call("Flow"))).await;
        raw.send(frame(DATA, END_STREAM, 2 * at + 1, b"\0\0\0\0\0")).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(port.victim.open(), 50);
    about(30, let_go(&port).await);
    assert!(port.victim.flowed() < 1000, "{}", port.victim.flowed());
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_never_read_ends_over_http2() {
    let port = Port::start().await;
    let mut raw = port.http2(&[(INITIAL_WINDOW, 0x7000_0000)]).await;
    raw.send(frame(WINDOW, 0, 0, &0x7000_0000_u32.to_be_bytes())).await;
    raw.send(frame(HEADERS, END_HEADERS, 1, &call("Flow"))).await;
    raw.send(frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(port.victim.open(), 1);
    about(30, let_go(&port).await);
    assert!(port.victim.flowed() < 200, "{}", port.victim.flowed());
    assert!(raw.rest().await.closed);
    port.is_well().await;
}
