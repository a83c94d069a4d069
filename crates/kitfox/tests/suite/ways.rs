//! Every way of a client to the service, and what is possible on none of them.

use std::fmt;

use kitfox::contract::Shape;
use kitfox::message::Codec;
use kitfox::{HttpVersion, Protocol};

use super::rest::Format;

/// A way to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In this process, without a wire.
    Local,
    /// An [`HttpChannel`](kitfox::HttpChannel).
    Http { protocol: Protocol, codec: Codec, http: HttpVersion, form: Form },
    /// JSON on the routes of the methods.
    Rest { http: HttpVersion, format: Format },
}

/// How messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Plain,
    /// Compressed, from few bytes on.
    Packed,
    /// In the query of a GET.
    Query,
}

impl Way {
    /// All there are.
    pub(crate) fn all() -> Vec<Way> {
        let mut ways = vec![Way::Local];
        for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
            for codec in [Codec::Protobuf, Codec::Json] {
                for http in [HttpVersion::Http2, HttpVersion::Http1] {
                    let forms = [Form::Plain, Form::Packed, Form::Query];
                    let forms = forms.map(|form| Way::Http { protocol, codec, http, form });
                    ways.extend(forms.into_iter().filter(|way| way.exists()));
                }
            }
        }
        for http in [HttpVersion::Http2, HttpVersion::Http1] {
            let formats = [Format::Lines, Format::Events, Format::Packed];
            ways.extend(formats.map(|format| Way::Rest { http, format }));
        }
        ways
    }

    fn exists(self) -> bool {
        let Way::Http { protocol, http, form, .. } = self else { return true };
        match protocol {
            Protocol::Grpc => http == HttpVersion::Http2 && form != Form::Query,
            Protocol::GrpcWeb => form != Form::Query,
            _ => true,
        }
    }

    /// Whether a method of this shape can be called so.
    pub(crate) fn has(self, shape: Shape) -> bool {
        match self {
            // What is no single message goes as it does in the plain form.
            Way::Http { form: Form::Query, .. } => shape == Shape::Unary,
            Way::Rest { .. } => !shape.streams_in(),
            _ => true,
        }
    }

    pub(crate) fn packs_requests(self) -> bool {
        matches!(
            self,
            Way::Http { form: Form::Packed, .. } | Way::Rest { format: Format::Packed, .. }
        )
    }

    /// Whether answers to calls of this shape may come compressed.
    pub(crate) fn takes_packed(self, shape: Shape) -> bool {
        match self {
            Way::Local => false,
            Way::Http { .. } => true,
            Way::Rest { format, .. } => format == Format::Packed && shape == Shape::Unary,
        }
    }

    /// Whether it is over HTTP/1.1.
    pub(crate) fn is_http1(self) -> bool {
        let (Way::Http { http, .. } | Way::Rest { http, .. }) = self else { return false };
        http == HttpVersion::Http1
    }

    fn is_not_ours(self) -> bool {
        matches!(self, Way::Local | Way::Rest { .. })
    }

    /// Whether trailers of an answer of this shape arrive.
    pub(crate) fn keeps_trailers(self, shape: Shape) -> bool {
        // hyper sends none over HTTP/1.1 but those that the head of the answer announced, and those
        // of a stream are not known then.
        let lost = matches!(self, Way::Rest { http: HttpVersion::Http1, .. });
        !lost || shape == Shape::Unary
    }

    fn is_local(self) -> bool {
        self == Way::Local
    }

    fn is_half_duplex(self) -> bool {
        self.is_http1() || self.has_no_duplex()
    }

    fn has_no_duplex(self) -> bool {
        !self.has(Shape::BothStream)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Local => write!(f, "in process"),
            Way::Http { protocol, codec, http, form } => {
                write!(f, "{protocol:?} {codec:?} {http:?} {form:?}")
            }
            Way::Rest { http, format } => write!(f, "Rest {http:?} {format:?}"),
        }
    }
}

const HALF_DUPLEX: &str = "over HTTP/1.1 an answer begins when its request has ended";
const ONE_MESSAGE: &str = "it carries one message there";
const NO_WIRE: &str = "what goes over no wire has neither limits nor bytes";

const NO_CLIENT: &str = "the limits of an answer are those of our clients over a wire";

/// A case that cannot be on some ways, and why.
struct Impossible(&'static str, fn(Way) -> bool, &'static str);

const IMPOSSIBLE: &[Impossible] = &[
    Impossible("messages_go_to_and_fro", Way::is_half_duplex, HALF_DUPLEX),
    Impossible("a_dropped_stream_lets_go_of_its_request", Way::is_half_duplex, HALF_DUPLEX),
    Impossible("the_service_goes_on_after_its_caller_has_ended", Way::has_no_duplex, ONE_MESSAGE),
    Impossible("a_request_above_the_limit_is_refused", Way::is_local, NO_WIRE),
    Impossible("an_answer_above_the_limit_is_refused", Way::is_not_ours, NO_CLIENT),
    Impossible("too_many_headers_of_a_request_are_refused", Way::is_local, NO_WIRE),
    Impossible("too_many_headers_of_an_answer_are_refused", Way::is_not_ours, NO_CLIENT),
    Impossible("what_compresses_well_is_compressed", Way::is_local, NO_WIRE),
    Impossible(
        "a_layer_holds_on_until_the_last_message",
        Way::is_local,
        "a local client has no layers but those that every service has",
    ),
];

/// Why `case` cannot be on this way, if it cannot.
pub(crate) fn impossible(case: &str, way: Way) -> Option<&'static str> {
    let mut entries = IMPOSSIBLE.iter();
    entries.find(|Impossible(name, on, _)| *name == case && on(way)).map(|entry| entry.2)
}

#[test]
fn what_is_impossible_names_a_case() {
    for Impossible(case, ..) in IMPOSSIBLE {
        assert!(super::CASES.contains(case), "{case} is no case");
    }
}
