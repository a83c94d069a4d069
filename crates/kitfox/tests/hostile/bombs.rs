//! Little that would become much: nesting, lengths that are only announced, what is compressed.

use std::time::Duration;

use super::frames::*;
use super::port::{Port, Said};

/// A call by Connect over HTTP/1.1.
async fn connect(port: &Port, fields: &str, body: &[u8]) -> Said {
    let length = body.len();
    let head = format!(
        "POST /hostile.v1.Hostile/Echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-length: {length}\r\n{fields}\r\n"
    );
    port.tell([head.as_bytes(), body].concat()).await
}

const JSON: &str = "content-type: application/json\r\n";
const PROTO: &str = "content-type: application/proto\r\n";

/// `levels` trees in each other, as protobuf: each in the second field of the one before.
fn nested(levels: usize) -> Vec<u8> {
    let mut tree = Vec::new();
    for _ in 0..levels {
        let mut outer = vec![0x12];
        outer.extend(varint(tree.len() as u64));
        outer.extend(tree);
        tree = outer;
    }
    tree
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 127).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 128);
    }
}

#[tokio::test(start_paused = true)]
async fn nesting_is_followed_a_hundred_deep_and_no_deeper() {
    let port = Port::start().await;
    // An object and an array for each child.
    let json = |levels| format!("{}{}", "{\"children\":[".repeat(levels), "]}".repeat(levels));
    let unknown = |levels| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(connect(&port, JSON, json(49).as_bytes()).await.statuses(), [200]);
    assert_eq!(connect(&port, PROTO, &nested(99)).await.statuses(), [200]);
    for levels in [60, 1000, 100_000] {
        for body in [json(levels), unknown(levels.max(101)), "[".repeat(levels)] {
            let said = connect(&port, JSON, body.as_bytes()).await;
            assert_eq!(said.statuses(), [400], "{levels}: {}", said.text());
        }
    }
    for levels in [101, 1000, 10_000] {
        let said = connect(&port, PROTO, &nested(levels)).await;
        assert_eq!(said.statuses(), [400], "{levels}: {}", said.text());
        // Groups, which only unknown fields can be.
        let said = connect(&port, PROTO, &vec![0x7b; levels]).await;
        assert_eq!(said.statuses(), [400], "{levels}: {}", said.text());
    }
    // A path into a message is nesting, too.
    let deep = "children.".repeat(1500);
    let said = port.tell(format!(
        "GET /v1/look/a?{deep}label=x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    ));
    assert_eq!(said.await.statuses(), [400]);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_only_announced_reserves_nothing() {
    let port = Port::start().await;
    // A text, a message, packed numbers: two exabytes of each.
    for tag in [0x0a, 0x12, 0x1a] {
        for length in [1 << 20, u64::from(u32::MAX), 1 << 61, u64::MAX] {
            let body = [&[tag][..], &varint(length), b"abc"].concat();
            let said = connect(&port, PROTO, &body).await;
            assert_eq!(said.statuses(), [400], "{}", said.text());
        }
    }
    // A body of which nothing comes is refused before it does.
    for length in ["4194305", "9223372036854775807", "18446744073709551615"] {
        let head =
            format!("POST /v1/echo HTTP/1.1\r\nhost: a\r\n{JSON}content-length: {length}\r\n\r\n");
        let said = port.tell(head).await;
        assert!(matches!(said.statuses()[..], [413 | 431]), "{length}: {}", said.text());
        assert!(said.closed);
    }
    // A frame of gRPC and one of a stream.
    for method in ["Echo", "Gather"] {
        let mut raw = port.http2(&[]).await;
        raw.send(frame(HEADERS, END_HEADERS, 1, &call(method))).await;
        raw.send(frame(DATA, 0, 1, &[0, 0xff, 0xff, 0xff, 0xff])).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert!(ended(&said, 1), "{method}: {:?}", frames(&said));
    }
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn a_bomb_is_unpacked_no_further_than_the_limit() {
    let port = Port::with(|limits| limits.body_bytes = 1 << 20).await;
    let bomb = include_bytes!("bomb.gz");
    assert!(bomb.len() < 64 * 1024);
    for path in ["/hostile.v1.Hostile/Echo", "/v1/echo"] {
        let length = bomb.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{JSON}\
             content-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
        );
        let said = port.tell([head.as_bytes(), bomb].concat()).await;
        assert_eq!(said.statuses(), [413], "{path}: {}", said.text());
    }
    for method in ["Echo", "Gather"] {
        let mut raw = port.http2(&[]).await;
        let head = [call(method), block(&[("grpc-encoding", "gzip")])].concat();
        raw.send(frame(HEADERS, END_HEADERS, 1, &head)).await;
        let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
        let message = [&[1][..], &length, bomb].concat();
        for piece in message.chunks(16_000) {
            raw.send(frame(DATA, 0, 1, piece)).await;
        }
        raw.send(frame(DATA, END_STREAM, 1, &[])).await;
        let said = raw.within(Duration::from_secs(1)).await;
        assert!(ended(&said, 1), "{method}: {:?}", frames(&said));
    }
    // `Gather` begins before its first message is there.
    assert_eq!(port.victim.calls(), 1);
    // What is not compressed at all, and what breaks off.
    for body in [&b"nonsense"[..], &bomb[..100]] {
        let said = connect(&port, &format!("{JSON}content-encoding: gzip\r\n"), body).await;
        assert_eq!(said.statuses(), [400], "{}", said.text());
    }
    port.is_well().await;
}

/// The host has ended this stream, with an answer or without.
fn ended(said: &Said, stream: u32) -> bool {
    frames(said)
        .iter()
        .any(|got| got.stream == stream && (got.kind == RESET || got.flags & END_STREAM != 0))
}
