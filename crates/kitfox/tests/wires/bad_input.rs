//! Requests that are wrong: each is answered, on its own wire, and the answer says what was wrong.

use super::exchange::{Answer, GRPC, JSON, PROTO, Port, begin, frame, grpc, read};
use super::service::Seen;

const METHOD: &str = "/wired.v1.Wired/Echo";

/// The answer says `code` (with its HTTP status) or gRPC's number of it, and every word.
fn refused(answer: &Answer, status: u16, code: &str, words: &[&str]) {
    let (said, message) = answer.failure();
    assert_eq!((answer.status, said.as_str()), (status, code), "{message}");
    for word in words {
        assert!(message.contains(word), "`{message}` does not say `{word}`");
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_json_says_where() {
    let port = Port::start().await;
    for body in ["{", "{\"text\":}", "[]", "{\"text\":\"a\"} x", "{\"text\":7}", "nonsense"] {
        for path in [METHOD, "/v1/echo"] {
            let answer = port.post(path, JSON, body.as_bytes()).await;
            refused(&answer, 400, "invalid_argument", &["wired.v1.Order"]);
        }
        let head = [("content-type", "application/grpc+json")];
        let answer = port.grpc("Echo", &head, &frame(body.as_bytes())).await;
        refused(&answer, 200, "3", &["wired.v1.Order"]);
    }
    assert_eq!(Seen::count(&port.real.0.called), 0);
}

#[tokio::test(start_paused = true)]
async fn truncated_protobuf_is_refused() {
    let port = Port::start().await;
    for body in [&b"\x0a"[..], b"\x0a\x05ab", b"\x10", b"\x10\xff\xff", b"\x0f", b"\x1a\x02\x08"] {
        let answer = port.post(METHOD, PROTO, body).await;
        refused(&answer, 400, "invalid_argument", &["wired.v1.Order"]);
        let answer = port.grpc("Echo", &[], &frame(body)).await;
        refused(&answer, 200, "3", &["wired.v1.Order"]);
    }
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_utf8_is_refused() {
    let port = Port::start().await;
    for path in [METHOD, "/v1/echo"] {
        let answer = port.post(path, JSON, b"{\"text\":\"\xff\xfe\"}").await;
        refused(&answer, 400, "invalid_argument", &["UTF-8"]);
    }
    let answer = port.post(METHOD, PROTO, b"\x0a\x02\xff\xfe").await;
    refused(&answer, 400, "invalid_argument", &["UTF-8"]);
    let answer = port.grpc("Echo", &[], &frame(b"\x0a\x02\xff\xfe")).await;
    refused(&answer, 200, "3", &["UTF-8"]);
    let answer = port.http1("GET /v1/echo/%ff", &[], b"").await;
    refused(&answer, 400, "invalid_argument", &["`text`", "UTF-8"]);
    let answer = port.http1("GET /v1/echo/x?tags=%ff", &[], b"").await;
    refused(&answer, 400, "invalid_argument", &["`tags`", "UTF-8"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_content_type_is_told_the_right_ones() {
    let port = Port::start().await;
    for path in [METHOD, "/v1/echo"] {
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            let answer = port.post(path, kind, b"{}").await;
            refused(&answer, 415, "invalid_argument", &[kind, JSON]);
            assert!(answer.header("accept-post").contains(JSON));
        }
        let answer = port.http1(&format!("POST {path}"), &[], b"{}").await;
        refused(&answer, 415, "invalid_argument", &["no content type"]);
    }
    let answer = port.grpc("Echo", &[("content-type", "text/plain")], &frame(b"")).await;
    refused(&answer, 415, "invalid_argument", &["text/plain", GRPC]);
    let answer =
        port.grpc("Echo", &[("content-type", "application/grpc+thrift")], &frame(b"")).await;
    refused(&answer, 200, "12", &["application/grpc+thrift"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_named() {
    let port = Port::start().await;
    for kind in [JSON, PROTO] {
        let answer = port.post("/wired.v1.Wired/Nope", kind, b"{}").await;
        refused(&answer, 404, "unimplemented", &["/wired.v1.Wired/Nope"]);
        let answer = port.post("/other.v1.Other/Nope", kind, b"{}").await;
        refused(&answer, 404, "unimplemented", &["/other.v1.Other/Nope"]);
    }
    for path in ["/wired.v1.Wired/Nope", "/other.v1.Other/Nope"] {
        let answer = grpc(&mut port.http2().await, path, &[], &frame(b"")).await;
        refused(&answer, 200, "12", &[path]);
    }
    let answer = port.http1("GET /v1/nope", &[], b"").await;
    refused(&answer, 404, "not_found", &["GET /v1/nope"]);
    let answer = port.http1("GET /", &[], b"").await;
    refused(&answer, 404, "not_found", &["GET /"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_http_method_is_told_the_right_ones() {
    let port = Port::start().await;
    for (line, allowed) in [
        (format!("GET {METHOD}"), "POST"),
        (format!("DELETE {METHOD}"), "POST"),
        ("GET /v1/echo".to_owned(), "POST"),
        ("POST /v1/echo/x".to_owned(), "GET, HEAD"),
        ("PATCH /v1/parts/1".to_owned(), "PUT"),
        ("BREW /v1/parts/1".to_owned(), "PUT"),
    ] {
        let answer = port.http1(&line, &[], b"").await;
        let (verb, path) = line.split_once(' ').unwrap();
        refused(&answer, 405, "unimplemented", &[verb, path, allowed]);
        assert_eq!(answer.header("allow"), allowed, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_path_value_is_named() {
    let port = Port::start().await;
    let answer = port.http1("GET /v1/echo/", &[], b"").await;
    refused(&answer, 404, "not_found", &["/v1/echo/{text}"]);
    let answer = port.http1("PUT /v1/parts/", &[], b"").await;
    refused(&answer, 404, "not_found", &["/v1/parts/{part.id}"]);
}

#[tokio::test(start_paused = true)]
async fn a_number_out_of_range_names_its_field() {
    let port = Port::start().await;
    for number in ["-1", "4294967296", "1e99", "1.5", "\"x\"", "\"\"", "true"] {
        let body = format!("{{\"count\":{number}}}");
        for path in [METHOD, "/v1/echo"] {
            let answer = port.post(path, JSON, body.as_bytes()).await;
            refused(&answer, 400, "invalid_argument", &["count"]);
        }
        let head = [("content-type", "application/grpc+json")];
        let answer = port.grpc("Echo", &head, &frame(body.as_bytes())).await;
        refused(&answer, 200, "3", &["count"]);
    }
    for (line, field) in [
        ("GET /v1/echo/x?count=-1", "count"),
        ("GET /v1/echo/x?count=4294967296", "count"),
        ("GET /v1/echo/x?count=", "count"),
        ("GET /v1/echo/x?nope=1", "nope"),
        ("PUT /v1/parts/18446744073709551616", "part.id"),
        ("PUT /v1/parts/x", "part.id"),
    ] {
        let answer = port.http1(line, &[], b"").await;
        refused(&answer, 400, "invalid_argument", &[field]);
    }
    // A varint has at most ten bytes.
    let long = b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    refused(&port.post(METHOD, PROTO, long).await, 400, "invalid_argument", &["wired.v1.Order"]);
    refused(&port.grpc("Echo", &[], &frame(long)).await, 200, "3", &["wired.v1.Order"]);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_timeout_names_its_header() {
    let port = Port::start().await;
    for value in ["soon", "-1", "1.5", "12345678901", "1s", "0x10"] {
        let head = ["content-type: application/json", &format!("connect-timeout-ms: {value}")];
        for path in [METHOD, "/v1/echo"] {
            let answer = port.http1(&format!("POST {path}"), &head, b"{}").await;
            refused(&answer, 400, "invalid_argument", &["connect-timeout-ms", value]);
        }
    }
    for value in ["soon", "5", "-1S", "123456789S", "1.5S", "1s"] {
        let answer = port.grpc("Echo", &[("grpc-timeout", value)], &frame(b"")).await;
        refused(&answer, 200, "3", &["grpc-timeout", value]);
    }
    assert_eq!(Seen::count(&port.real.0.called), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_on_arrival_calls_nobody() {
    let port = Port::start().await;
    let head = ["content-type: application/json", "connect-timeout-ms: 0"];
    for path in [METHOD, "/v1/echo"] {
        let answer = port.http1(&format!("POST {path}"), &head, b"{}").await;
        refused(&answer, 504, "deadline_exceeded", &["deadline"]);
    }
    let answer = port.grpc("Echo", &[("grpc-timeout", "0n")], &frame(b"")).await;
    refused(&answer, 200, "4", &["deadline"]);
    assert_eq!(Seen::count(&port.real.0.called), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_one_call_and_the_connection_lives_on() {
    let port = Port::start().await;
    let mut connection = port.connect().await;
    let head = ["content-type: application/json"];
    for path in ["/wired.v1.Wired/Panic", "/v1/panic"] {
        begin(&mut connection, &format!("POST {path}"), &head, b"{\"text\":\"secret\"}").await;
        let answer = read(&mut connection).await;
        refused(&answer, 500, "internal", &[]);
        assert!(!answer.text().contains("secret"), "nobody outside learns why");
        begin(&mut connection, "POST /v1/echo", &head, b"{}").await;
        assert_eq!(read(&mut connection).await.status, 200);
    }
    let mut sender = port.http2().await;
    let answer = grpc(&mut sender, "/wired.v1.Wired/Panic", &[], &frame(b"")).await;
    refused(&answer, 200, "13", &[]);
    let answer = grpc(&mut sender, METHOD, &[], &frame(b"")).await;
    assert_eq!(answer.header("grpc-status"), "0");
}

#[tokio::test(start_paused = true)]
async fn frames_of_grpc_that_are_none_are_refused() {
    let port = Port::start().await;
    let two = [frame(b""), frame(b"")].concat();
    for (body, number, word) in [
        (&b""[..], "12", "no message"),
        (b"\0\0\0", "3", "cut off"),
        (b"\0\0\0\0\x09half", "3", "cut off"),
        (&two, "12", "more than one"),
        (b"\x01\0\0\0\0", "13", "compressed"),
        (b"\x40\0\0\0\0", "13", "0x40"),
    ] {
        refused(&port.grpc("Echo", &[], body).await, 200, number, &[word]);
    }
}
