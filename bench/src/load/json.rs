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

use super::{ANSWER, TEXT, Tickets};
use crate::failure::{Failure, While};

pub(super) async fn run(
    server: SocketAddr,
    connections: usize,
    calls: usize,
) -> Result<(), Failure> {
    let mut driving = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(server).await.failed_while("connecting")?;
        stream.set_nodelay(true).failed_while("connecting")?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.failed_while("connecting")?;
        driving.spawn(connection);
        open.push(sender);
    }
    if let Some(first) = open.first_mut() {
        refused(first, server).await?;
    }

    let tickets = Arc::new(Tickets::new(calls));
    let mut callers = JoinSet::new();
    for mut sender in open {
        let tickets = Arc::clone(&tickets);
        callers.spawn(async move {
            while tickets.take() {
                answered(&mut sender, server).await?;
            }
            Ok::<_, Failure>(sender)
        });
    }
    // The senders stay open until the last call is done: closing is not part of a call.
    let ended = callers.join_all().await;
    ended.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
}

async fn answered(
    sender: &mut SendRequest<Full<Bytes>>,
    server: SocketAddr,
) -> Result<(), Failure> {
    let (status, body) = call(sender, server, TEXT).await?;
    let right = status == StatusCode::OK && body == format!(r#"{{"text":"{ANSWER}"}}"#);
    right.then_some(()).ok_or_else(|| wrong(status, &body))
}

async fn refused(sender: &mut SendRequest<Full<Bytes>>, server: SocketAddr) -> Result<(), Failure> {
    let (status, body) = call(sender, server, "").await?;
    let right = status == StatusCode::BAD_REQUEST && !body.is_empty();
    right.then_some(()).ok_or_else(|| wrong(status, &body))
}

async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    server: SocketAddr,
    text: &str,
) -> Result<(StatusCode, Bytes), Failure> {
    let request = Request::post("/v1/uppercase")
        .header("host", server.to_string())
        .header("user-agent", "bench")
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(format!(r#"{{"text":"{text}"}}"#))))
        .failed_while("building a request")?;
    sender.ready().await.failed_while("waiting for the connection")?;
    let response = sender.send_request(request).await.failed_while("calling")?;
    let status = response.status();
    let body = response.into_body().collect().await.failed_while("reading an answer")?;
    Ok((status, body.to_bytes()))
}

fn wrong(status: StatusCode, body: &[u8]) -> Failure {
    Failure::new("checking an answer", format!("{status} {}", String::from_utf8_lossy(body)))
}
