//! Callers who go away in the middle of a call.

use bytes::Bytes;
use http::Request;

use super::exchange::{GRPC, Port, begin, frame};
use super::service::Seen;

const HEAD: [&str; 1] = ["content-type: application/json"];

#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_is_gone_is_dropped() {
    let port = Port::start().await;
    let seen = &port.real.0;
    for (at, path) in ["/wired.v1.Wired/Wait", "/v1/wait"].into_iter().enumerate() {
        let mut connection = port.connect().await;
        begin(&mut connection, &format!("POST {path}"), &HEAD, b"{}").await;
        seen.begun.notified().await;
        assert_eq!(Seen::count(&seen.dropped), at);
        drop(connection);
        seen.ended.notified().await;
        assert_eq!(Seen::count(&seen.dropped), at + 1, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_stream_is_reset_is_dropped_and_its_neighbours_are_not() {
    let port = Port::start().await;
    let seen = &port.real.0;
    let mut sender = port.http2().await;
    let call = |sender: &mut h2::client::SendRequest<Bytes>, method: &str| {
        let request = Request::post(format!("http://test/wired.v1.Wired/{method}"));
        let request = request.header("content-type", GRPC).body(()).unwrap();
        let (response, mut stream) = sender.send_request(request, false).unwrap();
        stream.send_data(frame(b"").into(), true).unwrap();
        (response, stream)
    };
    let (_response, mut reset) = call(&mut sender, "Wait");
    seen.begun.notified().await;
    let (_other, _stream) = call(&mut sender, "Wait");
    seen.begun.notified().await;
    reset.send_reset(h2::Reason::CANCEL);
    seen.ended.notified().await;
    assert_eq!(Seen::count(&seen.dropped), 1);
    let (answer, _stream) = call(&mut sender, "Echo");
    assert_eq!(answer.await.unwrap().status(), 200);
    assert_eq!(Seen::count(&seen.dropped), 1);
}

#[tokio::test(start_paused = true)]
async fn a_detached_method_finishes_without_its_caller() {
    let port = Port::start().await;
    let seen = &port.real.0;
    for path in ["/wired.v1.Wired/Finish", "/v1/finish"] {
        let mut connection = port.connect().await;
        begin(&mut connection, &format!("POST {path}"), &HEAD, b"{}").await;
        seen.begun.notified().await;
        drop(connection);
        // Long enough for the end of the connection to be seen.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        seen.go.notify_one();
        seen.ended.notified().await;
    }
    let mut sender = port.http2().await;
    let request = Request::post("http://test/wired.v1.Wired/Finish");
    let request = request.header("content-type", GRPC).body(()).unwrap();
    let (response, mut stream) = sender.send_request(request, false).unwrap();
    stream.send_data(frame(b"").into(), true).unwrap();
    seen.begun.notified().await;
    drop((response, stream, sender));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    seen.go.notify_one();
    seen.ended.notified().await;
    assert_eq!((Seen::count(&seen.finished), Seen::count(&seen.dropped)), (3, 0));
}
