//! Calls over HTTP/1.1: a connection carries one call at a time and is kept for the next one.
//!
//! What was used last is used next, so that a burst's connections grow old and go. A kept
//! connection may turn out to be closed by the server before anything was sent on it; then the
//! call, which nobody has seen, goes to another one. A call that is given up takes its connection
//! along: that is how the server finds out.

mod idle;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use kitfox_core::{Error, Platform};
use tokio::sync::Semaphore;

use super::ChannelLimits;
use super::address::Address;
use super::answer::{Answer, Gather};
use super::failure::{Failure, Refused, causes};
use idle::Idle;

const HINT: &str = "is that an HTTP/1.1 server without TLS?";

/// The way over HTTP/1.1.
#[derive(Debug)]
pub(super) struct Http1 {
    address: Address,
    platform: Platform,
    limits: ChannelLimits,
    /// One permit for each call.
    connections: Semaphore,
    idle: Idle<SendRequest<Full<Bytes>>>,
}

impl Http1 {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        let connections = Semaphore::new(limits.connections);
        let idle = Idle::new(&platform, limits.idle_connections, limits.idle_timeout);
        Http1 { address, platform, limits, connections, idle }
    }

    /// Sends a call and waits for its whole answer.
    pub(super) async fn exchange(
        &self,
        head: impl Fn(Full<Bytes>) -> Request<Full<Bytes>>,
        message: &Bytes,
    ) -> Result<Answer, Error> {
        let _permit = self.connections.acquire().await.expect("never closed");
        // Each turn but the last takes a kept connection away, so that this ends.
        loop {
            let kept = self.idle.take();
            let reused = kept.is_some();
            let sender = match kept {
                Some(sender) => sender,
                None => self.connect().await?,
            };
            match self.exchange_on(sender, head(Full::new(message.clone()))).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.elsewhere && reused => {}
                Err(failure) => return Err(failure.error),
            }
        }
    }

    async fn exchange_on(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, Failure> {
        let peer = &self.address.target;
        sender.ready().await.map_err(|cause| Failure::unsent(peer, causes(&cause)))?;
        let response = sender.try_send_request(request).await.map_err(|mut failed| {
            let unsent = failed.take_message().is_some();
            let cause = failed.into_error();
            if unsent { Failure::unsent(peer, causes(&cause)) } else { self.failure(&cause) }
        })?;
        let answer = self.read(response).await?;
        self.idle.keep(sender);
        Ok(answer)
    }

    async fn read(&self, response: http::Response<Incoming>) -> Result<Answer, Failure> {
        let limit = self.limits.answer_bytes;
        let (parts, mut body) = response.into_parts();
        let mut gather = Gather::new(limit);
        let mut trailers = http::HeaderMap::new();
        while let Some(frame) = body.frame().await {
            match frame.map_err(|cause| self.failure(&cause))?.into_data() {
                Ok(chunk) => gather
                    .push(chunk)
                    .map_err(|_| Failure::too_large(&self.address.target, limit))?,
                Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
        Ok(Answer { status: parts.status, headers: parts.headers, body: gather.whole(), trailers })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Refused> {
        let peer = &self.address.target;
        let io = self.address.connect(&self.platform, self.limits.connect_timeout).await?;
        // Sends nothing yet, so that there is nothing to wait for.
        let handshake =
            Builder::new().max_header_size(self.limits.header_bytes).handshake(TokioIo::new(io));
        let (sender, connection) = handshake
            .await
            .map_err(|cause| Refused(format!("could not speak HTTP/1.1 with {peer}: {cause}")))?;
        // What goes wrong on it is said to the call it goes wrong for.
        drop(self.platform.tasks().spawn(async move {
            let _ = connection.await;
        }));
        Ok(sender)
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
