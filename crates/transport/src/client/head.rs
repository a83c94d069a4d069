//! The head of a call's request: prepared once for each method, so that a call clones it and adds
//! what is its own.

use http::header::{CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use kitfox_core::Context;
use kitfox_core::message::Codec;

use super::address::Address;
use super::{HttpVersion, Protocol, timeout, travel};
use crate::names;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static(names::GRPC_TIMEOUT);
const CONNECT_TIMEOUT: HeaderName = HeaderName::from_static(names::CONNECT_TIMEOUT);
const CONNECT_VERSION: HeaderName = HeaderName::from_static(names::CONNECT_VERSION);
const AGENT: HeaderValue = HeaderValue::from_static(concat!("kitfox/", env!("CARGO_PKG_VERSION")));

/// What all requests of a method have in common.
#[derive(Debug)]
pub(super) struct Head {
    protocol: Protocol,
    version: Version,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    pub(super) fn new(
        address: &Address,
        path: &'static str,
        protocol: Protocol,
        codec: Codec,
        http: HttpVersion,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(protocol, codec)));
        headers.insert(USER_AGENT, AGENT);
        match protocol {
            Protocol::Grpc => {
                headers.insert(TE, HeaderValue::from_static("trailers"));
                headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("0n"));
            }
            Protocol::Connect => {
                headers.insert(CONNECT_VERSION, HeaderValue::from_static("1"));
                headers.insert(CONNECT_TIMEOUT, HeaderValue::from_static("0"));
            }
        }
        let uri = Uri::builder().path_and_query(path);
        let uri = match http {
            HttpVersion::Http2 => uri.scheme(address.scheme()).authority(address.authority.clone()),
            HttpVersion::Http1 => {
                let host = HeaderValue::from_str(address.authority.as_str());
                headers.insert(HOST, host.expect("an authority is a header value"));
                uri
            }
        };
        let uri = uri.build().expect("a method's path begins with a slash and is a path");
        let version = match http {
            HttpVersion::Http1 => Version::HTTP_11,
            HttpVersion::Http2 => Version::HTTP_2,
        };
        Head { protocol, version, uri, headers }
    }

    /// The head of a call within `context`.
    pub(super) fn of<B>(&self, context: &Context, body: B) -> Request<B> {
        let mut headers = self.headers.clone();
        match (self.protocol, context.remaining()) {
            (Protocol::Grpc, Some(left)) => headers.insert(GRPC_TIMEOUT, timeout::grpc(left)),
            (Protocol::Grpc, None) => headers.remove(GRPC_TIMEOUT),
            (Protocol::Connect, Some(left)) => {
                headers.insert(CONNECT_TIMEOUT, timeout::connect(left))
            }
            (Protocol::Connect, None) => headers.remove(CONNECT_TIMEOUT),
        };
        for (name, value) in context.metadata().headers() {
            if !reserved(name.as_str()) {
                headers.append(name, value.clone());
            }
        }
        travel::write(context, &mut headers);
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        request
    }
}

/// How a message is named on the wire.
pub(super) fn content_type(protocol: Protocol, codec: Codec) -> &'static str {
    match (protocol, codec) {
        (Protocol::Connect, Codec::Json) => "application/json",
        (Protocol::Connect, Codec::Protobuf) => "application/proto",
        (Protocol::Grpc, Codec::Json) => "application/grpc+json",
        (Protocol::Grpc, Codec::Protobuf) => "application/grpc",
    }
}

/// Whether a header belongs to the protocol or the connection, so that no metadata may set it.
fn reserved(name: &str) -> bool {
    matches!(
        name,
        "accept-encoding"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "expect"
            | "host"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "user-agent"
    ) || name.starts_with("grpc-")
        || name.starts_with("connect-")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kitfox_core::Metadata;

    use super::*;

    fn head(protocol: Protocol, http: HttpVersion) -> Head {
        let address = Address::parse("http://strings.internal:8080").unwrap();
        Head::new(&address, "/strings.v1.Strings/Uppercase", protocol, Codec::Protobuf, http)
    }

    #[tokio::test(start_paused = true)]
    async fn a_grpc_call_says_what_grpc_asks_for() {
        let context = Context::background().with_timeout(Duration::from_secs(30));
        let request = head(Protocol::Grpc, HttpVersion::Http2).of(&context, ());
        assert_eq!(request.uri(), "http://strings.internal:8080/strings.v1.Strings/Uppercase");
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.headers()["content-type"], "application/grpc");
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.headers()["grpc-timeout"], "30000000u");
        assert_eq!(request.headers()["user-agent"], AGENT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connect_call_over_http_1_names_its_host() {
        let context = Context::background().with_timeout(Duration::from_millis(1500));
        let request = head(Protocol::Connect, HttpVersion::Http1).of(&context, ());
        assert_eq!(request.uri(), "/strings.v1.Strings/Uppercase");
        assert_eq!(request.headers()["host"], "strings.internal:8080");
        assert_eq!(request.headers()["content-type"], "application/proto");
        assert_eq!(request.headers()["connect-protocol-version"], "1");
        assert_eq!(request.headers()["connect-timeout-ms"], "1500");
        assert!(!request.headers().contains_key("te"));
    }

    #[test]
    fn a_call_without_a_deadline_sends_none() {
        for protocol in [Protocol::Grpc, Protocol::Connect] {
            let request = head(protocol, HttpVersion::Http2).of(&Context::background(), ());
            assert!(request.headers().keys().all(|name| !name.as_str().contains("timeout")));
        }
    }

    #[test]
    fn metadata_travels_and_never_replaces_what_is_the_protocols() {
        let mut metadata = Metadata::new();
        metadata.append("x-tenant", "blue").unwrap();
        metadata.append("x-tenant", "green").unwrap();
        let hidden = ["content-type", "te", "host", "grpc-timeout", "connect-protocol-version"];
        for name in hidden {
            metadata.insert(name, "mine").unwrap();
        }
        let context = Context::background().with_metadata(metadata).outgoing();
        let request = head(Protocol::Grpc, HttpVersion::Http2).of(&context, ());
        let tenants: Vec<_> = request.headers().get_all("x-tenant").iter().collect();
        assert_eq!(tenants, ["blue", "green"]);
        for name in hidden {
            assert!(request.headers().get(name).is_none_or(|value| value != "mine"), "{name}");
        }
    }
}
