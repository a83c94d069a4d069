//! Methods that stream, in the frames of each protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Version};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use kitfox_core::Peer;
use kitfox_core::message::{Codec, Message};
use kitfox_core::types::rpc::Status;
use serde_json::{Value, json};

use super::{answer, with};
use crate::Handler;
use crate::wires::testing::{Answer, exchange, flagged, frame, port, request};

/// Every protocol that has frames, binary and not.
const PROTOCOLS: [&str; 6] = [
    "application/grpc",
    "application/grpc+json",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/connect+proto",
    "application/connect+json",
];

/// What a caller makes of an answer in frames.
#[derive(Debug, PartialEq)]
struct Streamed {
    messages: Vec<String>,
    /// gRPC's number, 0 where all went well.
    code: u64,
    message: String,
    /// The type of each detail.
    details: Vec<String>,
    trailers: HeaderMap,
}

impl Streamed {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status.as_u16(), 200);
        let kind = answer.header("content-type");
        let body =
            if kind.contains("-text") { unpadded(&answer.body) } else { answer.body.to_vec() };
        let mut frames = frames(&body);
        if kind.starts_with("application/connect") {
            let (flags, end) = frames.pop().unwrap();
            assert_eq!(flags, 2);
            return Streamed::connect(messages(frames), &serde_json::from_slice(&end).unwrap());
        }
        let mut trailers = answer.trailers.clone();
        if kind.starts_with("application/grpc-web") {
            assert!(trailers.is_empty(), "a browser cannot read them");
            let (flags, end) = frames.pop().unwrap();
            assert_eq!(flags, 0x80);
            trailers = lines(&end);
        } else if trailers.is_empty() {
            trailers = answer.headers.clone();
        }
        Streamed::grpc(messages(frames), trailers)
    }

    fn connect(messages: Vec<String>, end: &Value) -> Self {
        let mut trailers = HeaderMap::new();
        for (name, values) in end["metadata"].as_object().into_iter().flatten() {
            for value in values.as_array().unwrap() {
                let name: http::HeaderName = name.parse().unwrap();
                trailers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        let error = &end["error"];
        let code = error["code"].as_str().map_or(0, |name| {
            u64::from((1..=16_u32).find(|code| named(*code) == name).expect("a code's name"))
        });
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        let details = error["details"].as_array().into_iter().flatten();
        let details = details.map(|detail| detail["type"].as_str().unwrap().to_owned()).collect();
        Streamed { messages, code, message, details, trailers }
    }

    fn grpc(messages: Vec<String>, mut trailers: HeaderMap) -> Self {
        let mut take = |name: &str| {
            trailers.remove(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        let (code, message) = (take("grpc-status").parse().unwrap(), take("grpc-message"));
        let status = STANDARD_NO_PAD.decode(take("grpc-status-details-bin")).unwrap();
        take("content-type");
        let details = Status::decode(Codec::Protobuf, &status).unwrap().details;
        let details = details.iter().map(|any| any.type_name().to_owned()).collect();
        Streamed { messages, code, message, details, trailers }
    }

    fn trailer(&self, name: &str) -> &str {
        self.trailers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn named(code: u32) -> &'static str {
    kitfox_core::Code::from_grpc(code).unwrap().name()
}

fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((prefix, rest)) = bytes.split_first_chunk::<5>() {
        let [flags, length @ ..] = *prefix;
        let (message, rest) = rest.split_at(u32::from_be_bytes(length) as usize);
        frames.push((flags, message.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "a frame is cut off");
    frames
}

fn messages(frames: Vec<(u8, Vec<u8>)>) -> Vec<String> {
    let text = |(flags, message)| {
        assert_eq!(flags, 0);
        String::from_utf8(message).unwrap()
    };
    frames.into_iter().map(text).collect()
}

/// Each piece of text is padded for itself.
fn unpadded(text: &[u8]) -> Vec<u8> {
    text.chunks(4).flat_map(|group| STANDARD.decode(group).unwrap()).collect()
}

fn lines(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(text).unwrap().split_terminator("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    headers
}

/// The frames of `messages` as the body of a request with that content type.
fn body(kind: &str, messages: &[&str]) -> Vec<u8> {
    let bytes: Vec<u8> = messages.iter().flat_map(|message| frame(message.as_bytes())).collect();
    if kind.contains("-text") { STANDARD.encode(bytes).into_bytes() } else { bytes }
}

async fn call(path: &str, kind: &str, messages: &[&str]) -> Streamed {
    let answer = answer(request(path, kind, body(kind, messages))).await;
    assert_eq!(answer.header("content-type"), kind);
    Streamed::of(&answer)
}

#[tokio::test]
async fn every_shape_is_on_every_protocol() {
    for kind in PROTOCOLS {
        let flow = call("/a.v1.A/Flow", kind, &["one two three"]).await;
        assert_eq!(
            (flow.messages, flow.code),
            (vec!["one".into(), "two".into(), "three".into()], 0)
        );
        let gathered = call("/a.v1.A/Gather", kind, &["a", "", "bc"]).await;
        assert_eq!((gathered.messages, gathered.code), (vec!["abc".to_owned()], 0), "{kind}");
        let chat = call("/a.v1.A/Chat", kind, &["a", "b"]).await;
        assert_eq!((chat.messages, chat.code), (vec!["a".into(), "b".into()], 0), "{kind}");
        let silent = call("/a.v1.A/Chat", kind, &[]).await;
        assert_eq!((silent.messages, silent.code), (vec![], 0), "{kind}");
        if !kind.contains("connect") {
            let echo = call("/a.v1.A/Echo", kind, &["one"]).await;
            assert_eq!((echo.messages, echo.code), (vec!["one".to_owned()], 0), "{kind}");
        }
    }
}

#[tokio::test]
async fn headers_go_before_the_messages_and_trailers_after_them() {
    for kind in PROTOCOLS {
        let flow = request("/a.v1.A/Flow", kind, body(kind, &["a"]));
        let answer = answer(with(flow, "x-want", "metadata")).await;
        assert_eq!(answer.header("x-own"), "head", "{kind}");
        let streamed = Streamed::of(&answer);
        assert_eq!((streamed.code, streamed.messages.len()), (0, 1));
        let early = ("x-sum", "tail");
        for (name, value) in [early, ("x-late", "end")] {
            assert_eq!(streamed.trailer(name), value, "{kind} {name}");
        }
        assert!(!streamed.trailers.contains_key("x-own"));
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_says_all_it_has_to_say() {
    for kind in PROTOCOLS {
        let torn = call("/a.v1.A/Flow", kind, &["a b ! c"]).await;
        assert_eq!(torn.messages, ["a", "b"], "{kind}");
        assert_eq!((torn.code, torn.message.as_str()), (15, "torn"), "{kind}");
        assert_eq!(torn.details, ["a.v1.Why"], "{kind}");
        assert_eq!((torn.trailer("x-own"), torn.trailer("x-sum")), ("head", "tail"), "{kind}");
    }
}

#[tokio::test]
async fn a_failure_before_the_first_message_is_an_answer_without_one() {
    for kind in PROTOCOLS {
        let refused = call("/a.v1.A/Gather", kind, &["a", &"x".repeat(1001)]).await;
        assert_eq!((refused.messages.len(), refused.code), (0, 8), "{kind}");
        let none = call("/a.v1.A/Flow", kind, &[]).await;
        assert_eq!((none.messages.len(), none.code), (0, 12), "{kind}");
        let two = call("/a.v1.A/Flow", kind, &["a", "b"]).await;
        assert_eq!((two.messages.len(), two.code), (0, 12), "{kind}");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_the_callers_failure() {
    for kind in ["application/grpc", "application/connect+json"] {
        let mut torn = frame(b"a");
        torn.extend_from_slice(&frame(b"bc")[..6]);
        let answer = answer(request("/a.v1.A/Gather", kind, torn)).await;
        assert_eq!(Streamed::of(&answer).code, 3, "{kind}");
    }
    let text = request("/a.v1.A/Gather", "application/grpc-web-text", "AAAA!");
    assert_eq!(Streamed::of(&answer(text).await).code, 3);
}

#[tokio::test]
async fn a_frame_that_means_nothing_is_refused() {
    for flags in [1, 2, 0x80] {
        let odd = request("/a.v1.A/Gather", "application/connect+json", flagged(flags, b"a"));
        assert_eq!(Streamed::of(&answer(odd).await).code, 13, "{flags}");
    }
}

#[tokio::test]
async fn the_content_types_of_a_stream_are_not_those_of_one_message() {
    for (path, kind, accepted) in [
        ("/a.v1.A/Flow", "application/json", "application/connect+json"),
        ("/a.v1.A/Echo", "application/connect+json", "application/json"),
    ] {
        let refused = answer(request(path, kind, "{}")).await;
        assert_eq!(refused.status.as_u16(), 415, "{path}");
        assert!(refused.header("accept-post").contains(accepted), "{path}");
    }
    let unknown = answer(request("/a.v1.A/Nope", "application/connect+json", "")).await;
    assert_eq!(unknown.status.as_u16(), 404);
}

/// A body that yields `pieces`, says how many were asked for, and then nothing more.
fn counted(
    pieces: Vec<Vec<u8>>,
) -> (Arc<AtomicUsize>, impl Body<Data = Bytes, Error = std::io::Error> + Send + 'static) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let mut pieces = pieces.into_iter();
    let body = StreamBody::new(stream::poll_fn(move |_| match pieces.next() {
        Some(piece) => {
            counter.fetch_add(1, Ordering::Relaxed);
            std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
        }
        None => std::task::Poll::Pending,
    }));
    (asked, body)
}

fn posted<B>(path: &str, kind: &str, body: B) -> Request<B> {
    Request::post(path).version(Version::HTTP_2).header("content-type", kind).body(body).unwrap()
}

#[tokio::test]
async fn messages_leave_as_they_come_and_are_read_as_they_are_asked_for() {
    let wires = port().build().unwrap();
    let peer = Peer::new(([127, 0, 0, 1], 7).into());
    for kind in ["application/grpc", "application/connect+json"] {
        let (asked, body) = counted(vec![frame(b"a"), frame(b"b")]);
        let mut answer = wires.handle(&peer, posted("/a.v1.A/Chat", kind, body)).await;
        assert_eq!(asked.load(Ordering::Relaxed), 0, "headers do not wait for a message");
        let piece = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(
            &piece[..],
            [frame(b"a"), frame(b"b")].concat(),
            "ready together, sent together"
        );
    }
    // A piece is full long before all messages are read.
    let (asked, body) = counted(vec![frame(&[b'x'; 1000]); 100]);
    let mut answer = wires.handle(&peer, posted("/a.v1.A/Chat", "application/grpc", body)).await;
    let piece = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(piece.len() < 20_000, "{}", piece.len());
    assert!(asked.load(Ordering::Relaxed) < 20, "what nobody takes is not read");
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_the_deadline_of_its_caller_and_at_most_the_ports() {
    let wires = port().build().unwrap();
    for (timeout, seconds) in [(Some("50m"), 0), (None, 3600), (Some("2H"), 3600)] {
        let (_, body) = counted(vec![frame(b"a")]);
        let mut request = posted("/a.v1.A/Hang", "application/grpc", body);
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        let begun = tokio::time::Instant::now();
        let late = tokio::time::timeout(Duration::from_secs(9999), exchange(&wires, request));
        assert_eq!(late.await.unwrap().header("grpc-status"), "4", "{timeout:?}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{timeout:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_stream_of_connect_is_the_json_of_its_specification() {
    let flow = |text: &'static str| {
        request("/a.v1.A/Flow", "application/connect+json", frame(text.as_bytes()))
    };
    let fine = answer(flow("a")).await;
    assert_eq!(frames(&fine.body).last().unwrap(), &(2, b"{}".to_vec()));
    let torn = answer(flow("!")).await;
    let (_, end) = frames(&torn.body).pop().unwrap();
    let expected = json!({
        "error": {
            "code": "data_loss",
            "message": "torn",
            "details": [{"type": "a.v1.Why", "value": "CAc"}],
        },
        "metadata": {"x-own": ["head"], "x-sum": ["tail"]},
    });
    assert_eq!(serde_json::from_slice::<Value>(&end).unwrap(), expected);
}

#[tokio::test]
async fn headers_of_a_failure_are_no_trailers() {
    let fail = |text: &'static [u8]| request("/a.v1.A/Fail", "application/grpc", frame(text));
    let plain = answer(fail(b"\"5 plain\"")).await;
    assert_eq!((plain.header("grpc-status"), plain.trailers.len()), ("5", 0), "in one frame");
    let own = answer(fail(b"\"5 metadata\"")).await;
    assert_eq!((own.header("x-own"), own.header("grpc-status")), ("head", ""));
    assert_eq!((own.trailer("grpc-status"), own.trailer("x-sum")), ("5", "tail"));
}

#[tokio::test]
async fn a_connection_with_the_rest_of_a_request_in_it_is_not_used_again() {
    let unread = |path, kind| posted(path, kind, counted(vec![frame(b"a")]).1);
    let wires = port().build().unwrap();
    for (path, kind) in [
        ("/a.v1.A/Nope", "application/json"),
        ("/a.v1.A/Echo", "text/plain"),
        ("/v1/nope", "application/json"),
        ("/v1/gather", "application/json"),
    ] {
        let refused = exchange(&wires, unread(path, kind)).await;
        assert_eq!(refused.header("connection"), "close", "{path} {kind}");
    }
    let torn = [frame(b"a"), frame(&[b'x'; 1001])].concat();
    let refused = answer(request("/a.v1.A/Gather", "application/connect+json", torn)).await;
    assert_eq!(refused.header("connection"), "close");
    let whole = answer(request("/a.v1.A/Gather", "application/connect+json", frame(b"a"))).await;
    assert_eq!(whole.header("connection"), "");
    assert_eq!(
        answer(request("/a.v1.A/Nope", "application/json", "")).await.header("connection"),
        ""
    );
}
