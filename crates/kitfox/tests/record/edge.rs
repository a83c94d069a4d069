//! What reaches no method is recorded where it came in, once, whatever the wire.

use bytes::Bytes;
use http::Request;
use kitfox::Code;
use kitfox::record::{Ending, Side, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::witness::{SeenEdge, Witness};
use crate::wires::exchange::{GRPC, JSON, LIMIT, PROTO, Port, begin, frame, grpc, read};

const METHOD: &str = "/wired.v1.Wired/Echo";
const STREAM: &str = "/wired.v1.Wired/Flow";
const NONE: &str = "/wired.v1.Wired/Nope";
const WEB: &str = "application/grpc-web+proto";
const WEB_TEXT: &str = "application/grpc-web-text+proto";
const CONNECT_STREAM: &str = "application/connect+proto";

/// A port, and who is told of it.
struct Edge {
    port: Port,
    witness: Witness,
}

impl Edge {
    async fn new() -> Self {
        let witness = Witness::default();
        Edge { port: Port::witnessed(&witness).await, witness }
    }

    /// Exactly that was seen, and no call of a method.
    async fn seen(&self, what: &str, wire: Option<Wire>, status: Option<u16>, code: Code) {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let mut edges = self.witness.take_edges();
        assert_eq!(edges.len(), 1, "{what}: {edges:#?}");
        let edge = edges.remove(0);
        let code = status.is_some().then_some(code);
        let verb = edge.verb.clone();
        let peer = Some("10.0.0.1:50000".parse().unwrap());
        assert_eq!(edge, SeenEdge { wire, verb, status, code, peer }, "{what}");
        assert_eq!(self.witness.take(), [], "{what}");
        assert_eq!(self.witness.open(), 0, "{what}");
    }
}

fn large() -> Vec<u8> {
    format!("{{\"text\":\"{}\"}}", "x".repeat(LIMIT)).into_bytes()
}

/// A frame that says that it is compressed, and is not.
fn packed_wrongly() -> Vec<u8> {
    let mut frame = frame(b"no gzip");
    frame[0] = 1;
    frame
}

const GZIP: (&str, &str) = ("grpc-encoding", "gzip");

#[tokio::test(start_paused = true)]
async fn over_rest() {
    let edge = Edge::new().await;
    let (port, rest) = (&edge.port, Some(Wire::Rest));
    for (line, head, body, status, code) in [
        ("GET /v1/nope", &[][..], Vec::new(), 404, Code::NotFound),
        ("GET /", &[], Vec::new(), 404, Code::NotFound),
        ("DELETE /v1/echo", &[], Vec::new(), 405, Code::Unimplemented),
        (
            "POST /v1/echo",
            &["content-type: text/plain"],
            b"{}".to_vec(),
            415,
            Code::InvalidArgument,
        ),
        (
            "POST /v1/echo",
            &["content-type: application/json"],
            large(),
            413,
            Code::ResourceExhausted,
        ),
        (
            "POST /v1/echo",
            &["content-type: application/json", "content-encoding: gzip"],
            b"no gzip".to_vec(),
            400,
            Code::InvalidArgument,
        ),
    ] {
        let answer = port.http1(line, head, &body).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.text());
        edge.seen(&format!("{line} {head:?}"), rest, Some(status), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn over_connect() {
    let edge = Edge::new().await;
    let (port, connect) = (&edge.port, Some(Wire::Connect));
    let answer = port.post(NONE, PROTO, b"").await;
    assert_eq!(answer.status, 404);
    edge.seen("no method", connect, Some(404), Code::Unimplemented).await;
    let answer = port.post(METHOD, JSON, &large()).await;
    assert_eq!(answer.status, 413);
    edge.seen("too large", connect, Some(413), Code::ResourceExhausted).await;
    let head = ["content-type: application/json", "content-encoding: gzip"];
    let answer = port.http1(&format!("POST {METHOD}"), &head, b"no gzip").await;
    edge.seen("packed wrongly", connect, Some(answer.status), Code::InvalidArgument).await;
    let answer = port.post(METHOD, "text/plain", b"{}").await;
    assert_eq!(answer.status, 415);
    edge.seen("no content of ours", None, Some(415), Code::InvalidArgument).await;

    // The one message of a call whose answer is a stream.
    for (what, body, code) in [
        ("too large a frame", frame(&large()), Code::ResourceExhausted),
        ("torn", frame(b"1234")[..6].to_vec(), Code::InvalidArgument),
    ] {
        let answer = port.post(STREAM, CONNECT_STREAM, &body).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        edge.seen(what, connect, Some(200), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn over_grpc() {
    let edge = Edge::new().await;
    for (what, path, head, body, code) in [
        ("no method", NONE, &[][..], frame(b""), Code::Unimplemented),
        ("too large", METHOD, &[], frame(&large()), Code::ResourceExhausted),
        ("torn", METHOD, &[], frame(b"1234")[..6].to_vec(), Code::InvalidArgument),
        ("packed wrongly", METHOD, &[GZIP], packed_wrongly(), Code::InvalidArgument),
        ("no message", METHOD, &[], Vec::new(), Code::Unimplemented),
        ("two messages", METHOD, &[], [frame(b""), frame(b"")].concat(), Code::Unimplemented),
        ("too large, of a stream", STREAM, &[], frame(&large()), Code::ResourceExhausted),
        (
            "no codec of ours",
            METHOD,
            &[("content-type", "application/grpc+thrift")],
            frame(b""),
            Code::Unimplemented,
        ),
    ] {
        let answer = grpc(&mut edge.port.http2().await, path, head, &body).await;
        assert_eq!(answer.header("grpc-status"), code.grpc().to_string(), "{what}: {answer:?}");
        edge.seen(what, Some(Wire::Grpc), Some(200), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn over_grpc_web() {
    let edge = Edge::new().await;
    for (what, path, kind, body, code) in [
        ("no method", NONE, WEB, frame(b""), Code::Unimplemented),
        ("too large", METHOD, WEB, frame(&large()), Code::ResourceExhausted),
        ("torn", METHOD, WEB, frame(b"1234")[..6].to_vec(), Code::InvalidArgument),
        ("no base64", METHOD, WEB_TEXT, b"!!!!".to_vec(), Code::InvalidArgument),
        ("too large, of a stream", STREAM, WEB, frame(&large()), Code::ResourceExhausted),
    ] {
        let answer = edge.port.post(path, kind, &body).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        edge.seen(what, Some(Wire::GrpcWeb), Some(200), code).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_leaves_before_its_message_is_whole() {
    let edge = Edge::new().await;
    for (path, kind, wire, status) in [
        ("/v1/echo", JSON, Wire::Rest, 400),
        (METHOD, JSON, Wire::Connect, 400),
        (METHOD, WEB, Wire::GrpcWeb, 200),
        (STREAM, CONNECT_STREAM, Wire::Connect, 200),
    ] {
        let mut connection = edge.port.connect().await;
        let content = format!("content-type: {kind}");
        let head = [content.as_str(), "content-length: 9"];
        begin(&mut connection, &format!("POST {path}"), &head, b"{").await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        drop(connection);
        // Over HTTP/1.1 that is a body which is cut short.
        edge.seen(path, Some(wire), Some(status), Code::InvalidArgument).await;
    }
    let mut sender = edge.port.http2().await;
    let request = Request::post(format!("http://test{METHOD}")).header("content-type", GRPC);
    let (_response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    stream.send_data(Bytes::from_static(b"\0"), false).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    stream.send_reset(h2::Reason::CANCEL);
    edge.seen("over HTTP/2", Some(Wire::Grpc), Some(200), Code::InvalidArgument).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_come_in_time() {
    let edge = Edge::new().await;
    for (path, wire) in [("/v1/echo", Wire::Rest), (METHOD, Wire::Connect)] {
        let mut connection = edge.port.connect().await;
        let head = ["content-type: application/json", "content-length: 9"];
        begin(&mut connection, &format!("POST {path}"), &head, b"{").await;
        assert_eq!(read(&mut connection).await.status, 408, "{path}");
        edge.seen(path, Some(wire), Some(408), Code::DeadlineExceeded).await;
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_request() {
    let edge = Edge::new().await;
    for (what, bytes, status) in [
        ("garbage", b"no HTTP here\r\n\r\n".to_vec(), 400),
        ("a head without an end", [b"GET / HTTP/1.1\r\nx: ", &[b'x'; 100_000][..]].concat(), 431),
    ] {
        let mut connection = edge.port.connect().await;
        // A peer that is refused may not take all of it.
        let _ = connection.write_all(&bytes).await;
        let mut answer = [0; 12];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, *format!("HTTP/1.1 {status}").as_bytes(), "{what}");
        drop(connection);
        edge.seen(what, None, Some(status), Code::InvalidArgument).await;
    }
}

/// A message that is whole and means nothing has come as far as its method's stack: it passed the
/// layers there, and its record is the method's.
#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_decoded_is_a_record_of_its_method() {
    let edge = Edge::new().await;
    let port = &edge.port;
    let bad = &b"\x0a\x05ab"[..];
    port.post("/v1/echo", JSON, b"{\"text\":7}").await;
    port.post(METHOD, JSON, b"nonsense").await;
    port.post(METHOD, PROTO, bad).await;
    port.grpc("Echo", &[], &frame(bad)).await;
    port.post(METHOD, WEB, &frame(bad)).await;
    let wires = [Wire::Rest, Wire::Connect, Wire::Connect, Wire::Grpc, Wire::GrpcWeb];
    let seen = edge.witness.take();
    assert_eq!(seen.iter().map(|seen| seen.wire).collect::<Vec<_>>(), wires);
    for seen in seen {
        assert_eq!((seen.side, seen.method), (Side::Server, METHOD));
        assert_eq!(seen.end, (Ending::Refused, Some(Code::InvalidArgument), Some("decode")));
    }
    assert_eq!(edge.witness.take_edges(), []);
}
