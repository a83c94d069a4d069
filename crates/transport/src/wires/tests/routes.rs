//! Streams over REST.

use std::time::Duration;

use http_body_util::BodyExt;
use kitfox_core::Peer;
use serde_json::Value;

use super::{JSON, answer, get, json, with};
use crate::Handler;
use crate::wires::testing::{Answer, port, request};

async fn flow(text: &'static str, accept: &'static str) -> Answer {
    let request = request("/v1/flow", JSON, text);
    answer(if accept.is_empty() { request } else { with(request, "accept", accept) }).await
}

#[tokio::test]
async fn a_stream_is_a_line_for_each_message() {
    for (accept, kind) in [
        ("", "application/x-ndjson"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/jsonl", "application/jsonl"),
    ] {
        let lines = flow("one two", accept).await;
        assert_eq!((lines.status.as_u16(), lines.text()), (200, "one\ntwo\n"), "{accept}");
        assert_eq!(lines.header("content-type"), kind);
    }
}

#[tokio::test]
async fn a_stream_is_an_event_for_each_message_where_the_caller_asks() {
    let events = flow("one two", "text/event-stream").await;
    assert_eq!(events.text(), "data: one\n\ndata: two\n\nevent: end\ndata: {}\n\n");
    assert_eq!(events.header("content-type"), "text/event-stream");
    assert_eq!(events.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_failure_in_the_middle_is_the_last_thing_in_the_stream() {
    let lines = flow("one !", "").await;
    let (first, last) = lines.text().split_once('\n').unwrap();
    assert_eq!(first, "one");
    let problem = &serde_json::from_str::<Value>(last).unwrap()["error"];
    assert_eq!((&problem["code"], &problem["status"]), (&"data_loss".into(), &500.into()));
    assert_eq!(lines.trailers["x-sum"], "tail");

    let events = flow("one !", "text/event-stream").await;
    let last = events.text().strip_prefix("data: one\n\nevent: error\ndata: ").unwrap();
    let data: Value = serde_json::from_str(last.trim_end()).unwrap();
    assert_eq!(&data, problem);
}

#[tokio::test]
async fn headers_stand_before_a_stream_and_trailers_after_it() {
    let request = with(request("/v1/flow", JSON, "one"), "x-want", "metadata");
    let lines = answer(request).await;
    assert_eq!(lines.header("x-own"), "head");
    assert_eq!((lines.trailer("x-sum"), lines.trailer("x-late")), ("tail", "end"));
}

#[tokio::test(start_paused = true)]
async fn events_that_do_not_come_are_made_up_for_by_comments() {
    let wires = port().build().unwrap();
    let peer = Peer::new(([127, 0, 0, 1], 7).into());
    let request = with(request("/v1/flow", JSON, "one ?"), "accept", "text/event-stream");
    let mut answer = wires.handle(&peer, request).await;
    let begun = tokio::time::Instant::now();
    let mut pieces = Vec::new();
    for _ in 0..3 {
        let piece = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        pieces.push((begun.elapsed(), piece));
    }
    let after = Duration::from_secs;
    let expected = [(after(0), "data: one\n\n"), (after(15), ":\n\n"), (after(30), ":\n\n")];
    assert_eq!(pieces, expected.map(|(after, text)| (after, text.into())));
}

#[tokio::test]
async fn a_route_takes_no_stream_and_says_where_one_can_go() {
    let refused = answer(request("/v1/gather", JSON, "{}")).await;
    assert_eq!(refused.status.as_u16(), 501);
    let detail = json(&refused)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("/a.v1.A/Gather") && detail.contains("Connect"), "{detail}");
    assert_eq!(answer(get("/v1/flow")).await.status.as_u16(), 200);
}
