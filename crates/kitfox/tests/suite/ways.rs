//! Every way of a client to the service, and what is possible on none of them.

use std::fmt;

use kitfox::message::Codec;
use kitfox::{HttpVersion, Protocol};

/// A way to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In this process, without a wire.
    Local,
    /// An [`HttpChannel`](kitfox::HttpChannel).
    Http { protocol: Protocol, codec: Codec, http: HttpVersion },
}

impl Way {
    pub(super) const ALL: [Way; 11] = [
        Way::Local,
        Way::http(Protocol::Connect, Codec::Protobuf, HttpVersion::Http2),
        Way::http(Protocol::Connect, Codec::Protobuf, HttpVersion::Http1),
        Way::http(Protocol::Connect, Codec::Json, HttpVersion::Http2),
        Way::http(Protocol::Connect, Codec::Json, HttpVersion::Http1),
        Way::http(Protocol::Grpc, Codec::Protobuf, HttpVersion::Http2),
        Way::http(Protocol::Grpc, Codec::Json, HttpVersion::Http2),
        Way::http(Protocol::GrpcWeb, Codec::Protobuf, HttpVersion::Http2),
        Way::http(Protocol::GrpcWeb, Codec::Protobuf, HttpVersion::Http1),
        Way::http(Protocol::GrpcWeb, Codec::Json, HttpVersion::Http2),
        Way::http(Protocol::GrpcWeb, Codec::Json, HttpVersion::Http1),
    ];

    const fn http(protocol: Protocol, codec: Codec, http: HttpVersion) -> Self {
        Way::Http { protocol, codec, http }
    }

    pub(super) fn is_local(self) -> bool {
        self == Way::Local
    }

    pub(super) fn is_http1(self) -> bool {
        matches!(self, Way::Http { http: HttpVersion::Http1, .. })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Local => write!(f, "in process"),
            Way::Http { protocol, codec, http } => write!(f, "{protocol:?} {codec:?} {http:?}"),
        }
    }
}

const HALF_DUPLEX: &str = "over HTTP/1.1 an answer begins when its request has ended";
const NO_WIRE: &str = "what goes over no wire has no limit";

/// A case that cannot be on some ways, and why.
struct Impossible(&'static str, fn(Way) -> bool, &'static str);

const IMPOSSIBLE: &[Impossible] = &[
    Impossible("messages_go_to_and_fro", Way::is_http1, HALF_DUPLEX),
    Impossible("a_dropped_stream_lets_go_of_its_request", Way::is_http1, HALF_DUPLEX),
    Impossible("a_request_above_the_limit_is_refused", Way::is_local, NO_WIRE),
    Impossible("an_answer_above_the_limit_is_refused", Way::is_local, NO_WIRE),
    Impossible(
        "a_layer_holds_on_until_the_last_message",
        Way::is_local,
        "a local client has no layers but those that every service has",
    ),
];

/// Why `case` cannot be on this way, if it cannot.
pub(super) fn impossible(case: &str, way: Way) -> Option<&'static str> {
    let mut entries = IMPOSSIBLE.iter();
    entries.find(|Impossible(name, on, _)| *name == case && on(way)).map(|entry| entry.2)
}

#[test]
fn what_is_impossible_names_a_case() {
    for Impossible(case, ..) in IMPOSSIBLE {
        assert!(super::CASES.contains(case), "{case} is no case");
    }
}
