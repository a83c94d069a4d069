//! The direct path and the engine say the same: every case goes through both.
//!
//! Where they differ on purpose, the case says so and why, and the test fails when they no longer
//! do.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use serde_json::Value;

use super::testing::{Answer, exchange, frame, port, request};

struct Case {
    name: String,
    request: Request<Full<Bytes>>,
    /// Why the two differ on purpose.
    differs: Option<&'static str>,
}

fn case(name: impl Into<String>, request: Request<Full<Bytes>>) -> Case {
    Case { name: name.into(), request, differs: None }
}

impl Case {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.request.headers_mut().append(name, HeaderValue::from_static(value));
        self
    }

    fn differs(mut self, why: &'static str) -> Self {
        self.differs = Some(why);
        self
    }
}

/// What a client makes of an answer.
#[derive(Debug, PartialEq)]
struct Meaning {
    status: u16,
    content_type: String,
    outcome: Value,
    message: Vec<u8>,
    own: BTreeMap<String, String>,
}

fn meaning(answer: &Answer) -> Meaning {
    let content_type = answer.header("content-type").to_owned();
    let all = || answer.headers.iter().chain(&answer.trailers);
    let own = all().filter(|(name, _)| {
        let name = name.as_str();
        let plain = name.trim_start_matches("trailer-");
        plain.starts_with("x-") || plain.starts_with("retry-") || name.ends_with("pushback-ms")
    });
    let own = own.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let own = own.collect();
    let status = answer.status.as_u16();
    if content_type.starts_with("application/grpc") {
        let content_type = content_type.trim_end_matches("+proto").to_owned();
        let said = |name: &str| all().find(|(known, _)| *known == name).map(|(_, value)| value);
        let text = |name: &str| said(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let details = STANDARD_NO_PAD.decode(text("grpc-status-details-bin")).unwrap();
        // Without details the engine sends a status that says the same twice; it may be left out.
        let details = Value::from(if details.contains(&0x1a) { details } else { Vec::new() });
        let outcome =
            Value::from(vec![text("grpc-status").into(), text("grpc-message").into(), details]);
        return Meaning { status, content_type, outcome, message: answer.body.to_vec(), own };
    }
    let (outcome, message) = if answer.status.is_success() {
        (Value::Null, answer.body.to_vec())
    } else {
        (serde_json::from_slice(&answer.body).unwrap_or_default(), Vec::new())
    };
    Meaning { status, content_type, outcome, message, own }
}

const ECHO: &str = "/a.v1.A/Echo";
const FAIL: &str = "/a.v1.A/Fail";

fn good() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["application/json", "application/json; charset=utf-8", "application/proto"] {
        for body in ["", "{}", r#"{"text":"grün"}"#] {
            let name = format!("connect {kind} {body:?}");
            cases.push(case(name, request(ECHO, kind, body.as_bytes().to_vec())));
        }
    }
    for kind in ["application/grpc", "application/grpc+proto", "application/grpc+json"] {
        for size in [0, 1, 100, 1000] {
            let body = frame(&vec![b'x'; size]);
            cases.push(case(format!("{kind} {size}"), request(ECHO, kind, body)));
        }
    }
    let json = || request(ECHO, "application/json", "{}");
    let grpc = || request(ECHO, "application/grpc", frame(b"{}"));
    cases.extend([
        case("version", json()).with("connect-protocol-version", "1"),
        case("identity", json()).with("content-encoding", "identity"),
        case("grpc identity", grpc()).with("grpc-encoding", "identity"),
        case("timeout", json()).with("connect-timeout-ms", "5000"),
        case("grpc timeout", grpc()).with("grpc-timeout", "5S"),
        case("metadata", json()).with("x-want", "metadata"),
        case("grpc metadata", grpc()).with("x-want", "metadata"),
    ]);
    cases
}

fn failed() -> Vec<Case> {
    let mut cases = Vec::new();
    for number in 1..=16 {
        for what in ["plain", "details", "after", "exhausted", "silent", "metadata"] {
            let text = format!("\"{number} {what}\"");
            let name = format!("fails {number} {what}");
            cases.push(case(
                format!("connect {name}"),
                request(FAIL, "application/json", text.clone()),
            ));
            let framed = frame(text.as_bytes());
            let grpc = case(format!("grpc {name}"), request(FAIL, "application/grpc", framed));
            cases.push(grpc);
        }
    }
    cases
}

fn bad() -> Vec<Case> {
    let json = |body: &str| request(ECHO, "application/json", body.to_owned());
    let grpc = |body: &[u8]| request(ECHO, "application/grpc", body.to_owned());
    let mut two = frame(b"a");
    two.extend(frame(b"b"));
    let words = "we say what is wrong in other words";
    vec![
        case("version 2", json("{}")).with("connect-protocol-version", "2"),
        case("no such compression", json("{}")).with("content-encoding", "snappy"),
        case("too large", json(&"x".repeat(1001))),
        case("malformed timeout", json("{}")).with("connect-timeout-ms", "soon"),
        case("no time", json("{}")).with("connect-timeout-ms", "0"),
        case("content type", request(ECHO, "text/plain", "{}")),
        case("no content type", request(ECHO, "", "{}")),
        case("unknown method", request("/a.v1.A/Nope", "application/json", "{}")),
        case("stream", request("/a.v1.A/Flow", "application/json", "{}")),
        case("grpc no such compression", grpc(&frame(b"{}"))).with("grpc-encoding", "snappy"),
        case("grpc too large", grpc(&frame(&[b'x'; 1001]))),
        case("grpc announces too much", grpc(&[0, 255, 255, 255, 255])).differs(
            "the engine sees that the message is cut off before it sees how long it would be",
        ),
        case("grpc malformed timeout", grpc(&frame(b"{}"))).with("grpc-timeout", "soon"),
        case("grpc no time", grpc(&frame(b"{}"))).with("grpc-timeout", "0m"),
        case("grpc subtype", request(ECHO, "application/grpc+thrift", frame(b"{}"))),
        case("grpc unknown method", request("/a.v1.A/Nope", "application/grpc", frame(b""))),
        case("grpc stream", request("/a.v1.A/Flow", "application/grpc", frame(b""))),
        case("grpc no message", grpc(b"")).differs(words),
        case("grpc torn prefix", grpc(b"\0\0\0")).differs(words),
        case("grpc torn message", grpc(b"\0\0\0\0\x09half")).differs(words),
        case("grpc two messages", grpc(&two)).differs(words),
        case("grpc compressed", grpc(b"\x01\0\0\0\x01x")).differs(words),
        case("grpc flags", grpc(b"\x40\0\0\0\x01x"))
            .differs("the engine passes over flags that nobody defined"),
    ]
}

async fn both(case: &Case) -> (Meaning, Meaning) {
    let direct = port().build().unwrap();
    let engine = port().direct(false).build().unwrap();
    let direct = exchange(&direct, case.request.clone()).await;
    let engine = exchange(&engine, case.request.clone()).await;
    (meaning(&direct), meaning(&engine))
}

#[tokio::test]
async fn the_direct_path_and_the_engine_say_the_same() {
    let mut wrong = Vec::new();
    for case in good().into_iter().chain(failed()).chain(bad()) {
        let (direct, engine) = both(&case).await;
        match case.differs {
            None if direct != engine => {
                wrong.push(format!("{}:\n  direct {direct:?}\n  engine {engine:?}", case.name));
            }
            Some(why) if direct == engine => {
                wrong.push(format!("{}: no longer differs ({why})", case.name));
            }
            // Other words, the same code; the exceptions are named.
            Some(why) if why.contains("words") => {
                assert_eq!(direct.outcome[0], engine.outcome[0], "{}", case.name);
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_good_case_is_answered() {
    for case in good() {
        let (direct, _) = both(&case).await;
        let fine = direct.outcome == Value::Null || direct.outcome[0] == "0";
        assert!(fine && direct.status == 200, "{}: {direct:?}", case.name);
    }
}
