//! One connection, from its first byte to its last.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kitfox_core::platform::Connection;
use kitfox_core::{Peer, Platform};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::acceptor::{Accepted, Acceptor, Patience, Protocol};
use super::activity::{Activity, InFlight, Served};
use super::answer::answer;
use super::cork::{CorkedConnection, Waiting, cork};
use super::drain::{Drain, Phase};
use super::hangup::{Heard, Hearing};
use super::socket::Socket;
use super::streams::{Streams, Turns};
use super::watch::{Watch, Watched};
use crate::{Handler, Limits};

/// The most streams that a peer may open and reset before they were looked at: stops rapid reset
/// (CVE-2023-44487).
const PENDING_RESETS: usize = 20;
/// The most streams that are reset for the peer's own errors before its connection is closed:
/// stops `MadeYouReset` (CVE-2025-8671).
const OWN_RESETS: usize = 128;
/// How long a peer has to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// The most bytes of an answer that `h2` keeps for a peer that makes room for less: it takes a piece
/// whole as soon as there is room for a byte.
const PIECE: usize = 64 * 1024;
/// The most bytes of a peer's frame. HTTP/2 begins with 16 KiB, and then most of what a large
/// message costs is the frames it comes in and the copies that join them. `h2` holds one frame of a
/// connection that is not whole, which is far less than the windows let a peer send.
const FRAME: u32 = 128 * 1024;
/// The most bytes that HTTP/1.1 reads ahead, beside a head at its limit.
const READ_AHEAD: usize = 64 * 1024;

/// What the connections of a port have in common.
pub(super) struct Port<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
    pub(super) platform: Platform,
    pub(super) drain: Drain,
    pub(super) acceptor: Acceptor,
}

impl<H: Handler> Port<H> {
    /// Serves `connection`, which holds `place` for as long as a part of it lives.
    pub(super) async fn connection(
        self: Arc<Self>,
        connection: Connection,
        place: OwnedSemaphorePermit,
    ) {
        let peer = Peer::new(connection.peer());
        let head = Instant::now() + self.limits.header_timeout;
        let patience = Patience { handshake: self.limits.handshake_timeout, head };
        let accepted = tokio::select! {
            biased;
            // Nothing has been asked yet: nothing is lost.
            () = self.drain.reached(Phase::Closing) => return,
            accepted = self.acceptor.accept(connection, patience) => accepted,
        };
        match accepted {
            Ok(Some(accepted)) => self.http(accepted, peer, head, place).await,
            Ok(None) => tracing::debug!(peer = %peer.address(), "a peer never spoke"),
            Err(error) => {
                tracing::debug!(peer = %peer.address(), %error, "a connection failed at its start");
            }
        }
    }

    pub(super) async fn http(
        self: Arc<Self>,
        accepted: Accepted,
        peer: Peer,
        head: Instant,
        place: OwnedSemaphorePermit,
    ) {
        let protocol = accepted.protocol;
        let activity = Arc::new(Activity::new(place));
        let (connection, prefix) = (accepted.connection, accepted.prefix);
        let socket = Socket::new(connection, prefix, Arc::clone(&activity), protocol);
        let handler = self.handler.clone();
        // Over HTTP/1.1 what the peer does not take stands in its socket.
        let piece = if protocol == Protocol::Http2 { PIECE } else { usize::MAX };
        let served = Served { handler, peer: peer.clone(), activity: Arc::clone(&activity), piece };
        let served = Arc::new(served);
        let service =
            service_fn(move |request: Request<Incoming>| answer(InFlight::begin(&served), request));
        let (drain, age) = (self.drain.clone(), self.age());
        let watched = Watched { protocol, activity: Arc::clone(&activity), drain, head, age };
        match protocol {
            Protocol::Http1 => {
                let connection = Heard::new(socket).around(activity, |heard| {
                    self.http1().serve_connection(TokioIo::new(heard), service)
                });
                let close = |connection: Pin<&mut Hearing<http1::Connection<_, _>>>| {
                    connection.connection().graceful_shutdown();
                };
                let ended = Watch::new(connection, close, watched, &self.limits).await.flatten();
                if let Some(Err(error)) = ended
                    && error.is_parse()
                {
                    self.handler.garbled(&peer, status_of(&error));
                }
            }
            Protocol::Http2 => {
                let streams = Streams::new(self.limits.write_timeout);
                let (corked, cork) = cork(socket, Waiting::Learned);
                let connection =
                    self.http2(&streams).serve_connection(TokioIo::new(corked), service);
                // What is no request of HTTP/2 is answered on the connection, and nobody is told.
                let connection = cork.around(streams.around(connection));
                let close = |connection: Pin<&mut CorkedConnection<Turns<_>, _>>| {
                    let connection: Pin<&mut http2::Connection<_, _, Streams>> =
                        connection.connection().connection();
                    connection.graceful_shutdown();
                };
                Watch::new(connection, close, watched, &self.limits).await;
            }
        }
    }

    /// When this connection is old: by chance up to ten percent sooner or later than others.
    fn age(&self) -> Duration {
        let factor = 0.9 + 0.2 * self.platform.random().next_f64();
        self.limits.connection_age.mul_f64(factor)
    }

    /// The time of a head is the watch's business: hyper would set a timer for each request. So is
    /// a caller that hangs up: see `hangup`.
    fn http1(&self) -> http1::Builder {
        let limits = &self.limits;
        let mut builder = http1::Builder::new();
        builder
            .auto_date_header(false)
            .half_close(true)
            .header_read_timeout(None)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.header_bytes.saturating_add(READ_AHEAD));
        // Any number but hyper's own costs an allocation for each request.
        if limits.headers != Limits::default().headers {
            builder.max_headers(limits.headers);
        }
        builder
    }

    fn http2(&self, streams: &Streams) -> http2::Builder<Streams> {
        let limits = &self.limits;
        let mut builder = http2::Builder::new(streams.clone());
        builder
            .auto_date_header(false)
            .timer(TokioTimer::new())
            .max_frame_size(FRAME)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(limits.streams)
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(OWN_RESETS)
            .keep_alive_interval(limits.keep_alive)
            .keep_alive_timeout(PING_TIMEOUT);
        builder
    }
}

/// What hyper answered to bytes that are no request.
fn status_of(error: &hyper::Error) -> u16 {
    if error.is_parse_too_large() { 431 } else { 400 }
}
