//! Headers that are there twice. Two readers may each believe another one, so what decides how a
//! request is read, or how long, may be there once.

use super::frames::*;
use super::port::Port;

#[tokio::test(start_paused = true)]
async fn what_decides_a_request_may_be_there_once() {
    let port = Port::start().await;
    for (name, one, other) in [
        ("host", "a", "b"),
        ("content-type", "application/json", "application/proto"),
        ("content-type", "application/json", "application/json"),
        ("content-type", "application/grpc", "application/json"),
        ("content-encoding", "gzip", "identity"),
        ("connect-timeout-ms", "1000", "2000"),
        ("connect-protocol-version", "1", "2"),
    ] {
        for path in ["/hostile.v1.Hostile/Echo", "/v1/echo"] {
            let host = if name == "host" { "" } else { "host: a\r\n" };
            let kind =
                if name == "content-type" { "" } else { "content-type: application/json\r\n" };
            let said = port
                .tell(format!(
                    "POST {path} HTTP/1.1\r\n{host}{kind}{name}: {one}\r\nx: y\r\n{name}: {other}\r\n\
                     connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
                ))
                .await;
            // The second may be none that a route takes, which is said first.
            let unheard = said.statuses() == [415] && other == "application/proto";
            let word = name.strip_prefix("connect-protocol-").unwrap_or(name);
            let told = said.statuses() == [400] && said.text().contains(word);
            assert!(unheard || told, "{path} {name}: {}", said.text());
        }
    }
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_over_grpc() {
    let port = Port::start().await;
    for (name, one, other) in [
        ("grpc-timeout", "1S", "1H"),
        ("grpc-encoding", "identity", "gzip"),
        ("content-type", "application/grpc", "application/grpc+json"),
        ("content-length", "5", "6"),
        ("host", "a", "b"),
    ] {
        let mut raw = port.http2(&[]).await;
        let twice = [(name, one), (name, other)];
        let twice = if name == "content-type" { &twice[1..] } else { &twice[..] };
        let head = [call("Echo"), block(twice)].concat();
        raw.send(frame(HEADERS, END_HEADERS, 1, &head)).await;
        raw.send(frame(DATA, END_STREAM, 1, &[0; 5])).await;
        let said = raw.within(std::time::Duration::from_secs(1)).await;
        let ended = frames(&said)
            .iter()
            .any(|got| got.stream == 1 && (got.kind == RESET || got.flags & END_STREAM != 0));
        assert!(ended, "{name}: {:?}", frames(&said));
    }
    assert_eq!(port.victim.calls(), 0);
    port.is_well().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_a_list_may_be_said_in_several_lines() {
    let port = Port::start().await;
    let said = port
        .tell(
            "GET /v1/look/seen HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept: text/html\r\n\
             accept: application/json\r\nte: trailers\r\nte: gzip\r\nbaggage: a=1\r\nbaggage: b=2\r\n\
             accept-encoding: br\r\naccept-encoding: identity\r\n\r\n",
        )
        .await;
    assert_eq!(said.statuses(), [200], "{}", said.text());
}
