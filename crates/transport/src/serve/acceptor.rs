//! What stands between an accepted connection and HTTP: TLS where a port has it, and which HTTP.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kitfox_core::platform::Connection;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1, or something that its parser will refuse.
    Http1,
    /// HTTP/2, by prior knowledge.
    Http2,
}

/// How a connection becomes one that speaks HTTP.
#[derive(Clone, Debug)]
pub enum Acceptor {
    /// It does at once, and its first bytes tell which.
    Plain,
    /// After a handshake, in which both ends may agree on the protocol (ALPN); where they do not,
    /// its first bytes tell.
    #[cfg(feature = "tls")]
    Tls(crate::tls::Identity),
}

/// A connection that is ready for HTTP.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) connection: Connection,
    pub(super) protocol: Protocol,
    /// What was read to tell the protocol; it belongs to the first request.
    pub(super) prefix: Bytes,
}

/// How long the two steps of accepting may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) handshake: Duration,
    /// Until when the first request's head must have come, which the preface is a part of.
    pub(super) head: Instant,
}

impl Acceptor {
    /// Shakes hands where that is needed, and tells the protocol. `None` is a peer that left, or
    /// took too long.
    pub(super) async fn accept(
        &self,
        connection: Connection,
        patience: Patience,
    ) -> io::Result<Option<Accepted>> {
        let handshake = tokio::time::timeout(patience.handshake, self.handshake(connection));
        let Ok(shaken) = handshake.await else {
            return Ok(None);
        };
        let (connection, agreed) = shaken?;
        if let Some(protocol) = agreed {
            return Ok(Some(Accepted { connection, protocol, prefix: Bytes::new() }));
        }
        tokio::time::timeout_at(patience.head, by_preface(connection)).await.unwrap_or(Ok(None))
    }

    async fn handshake(
        &self,
        connection: Connection,
    ) -> io::Result<(Connection, Option<Protocol>)> {
        match self {
            Acceptor::Plain => Ok((connection, None)),
            #[cfg(feature = "tls")]
            Acceptor::Tls(identity) => {
                let (connection, agreed) = identity.accept(connection).await?;
                let agreed = agreed.map(|agreed| match agreed {
                    crate::tls::Agreed::Http1 => Protocol::Http1,
                    crate::tls::Agreed::Http2 => Protocol::Http2,
                });
                Ok((connection, agreed))
            }
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads until the bytes are HTTP/2's preface, or cannot become it.
async fn by_preface(mut connection: Connection) -> io::Result<Option<Accepted>> {
    // Room for a usual first request: the read that tells the protocol is then the only one.
    let mut prefix = BytesMut::with_capacity(1024);
    loop {
        if connection.read_buf(&mut prefix).await? == 0 {
            return Ok(None);
        }
        let compared = prefix.len().min(PREFACE.len());
        let protocol = if prefix[..compared] != PREFACE[..compared] {
            Protocol::Http1
        } else if compared == PREFACE.len() {
            Protocol::Http2
        } else {
            continue;
        };
        return Ok(Some(Accepted { connection, protocol, prefix: prefix.freeze() }));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn told(parts: &[&[u8]]) -> Option<(Protocol, Bytes)> {
        let (mut peer, ours) = tokio::io::duplex(4096);
        let connection = Connection::new(ours, ([127, 0, 0, 1], 1).into());
        let patience = Patience {
            handshake: Duration::from_secs(10),
            head: Instant::now() + Duration::from_secs(10),
        };
        let send = async {
            for part in parts {
                peer.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        };
        let accepted = tokio::select! {
            biased;
            accepted = Acceptor::Plain.accept(connection, patience) => accepted.unwrap(),
            () = send => unreachable!(),
        };
        accepted.map(|accepted| (accepted.protocol, accepted.prefix))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_bytes_tell_and_none_is_lost() {
        for (parts, expected) in [
            (&[&b"GET / HTTP/1.1\r\n"[..]][..], Protocol::Http1),
            (&[&b"G"[..]], Protocol::Http1),
            (&[&b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n"[..]], Protocol::Http1),
            (&[&b"P"[..], b"UT / HTTP/1.1\r\n"], Protocol::Http1),
            (&[PREFACE, b"more"], Protocol::Http2),
            (&[&PREFACE[..7], &PREFACE[7..]], Protocol::Http2),
        ] {
            let (protocol, prefix) = told(parts).await.unwrap();
            assert_eq!(protocol, expected);
            assert!(parts.concat().starts_with(&prefix));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_and_a_half_preface_run_out_of_time() {
        for parts in [&[][..], &[&PREFACE[..23]]] {
            let start = Instant::now();
            assert_eq!(told(parts).await, None);
            assert_eq!(start.elapsed(), Duration::from_secs(10));
        }
    }
}
