//! Content types: which wire a request is on, and how its messages are encoded.

use http::HeaderValue;
use kitfox_core::message::Codec;

/// The content types that the path of a unary method takes, as `Accept-Post` says them.
pub(super) const OF_UNARY: &str = "application/json, application/proto, application/grpc, \
                                   application/grpc+proto, application/grpc+json, \
                                   application/grpc-web, application/grpc-web+proto, \
                                   application/grpc-web+json, application/grpc-web-text";

/// The same of a method that streams.
pub(super) const OF_STREAMS: &str = "application/connect+json, application/connect+proto, \
                                     application/grpc, application/grpc+proto, \
                                     application/grpc+json, application/grpc-web, \
                                     application/grpc-web+proto, application/grpc-web+json, \
                                     application/grpc-web-text";

/// What a request's content type says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// There is none.
    #[default]
    Missing,
    /// One message as the whole body: Connect, and REST where it is JSON.
    Message(Codec),
    /// Frames of gRPC.
    Grpc(Subtype),
    /// Frames of gRPC-Web.
    Web(Web),
    /// Frames of Connect.
    Stream(Codec),
    /// gRPC with messages that nobody here can read.
    UnknownGrpc,
    /// Something else.
    Unknown,
}

/// What stands behind `application/grpc`; an answer says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subtype {
    /// Nothing, which means protobuf.
    None,
    Protobuf,
    Json,
}

/// gRPC-Web, and whether it is in base64, for browsers that can read nothing but text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Web {
    pub(super) subtype: Subtype,
    pub(super) text: bool,
}

impl Subtype {
    pub(super) fn codec(self) -> Codec {
        match self {
            Subtype::None | Subtype::Protobuf => Codec::Protobuf,
            Subtype::Json => Codec::Json,
        }
    }

    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Subtype::None => "application/grpc",
            Subtype::Protobuf => "application/grpc+proto",
            Subtype::Json => "application/grpc+json",
        })
    }
}

impl Web {
    pub(super) fn content_type(self) -> HeaderValue {
        let Web { subtype, text } = self;
        HeaderValue::from_static(match (subtype, text) {
            (Subtype::None, false) => "application/grpc-web",
            (Subtype::Protobuf, false) => "application/grpc-web+proto",
            (Subtype::Json, false) => "application/grpc-web+json",
            (Subtype::None, true) => "application/grpc-web-text",
            (Subtype::Protobuf, true) => "application/grpc-web-text+proto",
            (Subtype::Json, true) => "application/grpc-web-text+json",
        })
    }
}

impl Content {
    /// Of the value of `content-type`. Parameters (`; charset=utf-8`) change nothing: JSON is
    /// UTF-8 whatever they say.
    pub(super) fn from_type(value: &[u8]) -> Self {
        // The one that nearly all of REST and Connect says, by one comparison.
        if value == b"application/json" {
            return Content::Message(Codec::Json);
        }
        match Content::from_essence(value) {
            Content::Unknown => Content::with_parameters(value),
            known => known,
        }
    }

    fn from_essence(essence: &[u8]) -> Self {
        match essence {
            b"application/json" => Content::Message(Codec::Json),
            b"application/grpc" => Content::Grpc(Subtype::None),
            b"application/proto" => Content::Message(Codec::Protobuf),
            b"application/grpc+proto" => Content::Grpc(Subtype::Protobuf),
            b"application/grpc+json" => Content::Grpc(Subtype::Json),
            _ => Content::Unknown,
        }
    }

    fn with_parameters(value: &[u8]) -> Self {
        let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let essence = value[..end].trim_ascii().to_ascii_lowercase();
        let web = |subtype, text| Content::Web(Web { subtype, text });
        match essence.as_slice() {
            b"application/connect+json" => Content::Stream(Codec::Json),
            b"application/connect+proto" => Content::Stream(Codec::Protobuf),
            b"application/grpc-web" => web(Subtype::None, false),
            b"application/grpc-web+proto" => web(Subtype::Protobuf, false),
            b"application/grpc-web+json" => web(Subtype::Json, false),
            b"application/grpc-web-text" => web(Subtype::None, true),
            b"application/grpc-web-text+proto" => web(Subtype::Protobuf, true),
            b"application/grpc-web-text+json" => web(Subtype::Json, true),
            other => match Content::from_essence(other) {
                Content::Unknown if other.starts_with(b"application/grpc+") => Content::UnknownGrpc,
                known => known,
            },
        }
    }
}

/// As answers of Connect say it.
pub(super) fn message_type(codec: Codec) -> HeaderValue {
    match codec {
        Codec::Json => const { HeaderValue::from_static("application/json") },
        Codec::Protobuf => const { HeaderValue::from_static("application/proto") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_hide_a_type() {
        let web = |subtype, text| Content::Web(Web { subtype, text });
        for (value, expected) in [
            ("application/json", Content::Message(Codec::Json)),
            ("Application/JSON; charset=utf-8", Content::Message(Codec::Json)),
            ("application/proto;x=y", Content::Message(Codec::Protobuf)),
            ("application/grpc", Content::Grpc(Subtype::None)),
            ("application/grpc+json ", Content::Grpc(Subtype::Json)),
            ("application/grpc+thrift", Content::UnknownGrpc),
            ("application/grpc-web+proto", web(Subtype::Protobuf, false)),
            ("application/grpc-web-text; x=y", web(Subtype::None, true)),
            ("application/connect+json", Content::Stream(Codec::Json)),
            ("application/grpcish", Content::Unknown),
            ("application/jsonp", Content::Unknown),
            ("text/plain", Content::Unknown),
            ("", Content::Unknown),
        ] {
            assert_eq!(Content::from_type(value.as_bytes()), expected, "{value}");
        }
    }
}
