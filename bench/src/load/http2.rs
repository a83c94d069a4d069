//! gRPC and Connect over HTTP/2: some connections, on each of them some streams at a time.

#![expect(clippy::disallowed_methods, reason = "a load generator opens its own sockets")]

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::script::{Ending, Reader, connect_end};
use super::{Call, Script, Tickets, Wire};
use crate::failure::{Failure, While};

/// What the usual clients of Rust open their windows to.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;

pub(super) async fn run(call: Call, server: SocketAddr, calls: usize) -> Result<(), Failure> {
    let mut driving = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..call.connections() {
        let stream = TcpStream::connect(server).await.failed_while("connecting")?;
        stream.set_nodelay(true).failed_while("connecting")?;
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(STREAM_WINDOW);
        builder.initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder.handshake(stream).await.failed_while("connecting")?;
        driving.spawn(connection);
        open.push(sender);
    }
    if let Some(first) = open.first() {
        ends(first.clone(), call.wire, server, &Script::refused(call), Ending::Refused).await?;
    }

    let tickets = Arc::new(Tickets::new(calls));
    let script = Arc::new(Script::answered(call));
    let mut callers = JoinSet::new();
    for sender in &open {
        for _ in 0..call.streams() {
            let (tickets, sender) = (Arc::clone(&tickets), sender.clone());
            let script = Arc::clone(&script);
            callers.spawn(async move {
                while tickets.take() {
                    ends(sender.clone(), call.wire, server, &script, Ending::Well).await?;
                }
                Ok::<_, Failure>(())
            });
        }
    }
    // The senders stay open until the last call is done: closing is not part of a call.
    let ended = callers.join_all().await;
    ended.into_iter().collect()
}

async fn ends(
    sender: SendRequest<Bytes>,
    wire: Wire,
    server: SocketAddr,
    script: &Script,
    right: Ending,
) -> Result<(), Failure> {
    let (said, ending) = call(sender, wire, server, script).await?;
    if ending == Some(right) {
        return Ok(());
    }
    Err(Failure::new(format!("calling {}", script.path), format!("it ended with {said}")))
}

/// Makes one call; answers what the server said at its end, and what that means.
async fn call(
    sender: SendRequest<Bytes>,
    wire: Wire,
    server: SocketAddr,
    script: &Script,
) -> Result<(String, Option<Ending>), Failure> {
    let mut request = Request::post(format!("http://{server}{}", script.path))
        .header("content-type", script.content_type)
        .header("user-agent", "bench");
    if wire == Wire::Grpc {
        request = request.header("te", "trailers");
    }
    let request = request.body(()).failed_while("building a request")?;
    let mut sender = sender.ready().await.failed_while("waiting for the connection")?;
    let (response, mut outgoing) =
        sender.send_request(request, false).failed_while("sending the headers")?;
    let mut sent = 0;
    // By turns, the first message goes out before the head comes back, or a server may wait.
    let first = if script.by_turns { 1 } else { script.requests };
    send(&mut outgoing, script, &mut sent, first)?;
    let (head, mut incoming) = response.await.failed_while("calling")?.into_parts();
    let mut reader = script.reader();
    while read(&mut incoming, &mut reader).await? {
        // By turns: an answer that is there asks for the next message.
        let asked = (reader.messages() + 1).min(script.requests);
        send(&mut outgoing, script, &mut sent, asked)?;
    }
    let trailers = incoming.trailers().await.failed_while("reading the trailers")?;
    let rest = reader.end()?;
    Ok(match wire {
        Wire::Grpc => status(trailers.as_ref().unwrap_or(&head.headers)),
        _ => (String::from_utf8_lossy(&rest).into_owned(), connect_end(&rest)),
    })
}

/// Sends messages until so many are out; the last of all ends the stream.
fn send(
    outgoing: &mut SendStream<Bytes>,
    script: &Script,
    sent: &mut usize,
    until: usize,
) -> Result<(), Failure> {
    while *sent < until {
        *sent += 1;
        let last = *sent == script.requests;
        let put = outgoing.send_data(script.request.clone(), last);
        put.failed_while("sending a message")?;
    }
    Ok(())
}

/// Reads a piece of the answer, if there is one.
async fn read(incoming: &mut RecvStream, reader: &mut Reader<'_>) -> Result<bool, Failure> {
    let Some(data) = incoming.data().await else { return Ok(false) };
    let data = data.failed_while("reading an answer")?;
    let room = incoming.flow_control().release_capacity(data.len());
    room.failed_while("reading an answer")?;
    reader.push(&data)?;
    Ok(true)
}

fn status(trailers: &HeaderMap) -> (String, Option<Ending>) {
    const INVALID_ARGUMENT: &str = "3";
    let status = trailers.get("grpc-status").and_then(|value| value.to_str().ok());
    let ending = match status {
        Some("0") => Some(Ending::Well),
        Some(INVALID_ARGUMENT) => Some(Ending::Refused),
        _ => None,
    };
    let message = trailers.get("grpc-message").and_then(|value| value.to_str().ok());
    (format!("{} {}", status.unwrap_or("no status"), message.unwrap_or_default()), ending)
}
