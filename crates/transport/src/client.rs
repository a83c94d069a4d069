//! Calls over a wire: what a typed client's channel is.
//!
//! A call goes `endpoint` (one for each method) > `head` (its headers), `sending` (its messages) >
//! `http1` or `http2` (a connection, the bytes) > `incoming` (the answer's bytes), as a whole or as
//! `messages` one by one > `connect`, `grpc` or `web` (what they mean). Whatever the callee said
//! comes back with [`Origin::Peer`](kitfox_core::Origin::Peer); what went wrong on the way has
//! [`Origin::Transport`](kitfox_core::Origin::Transport), and says whether the callee may have seen
//! the call. Dropping a call's future, or the stream that is its answer, ends it on the wire too.

mod address;
mod answer;
mod channel;
mod connect;
mod endpoint;
mod failure;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod get;
mod grpc;
mod head;
mod http1;
mod http2;
mod incoming;
mod limits;
mod messages;
mod outgoing;
mod plain;
mod recovery;
mod sending;
mod timeout;
mod travel;
mod web;

use std::fmt;

pub use crate::b3::B3;
pub use channel::{HttpChannel, HttpChannelBuilder};
pub use limits::ChannelLimits;

/// How calls are put into HTTP. Methods of every shape go over each.
///
/// ```
/// use kitfox_transport::client::{ChannelError, HttpChannel, HttpVersion, Protocol};
///
/// # fn main() -> Result<(), ChannelError> {
/// let behind_an_old_proxy = HttpChannel::builder("http://127.0.0.1:8080")
///     .protocol(Protocol::GrpcWeb)
///     .http(HttpVersion::Http1)
///     .build()?;
/// # let _ = behind_an_old_proxy;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Connect: plain HTTP that curl can speak, errors in JSON. The default.
    #[default]
    Connect,
    /// gRPC: needs HTTP/2.
    Grpc,
    /// gRPC-Web: gRPC for what stands behind a proxy that knows it; goes over HTTP/1.1 too.
    GrpcWeb,
}

/// The version of HTTP that a channel speaks. It is not negotiated: over TLS, too, it is the only one
/// that is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.1: a connection for each call at a time, kept for the next.
    ///
    /// Streams go over it as well, in chunks. Where both sides stream, many servers and proxies
    /// answer only when the request has ended: do not count on an answer before that.
    Http1,
    /// HTTP/2 with prior knowledge: many calls at a time on each of a few connections. The default.
    #[default]
    Http2,
}

/// Why a channel cannot be.
///
/// It is debugged as it is displayed, since that is what a `main` that returns it prints.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The address is none.
    #[error("`{address}` is no address of a server: {why}")]
    Address {
        /// What was given.
        address: Box<str>,
        /// What is wrong with it, and how to mend it.
        why: &'static str,
    },
    /// The address asks for TLS.
    #[error(
        "`{address}` asks for TLS, which this build lacks: turn on the feature `tls` of kitfox"
    )]
    Tls {
        /// What was given.
        address: Box<str>,
    },
    /// gRPC was to go over HTTP/1.1.
    #[error(
        "gRPC does not go over HTTP/1.1: it ends an answer with trailers, which HTTP/1.1 peers \
         rarely pass on; choose HTTP/2 for gRPC, or Connect or gRPC-Web for HTTP/1.1"
    )]
    GrpcOverHttp1,
    /// A limit at which no call could be made.
    #[error("the limit `{name}` leaves room for no call: it must be more than zero, and possible")]
    Limit {
        /// Its name in [`ChannelLimits`].
        name: &'static str,
    },
}

impl fmt::Debug for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_main_that_returns_the_error_prints_its_sentence() {
        let error = HttpChannel::new("ftp://strings:8080").unwrap_err();
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
