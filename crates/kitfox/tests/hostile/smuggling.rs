//! Requests whose end two readers may see at different places (RFC 9112, 11.2). What is not clear is
//! refused, and its connection closed: nothing behind it is ever taken for a request.

use super::port::Port;

/// What would be smuggled.
const HIDDEN: &str = "GET /v1/look/hidden HTTP/1.1\r\nhost: a\r\n\r\n";

/// The one answer to `request` is `status`, and the hidden request is none.
async fn refused(status: u16, request: &str) {
    let port = Port::start().await;
    let said = port.tell(format!("{request}{HIDDEN}")).await;
    assert_eq!(said.statuses(), [status], "{request:?}: {}", said.text());
    assert!(said.closed, "{request:?}: it stays open");
    assert!(!said.text().contains("hidden"), "{request:?}: {}", said.text());
    port.is_well().await;
}

/// A request with `fields` and `body`.
fn post(fields: &str, body: &str) -> String {
    format!(
        "POST /v1/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{fields}\r\n{body}"
    )
}

#[tokio::test(start_paused = true)]
async fn two_ways_to_say_a_length_are_one_too_many() {
    for fields in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
    ] {
        // The chunks count, as RFC 9112, 6.3 wants, and nothing behind them is read.
        refused(200, &post(fields, "2\r\n{}\r\n0\r\n\r\n")).await;
    }
    for fields in [
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 3\r\ncontent-length: 2\r\n",
        "content-length: 2, 3\r\n",
    ] {
        refused(400, &post(fields, "2\r\n{}\r\n0\r\n\r\n")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_no_number_is_none() {
    let endless = "9".repeat(40);
    for length in ["+2", "-2", "0x2", "2 2", "", "two", "18446744073709551616", &endless] {
        refused(400, &post(&format!("content-length: {length}\r\n"), "{}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_encoding_that_is_not_chunked_at_its_end_has_no_end() {
    for encoding in ["chunked, identity", "identity", "xchunked", "chunked;q=0", "gzip", ""] {
        refused(400, &post(&format!("transfer-encoding: {encoding}\r\n"), "2\r\n{}\r\n0\r\n\r\n"))
            .await;
    }
    let old = post("transfer-encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n");
    refused(400, &old.replace("HTTP/1.1", "HTTP/1.0")).await;
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_not_quite_one_is_refused() {
    for fields in [
        // Space before the colon, folded lines, names that are none, bytes that end a line early.
        "content-length : 2\r\n",
        "content-length\t: 2\r\n",
        " content-length: 2\r\n",
        "x: a\r\n content-length: 2\r\n",
        "x: a\r\n\tb\r\ncontent-length: 2\r\n",
        "content length: 2\r\n",
        ": 2\r\n",
        "content-length\r\n",
        "x: a\rcontent-length: 2\r\n",
        "x: a\0b\r\ncontent-length: 2\r\n",
        "x\u{b}: 2\r\n",
    ] {
        refused(400, &post(fields, "{}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_none_ends_the_connection() {
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "2\r\n{}0\r\n\r\n",
        "2\r\n{}xx0\r\n\r\n",
        "2;\n{}\r\n0\r\n\r\n",
        "\r\n2\r\n{}\r\n0\r\n\r\n",
        "1\r\n{}\r\n0\r\n\r\n",
    ] {
        refused(400, &post("transfer-encoding: chunked\r\n", body)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_line_that_is_none_is_refused() {
    for line in [
        "GET  /v1/look/a HTTP/1.1",
        "GET /v1/look/a b HTTP/1.1",
        "GET\t/v1/look/a\tHTTP/1.1",
        "GET /v1/look/a HTTP/1.1 ",
        "GET /v1/look/a HTTP/2.0",
        "GET /v1/look/a",
        "G\0T /v1/look/a HTTP/1.1",
        " GET /v1/look/a HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        let port = Port::start().await;
        let said = port.tell(format!("{line}\r\nhost: a\r\n\r\n{HIDDEN}")).await;
        assert!(said.closed && !said.text().contains(" 200 "), "{line:?}: {}", said.text());
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_end_in_a_bare_line_feed_are_read_as_one_reader_does() {
    // RFC 9112, 2.2 lets a reader take them; then all of the head must be read that way.
    let port = Port::start().await;
    let said = port
        .tell("POST /v1/echo HTTP/1.1\nhost: a\ncontent-type: application/json\ncontent-length: 2\nconnection: close\n\n{}GET /v1/look/hidden HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert_eq!(said.statuses(), [200], "{}", said.text());
    assert!(said.closed && !said.text().contains("hidden"), "{}", said.text());
}

#[tokio::test(start_paused = true)]
async fn the_same_length_twice_is_one_length() {
    let port = Port::start().await;
    let twice = "content-length: 2\r\ncontent-length: 2\r\nconnection: close\r\n";
    let said = port.tell(post(twice, "{}")).await;
    assert!(matches!(said.statuses()[..], [200 | 400]), "{}", said.text());
    assert!(said.closed);
}
