//! JSON over HTTP/1.1 keep-alive connections.

#![expect(clippy::disallowed_methods, reason = "a load generator opens its own sockets")]

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Call, Script, Tickets};
use crate::failure::{Failure, While};

pub(super) async fn run(call: Call, server: SocketAddr, calls: usize) -> Result<(), Failure> {
    let mut driving = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..call.connections() {
        let stream = TcpStream::connect(server).await.failed_while("connecting")?;
        stream.set_nodelay(true).failed_while("connecting")?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.failed_while("connecting")?;
        driving.spawn(connection);
        open.push(sender);
    }
    if let Some(first) = open.first_mut() {
        ends(first, server, &Script::refused(call), StatusCode::BAD_REQUEST).await?;
    }

    let tickets = Arc::new(Tickets::new(calls));
    let script = Arc::new(Script::answered(call));
    let mut callers = JoinSet::new();
    for mut sender in open {
        let (tickets, script) = (Arc::clone(&tickets), Arc::clone(&script));
        callers.spawn(async move {
            while tickets.take() {
                ends(&mut sender, server, &script, StatusCode::OK).await?;
            }
            Ok::<_, Failure>(sender)
        });
    }
    // The senders stay open until the last call is done: closing is not part of a call.
    let ended = callers.join_all().await;
    ended.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
}

/// Makes one call, whose answer must have this status.
async fn ends(
    sender: &mut SendRequest<Full<Bytes>>,
    server: SocketAddr,
    script: &Script,
    right: StatusCode,
) -> Result<(), Failure> {
    let request = Request::post(script.path)
        .header("host", server.to_string())
        .header("user-agent", "bench")
        .header("accept", script.accept)
        .header("content-type", script.content_type)
        .body(Full::new(script.request.clone()))
        .failed_while("building a request")?;
    sender.ready().await.failed_while("waiting for the connection")?;
    let response = sender.send_request(request).await.failed_while("calling")?;
    let status = response.status();
    let mut reader = script.reader();
    let mut body = response.into_body();
    while let Some(piece) = body.frame().await {
        let piece = piece.failed_while("reading an answer")?;
        reader.push(piece.data_ref().map_or(&[], |data| &data[..]))?;
    }
    let rest = reader.end()?;
    // A refusal says why; an answer says nothing more.
    if status == right && rest.is_empty() == (status == StatusCode::OK) {
        return Ok(());
    }
    let said = format!("{status} {}", String::from_utf8_lossy(&rest));
    Err(Failure::new(format!("calling {}", script.path), said))
}
