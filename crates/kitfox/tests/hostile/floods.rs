//! More of something than anybody needs.

use std::time::Duration;

use super::frames::*;
use super::port::Port;

/// An odd number for each request.
fn stream(at: usize) -> u32 {
    u32::try_from(at).unwrap() * 2 + 1
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_the_limits_are_refused_over_http1() {
    let port = Port::start().await;
    for fields in ["a: b\r\n".repeat(101), format!("a: {}\r\n", "b".repeat(17 * 1024))] {
        let said = port.tell(format!("GET /v1/look/a HTTP/1.1\r\nhost: a\r\n{fields}\r\n")).await;
        assert_eq!(said.statuses(), [431], "{}", said.text());
        assert!(said.closed);
    }
    let line = format!("GET /v1/look/{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(17 * 1024));
    let said = port.tell(line).await;
    assert!(matches!(said.statuses()[..], [414 | 431]), "{}", said.text());
    // A head that never ends is not read to its end.
    let mut raw = port.connect().await;
    raw.send("GET /v1/look/a HTTP/1.1\r\nhost: a\r\n").await;
    let said =
        raw.flood(10_000, |_| b"aaaaaaaaaaaaaaaaaaaa: bbbbbbbbbbbbbbbbbbbb\r\n".to_vec()).await;
    assert!(said.closed && matches!(said.statuses()[..], [431]), "{}", said.text());
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn more_headers_than_the_limit_are_refused_over_http2() {
    let port = Port::start().await;
    let many: Vec<_> = (0..1000).map(|at| format!("name-{at}")).collect();
    let many: Vec<_> = many.iter().map(|name| (&**name, "b")).collect();
    let long = "b".repeat(15 * 1024);
    let long = [("a", &*long), ("b", &*long)];
    for fields in [&many[..], &long[..]] {
        let mut raw = port.http2(&[]).await;
        let whole = [get("/v1/look/a"), block(fields)].concat();
        let (first, rest) = whole.split_at(whole.len().min(16_000));
        raw.send(frame(HEADERS, END_STREAM, 1, first)).await;
        raw.send(frame(CONTINUATION, END_HEADERS, 1, rest)).await;
        let said = raw.within(Duration::from_secs(1)).await;
        // An answer without a body, or none at all.
        let answered = frames(&said).iter().any(|got| {
            got.stream == 1 && (got.kind == RESET || (got.kind == HEADERS && got.flags == BOTH))
        });
        assert!(answered || said.closed, "{:?}", frames(&said));
    }
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn headers_that_unpack_to_many_are_counted_unpacked() {
    // CVE-2016-6581: a field of four kilobytes is named once, and then a byte each time.
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    let long = "b".repeat(4000);
    let mut bomb = get("/v1/look/a");
    let mut field = block(&[("a", &long)]);
    // Kept in the table.
    field[0] = 0x40;
    bomb.extend(field);
    bomb.extend([0x80 | 62; 10_000]);
    raw.send(frame(HEADERS, BOTH, 1, &bomb)).await;
    let said = raw.within(Duration::from_secs(1)).await;
    assert!(!said.text().contains(&long[..100]), "it was answered");
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn continuations_without_end_end_the_connection() {
    // CVE-2024-27316 and its like.
    let port = Port::start().await;
    for field in [&block(&[("a", "b")])[..], &[]] {
        let mut raw = port.http2(&[]).await;
        raw.send(frame(HEADERS, END_STREAM, 1, &get("/v1/look/a"))).await;
        let said = raw.flood(100_000, |_| frame(CONTINUATION, 0, 1, field)).await;
        assert!(said.closed, "it reads on");
        assert_eq!(farewell(&said), Some(ENHANCE_YOUR_CALM));
    }
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_reset_at_once_end_the_connection() {
    // Rapid reset, CVE-2023-44487.
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    let said = raw
        .flood(10_000, |at| {
            let open = frame(HEADERS, BOTH, stream(at), &get("/v1/flow"));
            [open, frame(RESET, 0, stream(at), &8_u32.to_be_bytes())].concat()
        })
        .await;
    assert!(said.closed, "it goes on");
    assert_eq!(farewell(&said), Some(ENHANCE_YOUR_CALM));
    assert!(port.victim.calls() < 1000, "{} calls", port.victim.calls());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(port.victim.open(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_makes_the_host_reset_its_streams_is_hung_up_on() {
    // MadeYouReset, CVE-2025-8671: an update of a window by nothing is the stream's error.
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    let said = raw
        .flood(10_000, |at| {
            let open = frame(HEADERS, BOTH, stream(at), &get("/v1/flow"));
            [open, frame(WINDOW, 0, stream(at), &0_u32.to_be_bytes())].concat()
        })
        .await;
    assert!(said.closed, "it goes on");
    assert!(port.victim.calls() < 1000, "{} calls", port.victim.calls());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(port.victim.open(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn more_streams_than_the_limit_are_refused_one_by_one() {
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    let said = raw.flood(300, |at| frame(HEADERS, END_HEADERS, stream(at), &call("Gather"))).await;
    let more = raw.within(Duration::from_secs(1)).await;
    let bytes = [said.bytes, more.bytes].concat();
    let refused = frames(&super::port::Said { bytes, closed: false });
    // REFUSED_STREAM
    let refused = refused.iter().filter(|got| got.kind == RESET && got.code() == 7).count();
    assert_eq!((port.victim.calls(), refused), (200, 100));
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn questions_whose_answers_nobody_takes_end_the_connection() {
    // CVE-2019-9512 and CVE-2019-9515: each wants an answer, and nobody reads them.
    let port = Port::start().await;
    for question in [frame(PING, 0, 0, &[7; 8]), frame(SETTINGS, 0, 0, &[])] {
        let mut raw = port.http2(&[]).await;
        let flood = async {
            let many = question.repeat(1000);
            while tokio::io::AsyncWriteExt::write_all(&mut raw.0, &many).await.is_ok() {}
        };
        tokio::time::timeout(Duration::from_secs(60), flood).await.expect("it is hung up on");
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn questions_whose_answers_are_taken_are_answered_one_by_one() {
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    let said = raw.flood(20_000, |_| frame(PING, 0, 0, &[7; 8])).await;
    raw.send(frame(HEADERS, BOTH, 1, &get("/v1/look/still"))).await;
    let more = raw.within(Duration::from_secs(1)).await;
    assert!(said.closed || more.text().contains("still"), "{:?}", frames(&more));
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn frames_that_carry_nothing_end_the_connection_or_cost_nothing() {
    // CVE-2019-9518: an empty piece of a body, again and again.
    let port = Port::start().await;
    let mut raw = port.http2(&[]).await;
    raw.send(frame(HEADERS, END_HEADERS, 1, &call("Gather"))).await;
    let said = raw.flood(100_000, |_| frame(DATA, 0, 1, &[])).await;
    assert!(said.closed, "they are read for ever");
    assert_eq!(farewell(&said), Some(ENHANCE_YOUR_CALM));

    // A byte each; nobody waits for more than the body's limits say.
    let mut raw = port.http2(&[]).await;
    raw.send(frame(HEADERS, END_HEADERS, 1, &call("Gather"))).await;
    let said = raw.flood(100_000, |_| frame(DATA, 0, 1, &[0])).await;
    assert!(said.closed || !frames(&said).is_empty());
    for frames_of in [frame(PRIORITY, 0, 5, &[0; 5]), frame(WINDOW, 0, 0, &[0, 0, 0, 1])] {
        let mut raw = port.http2(&[]).await;
        raw.flood(20_000, |_| frames_of.clone()).await;
        raw.send(frame(HEADERS, BOTH, 1, &get("/v1/look/still"))).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert!(said.closed || said.text().contains("still"), "{:?}", frames(&said));
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn trailers_and_extensions_of_chunks_have_limits() {
    let port = Port::start().await;
    let head = "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    for (first, more) in [("0\r\n", "a: b\r\n".repeat(100)), ("2;", "a=b;".repeat(100))] {
        let mut raw = port.connect().await;
        raw.send(head).await;
        raw.send(first).await;
        let said = raw.flood(10_000, |_| more.clone().into_bytes()).await;
        assert!(said.closed, "{first:?}: it reads on");
        assert!(!said.text().contains(" 200 "), "{}", said.text());
    }
    port.is_well().await;
}
