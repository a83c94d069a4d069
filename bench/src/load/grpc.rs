//! gRPC over HTTP/2: some connections, on each of them some streams at a time.

#![expect(clippy::disallowed_methods, reason = "a load generator opens its own sockets")]

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{ANSWER, TEXT, Tickets};
use crate::failure::{Failure, While};
use crate::servers::messages::{UppercaseRequest, UppercaseResponse};

pub(super) async fn run(
    server: SocketAddr,
    connections: usize,
    streams: usize,
    calls: usize,
) -> Result<(), Failure> {
    let mut driving = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(server).await.failed_while("connecting")?;
        stream.set_nodelay(true).failed_while("connecting")?;
        let (sender, connection) =
            h2::client::handshake(stream).await.failed_while("connecting")?;
        driving.spawn(connection);
        open.push(sender);
    }
    let uri = format!("http://{server}/strings.v1.Strings/Uppercase");
    if let Some(first) = open.first() {
        refused(first.clone(), &uri).await?;
    }

    let tickets = Arc::new(Tickets::new(calls));
    let frame = frame(TEXT);
    let mut callers = JoinSet::new();
    for sender in &open {
        for _ in 0..streams {
            let (tickets, sender) = (Arc::clone(&tickets), sender.clone());
            let (uri, frame) = (uri.clone(), frame.clone());
            callers.spawn(async move {
                while tickets.take() {
                    answered(sender.clone(), &uri, frame.clone()).await?;
                }
                Ok::<_, Failure>(())
            });
        }
    }
    // The senders stay open until the last call is done: closing is not part of a call.
    let ended = callers.join_all().await;
    ended.into_iter().collect()
}

/// A message as gRPC frames it: not compressed, its length, its bytes.
pub(crate) fn frame(text: &str) -> Bytes {
    let message = UppercaseRequest { text: text.to_owned() }.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a text of this program is short");
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(&message);
    frame.freeze()
}

async fn answered(sender: SendRequest<Bytes>, uri: &str, frame: Bytes) -> Result<(), Failure> {
    let (status, body) = call(sender, uri, frame).await?;
    let message = UppercaseResponse::decode(body.get(5..).unwrap_or_default());
    let right = status == "0" && message.is_ok_and(|message| message.text == ANSWER);
    right.then_some(()).ok_or_else(|| Failure::new("checking an answer", format!("code {status}")))
}

async fn refused(sender: SendRequest<Bytes>, uri: &str) -> Result<(), Failure> {
    const INVALID_ARGUMENT: &str = "3";
    let (status, _body) = call(sender, uri, frame("")).await?;
    let right = status == INVALID_ARGUMENT;
    right.then_some(()).ok_or_else(|| {
        Failure::new("checking the answer to an empty text", format!("code {status}"))
    })
}

/// Makes one call; answers its `grpc-status` and what came in the body.
async fn call(
    sender: SendRequest<Bytes>,
    uri: &str,
    frame: Bytes,
) -> Result<(String, Bytes), Failure> {
    let request = Request::post(uri)
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header("user-agent", "bench")
        .body(())
        .failed_while("building a request")?;
    let mut sender = sender.ready().await.failed_while("waiting for the connection")?;
    let (response, mut stream) =
        sender.send_request(request, false).failed_while("sending the headers")?;
    stream.send_data(frame, true).failed_while("sending the message")?;
    let (head, mut incoming) = response.await.failed_while("calling")?.into_parts();
    let mut body = BytesMut::new();
    while let Some(data) = incoming.data().await {
        let data = data.failed_while("reading an answer")?;
        let room = incoming.flow_control().release_capacity(data.len());
        room.failed_while("reading an answer")?;
        body.put(data);
    }
    let trailers = incoming.trailers().await.failed_while("reading the trailers")?;
    Ok((status(trailers.as_ref().unwrap_or(&head.headers)), body.freeze()))
}

fn status(trailers: &HeaderMap) -> String {
    let status = trailers.get("grpc-status").and_then(|value| value.to_str().ok());
    status.unwrap_or("missing").to_owned()
}
