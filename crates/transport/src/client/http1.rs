//! Calls over HTTP/1.1: a connection carries one call at a time and is kept for the next one.
//!
//! What was used last is used next, so that a burst's connections grow old and go. A kept
//! connection may turn out to be closed by the server before anything was sent on it; then the
//! call, which nobody has seen, goes to another one. A call that is given up takes its connection
//! along: that is how the server finds out.

mod idle;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming as HyperBody;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use kitfox_core::{Error, Platform};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::ChannelLimits;
use super::address::Address;
use super::failure::{Failure, Refused, causes};
use super::sending::Sent;
use idle::Idle;

const HINT: &str = "is that an HTTP/1.1 server without TLS?";

/// The way over HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http1(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: Address,
    platform: Platform,
    limits: ChannelLimits,
    /// One permit for each call.
    connections: Arc<Semaphore>,
    idle: Idle<Line>,
}

/// A connection, for the call it carries. Dropping it ends the connection, also where the server
/// reads nothing of what there is to send.
#[derive(Debug)]
struct Line {
    sender: SendRequest<Sent>,
    _held: oneshot::Sender<Infallible>,
}

/// The body of an answer. When it was read to its end, its connection is kept.
#[derive(Debug)]
pub(super) struct Incoming {
    body: HyperBody,
    /// None when the connection was given back.
    line: Option<Line>,
    /// The request is a stream, which may not be at its end.
    streamed: bool,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

impl Http1 {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        let connections = Arc::new(Semaphore::new(limits.connections));
        let idle = Idle::new(&platform, limits.idle_connections, limits.idle_timeout);
        Http1(Arc::new(Shared { address, platform, limits, connections, idle }))
    }

    /// Sends a call and waits for the head of its answer.
    pub(super) async fn open(
        &self,
        head: impl Fn() -> Request<()>,
        mut sent: Sent,
    ) -> Result<Response<Incoming>, Error> {
        let shared = &self.0;
        let streamed = matches!(sent, Sent::Messages(_));
        let permit = Arc::clone(&shared.connections).acquire_owned().await.expect("never closed");
        // Each turn but the last takes a kept connection away, so that this ends.
        loop {
            let kept = shared.idle.take();
            let reused = kept.is_some();
            let mut line = match kept {
                Some(line) => line,
                None => shared.connect().await?,
            };
            match shared.send(&mut line.sender, head().map(|()| sent)).await {
                Ok(response) => {
                    return Ok(response.map(|body| Incoming {
                        body,
                        line: Some(line),
                        streamed,
                        shared: Arc::clone(shared),
                        _permit: permit,
                    }));
                }
                Err((_, Some(unsent))) if reused => sent = unsent,
                Err((error, _)) => return Err(error),
            }
        }
    }
}

impl Shared {
    /// Sends a call; where it was certainly not sent, its body comes back.
    async fn send(
        &self,
        sender: &mut SendRequest<Sent>,
        request: Request<Sent>,
    ) -> Result<Response<HyperBody>, (Error, Option<Sent>)> {
        let peer = &self.address.target;
        if let Err(cause) = sender.ready().await {
            let failure = Failure::unsent(peer, causes(&cause));
            return Err((failure.error, Some(request.into_body())));
        }
        sender.try_send_request(request).await.map_err(|mut failed| {
            let unsent = failed.take_message().map(Request::into_body);
            let cause = failed.into_error();
            match unsent {
                Some(_) => (Failure::unsent(peer, causes(&cause)).error, unsent),
                None => (self.failure(&cause).error, None),
            }
        })
    }

    async fn connect(&self) -> Result<Line, Refused> {
        let peer = &self.address.target;
        let io = self.address.connect(&self.platform, self.limits.connect_timeout).await?;
        // Sends nothing yet, so that there is nothing to wait for.
        let handshake =
            Builder::new().max_header_size(self.limits.header_bytes).handshake(TokioIo::new(io));
        let (sender, connection) = handshake
            .await
            .map_err(|cause| Refused(format!("could not speak HTTP/1.1 with {peer}: {cause}")))?;
        let (held, dropped) = oneshot::channel();
        drop(self.platform.tasks().spawn(async move {
            tokio::select! {
                biased;
                // What goes wrong on it is said to the call it goes wrong for.
                _ = connection => {}
                _ = dropped => {}
            }
        }));
        Ok(Line { sender, _held: held })
    }

    fn failure(&self, cause: &hyper::Error) -> Failure {
        let peer = &self.address.target;
        if cause.is_parse_version_h2() {
            return Failure::garbage(peer, "it speaks HTTP/2", "choose `HttpVersion::Http2`");
        }
        if cause.is_parse_too_large() {
            return Failure::head_too_large(peer, self.limits.header_bytes);
        }
        if cause.is_parse() {
            return Failure::garbage(peer, causes(cause), HINT);
        }
        if cause.is_incomplete_message() {
            return Failure::broken(peer, "connection closed");
        }
        Failure::broken(peer, causes(cause))
    }
}

impl Incoming {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if next.is_none()
            && let Some(line) = self.line.take()
            && (line.sender.is_ready() || !self.streamed)
        {
            self.shared.idle.keep(line);
        }
        Poll::Ready(next.map(|next| next.map_err(|cause| self.shared.failure(&cause).error)))
    }
}
