//! Everything that is bounded on a channel.

use std::time::Duration;

use kitfox_core::contract::Shape;

/// The limits of a channel. All are on by default.
///
/// How much waits between two ends of a stream needs no choice: a server may send 1 MiB of an answer
/// over HTTP/2 before it is read, 4 MiB of all answers on a connection, and a caller's messages are
/// asked for as the server makes room.
///
/// ```
/// use std::time::Duration;
/// use kitfox_transport::client::ChannelLimits;
///
/// let mut limits = ChannelLimits::default();
/// limits.call_timeout = Duration::from_secs(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelLimits {
    /// The most bytes of an answer, and of each message where it is a stream; 4 MiB by default,
    /// counted as sent and again as unpacked, so that a compressed bomb is unpacked no further.
    /// Reading stops there and the call fails with `ResourceExhausted`.
    pub answer_bytes: usize,
    /// The most bytes of an answer's headers, 16 KiB by default.
    pub header_bytes: usize,
    /// How long connecting may take, 5 s by default; never longer than the call that waits for it.
    pub connect_timeout: Duration,
    /// How long a call with one message each way may take whose context has no deadline, 60 s by
    /// default, as on the server.
    pub call_timeout: Duration,
    /// The same for a call that streams, from its first message to its last: 1 hour by default, as
    /// on the server.
    pub stream_timeout: Duration,
    /// The most calls on an HTTP/2 connection at the same time, 1,000 by default, or fewer where
    /// the server says so. More go to another connection, or wait, each until its deadline.
    pub streams: usize,
    /// The most HTTP/2 connections to the server, 8 by default. The next one is opened while the
    /// last one still has room for calls, and as long as none has, calls wait.
    pub http2_connections: usize,
    /// How often the server is asked whether it lives while calls are waiting on an HTTP/2
    /// connection, 20 s by default; the connection is replaced when it does not answer for as long.
    ///
    /// Some gRPC servers (Go, Java) close connections that ask more often than every five minutes
    /// during a call without data: raise it for long calls to them.
    pub keep_alive: Duration,
    /// How old an HTTP/2 connection gets before another one is opened in its place, 30 min by default,
    /// and up to a quarter less by chance. Its calls finish. So callers find new replicas behind an
    /// address that stands for several.
    pub connection_age: Duration,
    /// The most HTTP/1.1 connections at the same time, 256 by default: each carries one call. More
    /// calls wait, each until its deadline.
    pub connections: usize,
    /// The most HTTP/1.1 connections kept open without a call, 32 by default.
    pub idle_connections: usize,
    /// How long a connection is kept open without a call, 90 s by default; over HTTP/2 up to a
    /// quarter longer.
    pub idle_timeout: Duration,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        ChannelLimits {
            answer_bytes: 4 * 1024 * 1024,
            header_bytes: 16 * 1024,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(60 * 60),
            streams: 1000,
            http2_connections: 8,
            keep_alive: Duration::from_secs(20),
            connection_age: Duration::from_secs(30 * 60),
            connections: 256,
            idle_connections: 32,
            idle_timeout: Duration::from_secs(90),
        }
    }
}

impl ChannelLimits {
    /// How long a call of a method with this shape may take whose context has no deadline.
    pub(super) fn cap(&self, shape: Shape) -> Duration {
        match shape {
            Shape::Unary => self.call_timeout,
            Shape::ServerStream | Shape::ClientStream | Shape::BothStream => self.stream_timeout,
        }
    }

    /// The name of a limit at which no call could be made, if there is one.
    pub(super) fn impossible(&self) -> Option<&'static str> {
        [
            ("answer_bytes", self.answer_bytes == 0),
            ("header_bytes", u32::try_from(self.header_bytes).map_or(true, |bytes| bytes == 0)),
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("call_timeout", self.call_timeout.is_zero()),
            ("stream_timeout", self.stream_timeout.is_zero()),
            ("streams", !(1..=MOST_PERMITS).contains(&self.streams)),
            ("http2_connections", self.http2_connections == 0),
            ("keep_alive", self.keep_alive.is_zero()),
            ("connection_age", self.connection_age.is_zero()),
            ("connections", !(1..=MOST_PERMITS).contains(&self.connections)),
        ]
        .into_iter()
        .find_map(|(name, impossible)| impossible.then_some(name))
    }
}

/// More than tokio's semaphore holds on a small machine would panic; nobody needs as many.
const MOST_PERMITS: usize = 1_000_000;
