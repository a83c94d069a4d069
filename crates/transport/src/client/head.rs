//! The head of a call's request: prepared once for each method, so that a call clones it and adds
//! what is its own.

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use kitfox_core::message::Codec;
use kitfox_core::{Context, Metadata};

use super::address::Address;
use super::{HttpVersion, Protocol, timeout, travel};
use crate::b3::B3;
use crate::frames::Compression;
use crate::names;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static(names::GRPC_TIMEOUT);
const CONNECT_TIMEOUT: HeaderName = HeaderName::from_static(names::CONNECT_TIMEOUT);
const CONNECT_VERSION: HeaderName = HeaderName::from_static(names::CONNECT_VERSION);
const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");
pub(super) const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("kitfox/", env!("CARGO_PKG_VERSION")));

/// What all requests of a method have in common.
#[derive(Debug)]
pub(super) struct Head {
    protocol: Protocol,
    version: Version,
    uri: Uri,
    headers: HeaderMap,
    b3: Option<B3>,
}

impl Head {
    pub(super) fn new(
        address: &Address,
        path: &'static str,
        protocol: Protocol,
        codec: Codec,
        http: HttpVersion,
        streams: bool,
        compression: Option<Compression>,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        let kind = content_type(protocol, codec, streams);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(USER_AGENT, AGENT);
        let (timeout, encoding, accept) = match protocol {
            Protocol::Connect if streams => {
                (CONNECT_TIMEOUT, Some(names::CONNECT_ENCODING), names::CONNECT_ACCEPT_ENCODING)
            }
            // Only a message that is compressed says so.
            Protocol::Connect => (CONNECT_TIMEOUT, None, ACCEPT_ENCODING),
            Protocol::Grpc | Protocol::GrpcWeb => {
                (GRPC_TIMEOUT, Some(names::GRPC_ENCODING), names::GRPC_ACCEPT_ENCODING)
            }
        };
        headers.insert(timeout, HeaderValue::from_static("0"));
        headers.insert(accept, HeaderValue::from_static(Compression::ACCEPTED));
        if let (Some(encoding), Some(compression)) = (encoding, compression) {
            headers.insert(encoding, HeaderValue::from_static(compression.name()));
        }
        match protocol {
            Protocol::Connect => {
                headers.insert(CONNECT_VERSION, HeaderValue::from_static("1"));
            }
            Protocol::Grpc => {
                headers.insert(TE, HeaderValue::from_static("trailers"));
            }
            Protocol::GrpcWeb => {
                headers.insert(X_GRPC_WEB, HeaderValue::from_static("1"));
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
        Head { protocol, version, uri, headers, b3: None }
    }

    /// With the trace in b3's form as well.
    pub(super) fn with_b3(mut self, b3: Option<B3>) -> Self {
        self.b3 = b3;
        self
    }

    /// Where the method is.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The head of a call within `context`, whose message goes in this form.
    pub(super) fn of(&self, context: &Context, form: &Form) -> Request<()> {
        let mut headers = self.headers.clone();
        match (self.protocol, context.remaining()) {
            (Protocol::Connect, Some(left)) => {
                headers.insert(CONNECT_TIMEOUT, timeout::connect(left))
            }
            (Protocol::Connect, None) => headers.remove(CONNECT_TIMEOUT),
            (_, Some(left)) => headers.insert(GRPC_TIMEOUT, timeout::grpc(left)),
            (_, None) => headers.remove(GRPC_TIMEOUT),
        };
        let added = context.added_metadata().map(Metadata::headers);
        for (name, value) in context.metadata().headers() {
            let replaced = added.is_some_and(|added| added.contains_key(name));
            if !replaced && !reserved(name.as_str()) {
                headers.append(name, value.clone());
            }
        }
        for (name, value) in added.into_iter().flatten() {
            if !reserved(name.as_str()) {
                headers.append(name, value.clone());
            }
        }
        travel::write(context, self.b3, &mut headers);
        let (method, uri) = match form {
            Form::Plain => (Method::POST, &self.uri),
            Form::Compressed(compression) => {
                let name = HeaderValue::from_static(compression.name());
                headers.insert(CONTENT_ENCODING, name);
                (Method::POST, &self.uri)
            }
            Form::Query(uri) => {
                headers.remove(CONTENT_TYPE);
                headers.remove(CONNECT_VERSION);
                (Method::GET, uri)
            }
        };
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        request
    }
}

/// How the message of a call goes.
#[derive(Debug)]
pub(super) enum Form {
    /// As the body, or in frames of it.
    Plain,
    /// As the body, compressed as a whole.
    Compressed(Compression),
    /// In the query of this address.
    Query(Uri),
}

/// How messages are named on the wire.
pub(super) fn content_type(protocol: Protocol, codec: Codec, streams: bool) -> &'static str {
    match (protocol, codec) {
        (Protocol::Connect, Codec::Json) if streams => "application/connect+json",
        (Protocol::Connect, Codec::Protobuf) if streams => "application/connect+proto",
        (Protocol::Connect, Codec::Json) => "application/json",
        (Protocol::Connect, Codec::Protobuf) => "application/proto",
        (Protocol::Grpc, Codec::Json) => "application/grpc+json",
        (Protocol::Grpc, Codec::Protobuf) => "application/grpc",
        (Protocol::GrpcWeb, Codec::Json) => "application/grpc-web+json",
        (Protocol::GrpcWeb, Codec::Protobuf) => "application/grpc-web+proto",
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
            | "x-grpc-web"
    ) || name.starts_with("grpc-")
        || name.starts_with("connect-")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn head(protocol: Protocol, http: HttpVersion) -> Head {
        let address = Address::parse("http://strings.internal:8080").unwrap();
        Head::new(
            &address,
            "/strings.v1.Strings/Uppercase",
            protocol,
            Codec::Protobuf,
            http,
            false,
            None,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_grpc_call_says_what_grpc_asks_for() {
        let context = Context::background().with_timeout(Duration::from_secs(30));
        let request = head(Protocol::Grpc, HttpVersion::Http2).of(&context, &Form::Plain);
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
        let request = head(Protocol::Connect, HttpVersion::Http1).of(&context, &Form::Plain);
        assert_eq!(request.uri(), "/strings.v1.Strings/Uppercase");
        assert_eq!(request.headers()["host"], "strings.internal:8080");
        assert_eq!(request.headers()["content-type"], "application/proto");
        assert_eq!(request.headers()["connect-protocol-version"], "1");
        assert_eq!(request.headers()["connect-timeout-ms"], "1500");
        assert!(!request.headers().contains_key("te"));
    }

    #[test]
    fn a_call_without_a_deadline_sends_none() {
        for protocol in [Protocol::Grpc, Protocol::GrpcWeb, Protocol::Connect] {
            let request =
                head(protocol, HttpVersion::Http2).of(&Context::background(), &Form::Plain);
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
        let request = head(Protocol::Grpc, HttpVersion::Http2).of(&context, &Form::Plain);
        let tenants: Vec<_> = request.headers().get_all("x-tenant").iter().collect();
        assert_eq!(tenants, ["blue", "green"]);
        for name in hidden {
            assert!(request.headers().get(name).is_none_or(|value| value != "mine"), "{name}");
        }
    }

    #[test]
    fn what_a_layer_adds_goes_with_the_call_in_place_of_what_it_had() {
        let mut metadata = Metadata::new();
        metadata.append("x-tenant", "blue").unwrap();
        metadata.append("authorization", "old").unwrap();
        let context = Context::background().with_metadata(metadata).outgoing();
        let within = context.with_header("authorization", "new").unwrap();
        let within = within.with_header("x-more", "yes").unwrap();
        let within = within.with_header("content-type", "mine").unwrap();
        let head = head(Protocol::Grpc, HttpVersion::Http2);
        let sent = |context: &Context, name| {
            let headers = head.of(context, &Form::Plain).into_parts().0.headers;
            headers.get_all(name).iter().cloned().collect::<Vec<_>>()
        };
        for (name, value) in [
            ("authorization", "new"),
            ("x-tenant", "blue"),
            ("x-more", "yes"),
            ("content-type", "application/grpc"),
        ] {
            assert_eq!(sent(&within, name), [value], "{name}");
        }
        assert_eq!(sent(&context, "authorization"), ["old"], "another attempt has none of it");
    }
}
