//! The kinds of calls that are counted.

use std::fmt;
use std::str::FromStr;

use crate::failure::Failure;
use bench_common::messages::REPEATED;

/// A kind of call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Call {
    pub(crate) wire: Wire,
    pub(crate) shape: Shape,
}

/// The wire a call goes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wire {
    /// A REST route over HTTP/1.1, keep-alive.
    Json,
    /// gRPC over HTTP/2 with prior knowledge.
    Grpc,
    /// Connect with binary messages over HTTP/2 with prior knowledge; streams only.
    Connect,
    /// JSON lines over HTTP/1.1; server streams only.
    Lines,
}

/// What goes to and fro in a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// A short text each way: the call of the price list.
    Unary,
    /// A text of so many bytes each way.
    Sized(usize),
    /// A text there, [`REPEATED`] ones back.
    ServerStream,
    /// [`REPEATED`] texts there, as many in a frame of HTTP/2 as fit, and their length back.
    ClientStream,
    /// The same, each text in a frame of HTTP/2 of its own.
    ClientSingles,
    /// [`REPEATED`] texts there, each answered before the next one is sent.
    BothStream,
}

impl Call {
    /// The call of the price list.
    pub(crate) const fn unary(wire: Wire) -> Self {
        Self { wire, shape: Shape::Unary }
    }

    /// Connections of its runs.
    pub(crate) fn connections(self) -> usize {
        match (self.shape, self.wire) {
            (Shape::Unary, Wire::Json) => 64,
            _ => 4,
        }
    }

    /// Calls in flight on one connection.
    pub(crate) fn streams(self) -> usize {
        match (self.wire, self.shape) {
            (Wire::Json | Wire::Lines, _) => 1,
            (_, Shape::Unary) => 16,
            // A server ends a connection that sends it small frames faster than it reads them.
            (_, Shape::ClientSingles) => 1,
            _ => 4,
        }
    }

    /// Calls of the short and of the long run. The short one must outlast the warm-up: hyper reads
    /// the first 50 or so calls of a connection into its first 8 KiB buffer, and only from then on
    /// is a buffer allocated from time to time. That is 3,500 calls on 64 connections.
    pub(crate) fn runs(self) -> [usize; 2] {
        match self.shape {
            Shape::Unary => [4_000, 12_000],
            Shape::Sized(bytes) if bytes <= 4 * 1024 => [1_000, 4_000],
            Shape::Sized(bytes) if bytes <= 64 * 1024 => [250, 1_000],
            Shape::Sized(_) => [32, 96],
            _ => [16, 48],
        }
    }

    /// How often instructions are counted. Whatever disturbs a run only adds to it (a load that is
    /// held up lets the server run dry, and sleeping and waking cost, too), so the least one counts.
    pub(crate) fn times(self) -> usize {
        match self.shape {
            Shape::Unary => 3,
            _ => 1,
        }
    }

    /// Messages of a call; its price is that of one.
    pub(crate) fn messages(self) -> usize {
        match self.shape {
            Shape::Unary | Shape::Sized(_) => 1,
            _ => REPEATED,
        }
    }
}

impl Wire {
    const ALL: [Self; 4] = [Self::Json, Self::Grpc, Self::Connect, Self::Lines];

    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Grpc => "grpc",
            Self::Connect => "connect",
            Self::Lines => "lines",
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unary => formatter.pad("unary"),
            Self::Sized(bytes) => write!(formatter, "{bytes}"),
            Self::ServerStream => formatter.pad("server-stream"),
            Self::ClientStream => formatter.pad("client-stream"),
            Self::ClientSingles => formatter.pad("client-singles"),
            Self::BothStream => formatter.pad("both-stream"),
        }
    }
}

impl FromStr for Wire {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|wire| wire.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::new(format!("finding the wire `{name}`"), format!("there are {names}"))
        })
    }
}

impl FromStr for Shape {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let named = [
            Self::Unary,
            Self::ServerStream,
            Self::ClientStream,
            Self::ClientSingles,
            Self::BothStream,
        ];
        let known = named.into_iter().find(|shape| shape.to_string() == name);
        known.or_else(|| name.parse().map(Self::Sized).ok()).ok_or_else(|| {
            let names = named.map(|shape| shape.to_string()).join(", ");
            let known = format!("there are {names} and a number of bytes");
            Failure::new(format!("finding the shape `{name}`"), known)
        })
    }
}
