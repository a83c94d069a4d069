//! Compression, in and out, on every wire.

use bytes::Bytes;

use super::{GRPC, JSON, answer, get, json, with};
use crate::frames::Compression;
use crate::wires::testing::{Answer, exchange, flagged, frame, port, request};
use crate::{Limits, wires::Wires};
use kitfox_core::BoxEndpoint;

const CONNECT: &str = "application/connect+json";

fn zip(message: impl AsRef<[u8]>) -> Bytes {
    Compression::Gzip.compress(message.as_ref())
}

fn unzip(message: &[u8]) -> Bytes {
    Compression::Gzip.decompress(message, 1 << 20).unwrap()
}

/// A port that takes messages worth compressing.
fn roomy() -> Wires<BoxEndpoint> {
    port().limits(Limits::default()).build().unwrap()
}

fn large() -> String {
    "word ".repeat(1000)
}

#[tokio::test]
async fn a_compressed_request_is_unpacked_on_every_wire() {
    for path in ["/a.v1.A/Echo", "/v1/echo"] {
        let packed = with(request(path, JSON, zip("{}")), "content-encoding", "gzip");
        assert_eq!(answer(packed).await.text(), "{}", "{path}");
        let empty = with(request(path, "application/json", ""), "content-encoding", "gzip");
        assert_eq!(answer(empty).await.status.as_u16(), 200, "nothing is not compressed: {path}");
    }
    for kind in [GRPC, "application/grpc-web"] {
        let framed = flagged(1, &zip("hi"));
        let packed = with(request("/a.v1.A/Echo", kind, framed), "grpc-encoding", "gzip");
        assert!(answer(packed).await.body.starts_with(&frame(b"hi")), "{kind}");
    }
    for (kind, name) in [(GRPC, "grpc-encoding"), (CONNECT, "connect-content-encoding")] {
        let framed = [flagged(1, &zip("a")), frame(b"b"), flagged(1, b"")].concat();
        let gathered = answer(with(request("/a.v1.A/Gather", kind, framed), name, "gzip")).await;
        assert!(gathered.body.starts_with(&frame(b"ab")), "{kind}");
    }
    let message = percent_encoding::percent_encode(&zip("{}"), percent_encoding::NON_ALPHANUMERIC)
        .to_string();
    let got = get(&format!("/a.v1.A/Look?encoding=json&compression=gzip&message={message}"));
    assert_eq!(answer(got).await.text(), "{}");
}

#[tokio::test]
async fn what_unpacks_to_more_than_the_limit_is_too_large() {
    let bomb = || zip(vec![0; 100_000]);
    for path in ["/a.v1.A/Echo", "/v1/echo"] {
        let packed = with(request(path, JSON, bomb()), "content-encoding", "gzip");
        let refused = answer(packed).await;
        assert_eq!(refused.status.as_u16(), 413, "{path}");
        assert_eq!(json(&refused)["code"], "resource_exhausted");
    }
    for path in ["/a.v1.A/Echo", "/a.v1.A/Flow", "/a.v1.A/Gather"] {
        let packed = request(path, GRPC, flagged(1, &bomb()));
        let refused = answer(with(packed, "grpc-encoding", "gzip")).await;
        assert_eq!(refused.header("grpc-status"), "8", "{path}");
    }
}

#[tokio::test]
async fn what_is_not_compressed_as_it_says_is_the_callers_mistake() {
    let connect = with(request("/a.v1.A/Echo", JSON, "{}"), "content-encoding", "gzip");
    let refused = answer(connect).await;
    assert_eq!(
        (refused.status.as_u16(), &json(&refused)["code"]),
        (400, &"invalid_argument".into())
    );
    let grpc = request("/a.v1.A/Echo", GRPC, flagged(1, b"plain"));
    assert_eq!(answer(with(grpc, "grpc-encoding", "gzip")).await.header("grpc-status"), "3");
    let silent = answer(request("/a.v1.A/Echo", GRPC, flagged(1, b"plain"))).await;
    assert_eq!(silent.header("grpc-status"), "13", "nobody says how");
}

#[tokio::test]
async fn an_unknown_compression_is_told_the_known_ones() {
    let unknown = async |path, kind, name, accepted: &str| {
        let refused = answer(with(request(path, kind, frame(b"")), name, "snappy")).await;
        assert!(refused.header(accepted).contains("gzip"), "{path} {kind}");
        refused
    };
    let connect = unknown("/a.v1.A/Echo", JSON, "content-encoding", "accept-encoding").await;
    assert_eq!((connect.status.as_u16(), &json(&connect)["code"]), (501, &"unimplemented".into()));
    let rest = unknown("/v1/echo", JSON, "content-encoding", "accept-encoding").await;
    assert_eq!(rest.status.as_u16(), 415);
    for path in ["/a.v1.A/Echo", "/a.v1.A/Gather"] {
        let grpc = unknown(path, GRPC, "grpc-encoding", "grpc-accept-encoding").await;
        assert_eq!(grpc.trailers["grpc-status"], "12");
    }
    let named = ("connect-content-encoding", "connect-accept-encoding");
    let stream = unknown("/a.v1.A/Gather", CONNECT, named.0, named.1).await;
    assert!(String::from_utf8_lossy(&stream.body).contains("unimplemented"));
}

async fn accepting(path: &str, kind: &str, name: &'static str, message: &str) -> Answer {
    let framed = kind != JSON;
    let body = if framed { frame(message.as_bytes()) } else { message.as_bytes().to_vec() };
    exchange(&roomy(), with(request(path, kind, body), name, "br, gzip")).await
}

#[tokio::test]
async fn an_answer_is_compressed_where_its_caller_accepts_it_and_it_is_worth_it() {
    for path in ["/a.v1.A/Echo", "/v1/echo"] {
        let packed = accepting(path, JSON, "accept-encoding", &large()).await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        assert_eq!(unzip(&packed.body), large());
        let small = accepting(path, JSON, "accept-encoding", "{}").await;
        assert_eq!((small.header("content-encoding"), small.text()), ("", "{}"));
    }
    for (path, kind) in [
        ("/a.v1.A/Echo", GRPC),
        ("/a.v1.A/Echo", "application/grpc-web"),
        ("/a.v1.A/Chat", GRPC),
        ("/a.v1.A/Chat", CONNECT),
    ] {
        let (accept, encoding) = match kind {
            CONNECT => ("connect-accept-encoding", "connect-content-encoding"),
            _ => ("grpc-accept-encoding", "grpc-encoding"),
        };
        let packed = accepting(path, kind, accept, &large()).await;
        assert_eq!(packed.header(encoding), "gzip", "{path} {kind}");
        let length = u32::from_be_bytes(packed.body[1..5].try_into().unwrap()) as usize;
        assert_eq!((packed.body[0], unzip(&packed.body[5..5 + length])), (1, large().into()));
        let small = accepting(path, kind, accept, "hi").await;
        assert!(small.body.starts_with(&frame(b"hi")), "{path} {kind}");
    }
    let silent = exchange(&roomy(), request("/a.v1.A/Echo", JSON, large())).await;
    assert_eq!(silent.text(), large());
}
