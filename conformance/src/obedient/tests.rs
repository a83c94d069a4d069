//! In process, so that what the suite finds over a wire is the wire's.

use kitfox::{Code, Metadata, Received};

use super::*;
use crate::ConformanceServiceClient;
use crate::messages::{self, Header, StreamResponseDefinition};

const UNASKED: Duration = Duration::from_secs(60);

fn client() -> ConformanceServiceClient {
    ConformanceServiceClient::local(Obedient { unasked: UNASKED })
}

fn header(name: &str, values: &[&str]) -> Header {
    let value = values.iter().map(|&value| value.to_owned()).collect();
    Header { name: name.to_owned(), value }
}

fn failure() -> messages::Error {
    messages::Error {
        code: Code::OutOfRange.into(),
        message: Some("too far".to_owned()),
        details: vec![Any::pack(&header("detail", &[]))],
    }
}

/// A context, and what comes back to it.
fn calling() -> (Context, Received) {
    let mut metadata = Metadata::new();
    metadata.append("x-own", "1").unwrap();
    metadata.append("x-own", "2").unwrap();
    Context::background().with_metadata(metadata).receiving()
}

fn streamed(data: &[&str], error: Option<messages::Error>) -> Option<StreamResponseDefinition> {
    Some(StreamResponseDefinition {
        response_headers: vec![header("x-head", &["a", "b"])],
        response_data: data.iter().map(|data| data.as_bytes().to_vec()).collect(),
        response_delay_ms: 200,
        error,
        response_trailers: vec![header("x-tail", &["c"])],
        raw_response: None,
    })
}

fn assert_metadata(received: &Received) {
    let headers = headers::told(&received.headers());
    assert_eq!(headers, [header("x-head", &["a", "b"])]);
    let trailers = headers::told(&received.trailers());
    assert_eq!(trailers, [header("x-tail", &["c"])]);
}

#[tokio::test(start_paused = true)]
async fn one_answer_tells_what_was_seen_and_comes_when_it_is_told_to() {
    let (cx, received) = calling();
    let begun = tokio::time::Instant::now();
    let request = UnaryRequest {
        response_definition: Some(UnaryResponseDefinition {
            response_headers: vec![header("x-head", &["a", "b"])],
            response: Some(UnaryOutcome::ResponseData(b"data".to_vec())),
            response_trailers: vec![header("x-tail", &["c"])],
            raw_response: None,
            response_delay_ms: 200,
        }),
        request_data: b"padding".to_vec(),
    };
    let timed = cx.with_timeout(Duration::from_secs(2));
    let payload = client().unary(&timed, request.clone()).await.unwrap().payload.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(200));
    assert_eq!(payload.data, b"data");
    let info = payload.request_info.unwrap();
    assert_eq!(info.request_headers, [header("x-own", &["1", "2"])]);
    assert_eq!(info.timeout_ms, Some(2000));
    assert_eq!(info.requests, [Any::pack(&request)]);
    assert_metadata(&received);
}

#[tokio::test]
async fn a_failure_carries_its_details_and_then_what_was_seen() {
    let (cx, received) = calling();
    let request = IdempotentUnaryRequest {
        response_definition: Some(UnaryResponseDefinition {
            response_headers: vec![header("x-head", &["a", "b"])],
            response: Some(UnaryOutcome::Error(failure())),
            response_trailers: vec![header("x-tail", &["c"])],
            ..UnaryResponseDefinition::default()
        }),
        request_data: Vec::new(),
    };
    let error = client().idempotent_unary(&cx, request.clone()).await.unwrap_err();
    let mut told = crate::failure::told(&error);
    let info: RequestInfo = told.details.pop().unwrap().unpack().unwrap().unwrap();
    assert_eq!(told, failure());
    assert_eq!((info.timeout_ms, info.requests), (None, vec![Any::pack(&request)]));
    assert_metadata(&received);
}

#[tokio::test]
async fn what_nobody_implements_says_so() {
    let request = messages::UnimplementedRequest {};
    let error = client().unimplemented(&Context::background(), request).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
}

#[tokio::test]
async fn many_requests_are_told_in_their_order_and_the_first_says_what_to_answer() {
    let define = |data: &str| {
        Some(UnaryResponseDefinition {
            response: Some(UnaryOutcome::ResponseData(data.into())),
            ..UnaryResponseDefinition::default()
        })
    };
    let requests = ["first", "second"].map(|data| ClientStreamRequest {
        response_definition: define(data),
        request_data: data.into(),
    });
    let all: Vec<_> = requests.iter().map(Any::pack).collect();
    let cx = Context::background();
    let answer = client().client_stream(&cx, Streaming::of(requests)).await.unwrap();
    let payload = answer.payload.unwrap();
    assert_eq!(payload.data, b"first");
    assert_eq!(payload.request_info.unwrap().requests, all);
    let answer = client().client_stream(&cx, Streaming::of([])).await.unwrap();
    assert_eq!(answer.payload.unwrap().request_info, Some(RequestInfo::default()));
}

#[tokio::test(start_paused = true)]
async fn a_stream_answers_at_its_pace_and_ends_as_it_is_told_to() {
    let (cx, received) = calling();
    let request = ServerStreamRequest {
        response_definition: streamed(&["a", "b"], Some(failure())),
        request_data: Vec::new(),
    };
    let begun = tokio::time::Instant::now();
    let mut answers = client().server_stream(&cx, request.clone()).await.unwrap();
    let first = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    assert_eq!(first.request_info.unwrap().requests, [Any::pack(&request)]);
    let second = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    assert_eq!((first.data, second.data), (b"a".to_vec(), b"b".to_vec()));
    assert_eq!(second.request_info, None);
    assert_eq!(begun.elapsed(), Duration::from_millis(400));
    let error = answers.try_next().await.unwrap_err();
    assert_eq!(crate::failure::told(&error), failure());
    assert_metadata(&received);
}

#[tokio::test]
async fn a_stream_without_answers_fails_with_what_was_seen_or_is_empty() {
    let (cx, received) = calling();
    let request = |error| ServerStreamRequest {
        response_definition: streamed(&[], error),
        request_data: Vec::new(),
    };
    let error = client().server_stream(&cx, request(Some(failure()))).await.unwrap_err();
    assert_eq!(error.details().len(), 2);
    assert_metadata(&received);
    let mut answers = client().server_stream(&cx, request(None)).await.unwrap();
    assert_eq!(answers.try_next().await.unwrap(), None);
    assert_metadata(&received);
}

fn questions(full_duplex: bool, answers: &[&str]) -> [BidiStreamRequest; 2] {
    let first = BidiStreamRequest {
        response_definition: streamed(answers, None),
        full_duplex,
        request_data: Vec::new(),
    };
    let second = BidiStreamRequest { request_data: b"second".to_vec(), ..Default::default() };
    [first, second]
}

#[tokio::test(start_paused = true)]
async fn a_conversation_answers_each_message_as_it_comes_and_then_what_is_left() {
    let (cx, received) = calling();
    let requests = questions(true, &["a", "b", "c"]);
    let all: Vec<_> = requests.iter().map(Any::pack).collect();
    let (say, said) = Streaming::channel(1);
    let [first, second] = requests;
    say.send(first).await.unwrap();
    let mut answers = client().bidi_stream(&cx, said).await.unwrap();
    let payload = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    assert_eq!(payload.request_info.unwrap().requests, all[..1]);
    say.send(second).await.unwrap();
    let payload = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    let info = payload.request_info.unwrap();
    assert_eq!((info.requests, info.request_headers), (all[1..].to_vec(), Vec::new()));
    drop(say);
    let payload = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    assert_eq!(payload, ConformancePayload { data: b"c".to_vec(), request_info: None });
    assert_eq!(answers.try_next().await.unwrap(), None);
    assert_metadata(&received);
}

#[tokio::test(start_paused = true)]
async fn half_a_conversation_hears_everything_first() {
    let (cx, received) = calling();
    let requests = questions(false, &["a"]);
    let all: Vec<_> = requests.iter().map(Any::pack).collect();
    let mut answers = client().bidi_stream(&cx, Streaming::of(requests)).await.unwrap();
    let payload = answers.try_next().await.unwrap().unwrap().payload.unwrap();
    assert_eq!(payload.request_info.unwrap().requests, all);
    assert_eq!(answers.try_next().await.unwrap(), None);
    assert_metadata(&received);
}
