//! Callers who take their time.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::frames::*;
use super::port::{Port, Raw, Said};

/// What the host says to somebody who sends `piece` once a second, and when it is done with that.
async fn dribble(raw: &mut Raw, piece: &[u8], done: impl Fn(&Said) -> bool) -> (Said, Duration) {
    let start = Instant::now();
    let mut said = Said { bytes: Vec::new(), closed: false };
    let all = async {
        while !done(&said) {
            raw.send(piece).await;
            let more = raw.within(Duration::from_secs(1)).await;
            said.bytes.extend(more.bytes);
            said.closed = more.closed;
        }
    };
    timeout(Duration::from_secs(500), all).await.expect("it has an end");
    (said, start.elapsed())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_slowly_has_ten_seconds() {
    let port = Port::start().await;
    let headers = frame(HEADERS, END_STREAM, 1, &get("/v1/look/a"));
    let continuation = frame(CONTINUATION, 0, 1, &block(&[("a", "b")]));
    for (http2, first, piece) in [
        (false, &b""[..], &b""[..]),
        (false, b"", b"G"),
        (false, b"GET /v1/look/a HTTP/1.1\r\nhost: ", b"a"),
        (true, &headers[..20], b""),
        (true, &headers, &continuation),
    ] {
        let mut raw = if http2 { port.http2(&[]).await } else { port.connect().await };
        raw.send(first).await;
        let (_, took) = dribble(&mut raw, piece, |said| said.closed).await;
        // Continuations are counted, too: some are too many before their time is over.
        assert!(seconds(4) <= took && took <= seconds(11), "{piece:?}: {took:?}");
    }
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_slowly_has_thirty_seconds_in_all() {
    let port = Port::start().await;
    let mut raw = port.connect().await;
    raw.send(
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: 999\r\n\r\n{",
    )
    .await;
    let (said, took) = dribble(&mut raw, b" ", |said| said.closed).await;
    assert_eq!(said.statuses(), [408], "{}", said.text());
    assert!(seconds(29) <= took && took <= seconds(31), "{took:?}");

    // A message of one call, and one of a stream: its frame was announced.
    for method in ["Echo", "Gather"] {
        let mut raw = port.http2(&[]).await;
        raw.send(frame(HEADERS, END_HEADERS, 1, &call(method))).await;
        raw.send(frame(DATA, 0, 1, b"\0\0\0\xff\xff")).await;
        let ended = |said: &Said| {
            let frames = frames(said);
            said.closed
                || frames.iter().any(|got| {
                    got.stream == 1 && (got.kind == RESET || got.flags & END_STREAM != 0)
                })
        };
        let (_, took) = dribble(&mut raw, &frame(DATA, 0, 1, b"a"), ended).await;
        assert!(seconds(29) <= took && took <= seconds(32), "{method}: {took:?}");
    }
    port.is_well().await;
}
