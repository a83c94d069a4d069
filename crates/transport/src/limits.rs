//! Everything that is bounded on a port, each with the attack it stops.

use std::time::Duration;

/// The limits of a port. All are on by default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of a request's body, 4 MiB by default; of a stream, of each of its messages;
    /// of what is compressed, unpacked as well. More is answered 413 (`ResourceExhausted` on gRPC)
    /// without being read. Stops memory exhaustion by large bodies and by compressed bombs.
    pub body_bytes: usize,
    /// The most bytes of a request's headers, 16 KiB by default; 431 past it. Stops header floods.
    pub header_bytes: usize,
    /// The most headers of a request over HTTP/1.1, 100 by default. Stops header floods.
    pub headers: usize,
    /// How long a request's headers may take once they have begun, and the first ones from the
    /// connection on, 10 s by default. Stops Slowloris.
    pub header_timeout: Duration,
    /// How long the rest of a request's body may take to come, 30 s by default; of a stream, the rest
    /// of each message. Stops slow bodies.
    pub body_timeout: Duration,
    /// How long a peer may take not one byte of an answer, 30 s by default: then its connection
    /// ends, or over HTTP/2 the stream whose window it does not open. Stops slow readers.
    pub write_timeout: Duration,
    /// How long a call with one message each way may take where its caller says nothing, and at most
    /// whatever it says: 60 s by default. Stops work that nobody waits for.
    pub call_timeout: Duration,
    /// The same for a call that streams, from its first message to its last: 1 hour by default.
    /// Stops streams that nobody reads any more.
    pub stream_timeout: Duration,
    /// The most calls of one HTTP/2 connection at the same time, 200 by default. Stops stream
    /// floods.
    pub streams: u32,
    /// How long a TLS handshake may take, 10 s by default. Stops half-open handshakes.
    pub handshake_timeout: Duration,
    /// How long a connection may be idle, 5 minutes by default. Stops connection hoarding.
    pub idle_timeout: Duration,
    /// How often a silent HTTP/2 peer is asked whether it lives, 20 s by default; it has 20 s to
    /// answer. Finds peers that vanished without a word.
    pub keep_alive: Duration,
    /// How old a connection gets before it is closed gracefully, 30 minutes by default. Lets
    /// callers find new replicas.
    pub connection_age: Duration,
    /// The most connections at the same time, 10,000 by default. More wait unaccepted. Stops file
    /// descriptor exhaustion.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 4 * 1024 * 1024,
            header_bytes: 16 * 1024,
            headers: 100,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            stream_timeout: Duration::from_secs(60 * 60),
            streams: 200,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            keep_alive: Duration::from_secs(20),
            connection_age: Duration::from_secs(30 * 60),
            connections: 10_000,
        }
    }
}

/// As long as for ever, and yet an instant that far away can be told: a year.
pub(crate) const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The same, where a time that is as good as for ever ([`Duration::MAX`]) can be added to now.
    pub(crate) fn countable(mut self) -> Self {
        for time in [
            &mut self.header_timeout,
            &mut self.body_timeout,
            &mut self.write_timeout,
            &mut self.call_timeout,
            &mut self.stream_timeout,
            &mut self.handshake_timeout,
            &mut self.idle_timeout,
            &mut self.keep_alive,
            &mut self.connection_age,
        ] {
            *time = FOREVER.min(*time);
        }
        self
    }
}
