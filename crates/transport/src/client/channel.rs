//! The channel itself, and how it is built.

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::layers::AttemptRecording;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Code, Error, Layer, Method, Origin, Platform};

use super::address::Address;
use super::endpoint::{HttpEndpoint, Way};
use super::http1::Http1;
use super::http2::Http2;
use super::{B3, ChannelError, ChannelLimits, HttpVersion, Protocol};
use crate::frames::{Compressing, Compression};

/// A way to one server over HTTP. Cloning shares its connections.
///
/// The default speaks Connect in protobuf over HTTP/2, which costs least of what every Kitfox host
/// understands. For a gRPC server of any kind say [`Protocol::Grpc`]; through a proxy that knows
/// HTTP/1.1 only say [`HttpVersion::Http1`]; to read along on the wire say [`Codec::Json`].
///
/// Nothing is sent before the first call, so that a client may be made before its server runs.
/// Connections are opened as calls need them and closed when they are idle; the limits are in
/// [`ChannelLimits`]. What one call brings along, its deadline or a header of its own, is said in its
/// context: `with_timeout`, `with_header`.
///
/// ```
/// use kitfox_core::message::Codec;
/// use kitfox_transport::client::{ChannelError, HttpChannel, HttpVersion, Protocol};
///
/// # fn main() -> Result<(), ChannelError> {
/// let channel = HttpChannel::new("http://127.0.0.1:8080")?;
/// let grpc = HttpChannel::builder("http://127.0.0.1:8080").protocol(Protocol::Grpc).build()?;
/// let json = HttpChannel::builder("http://127.0.0.1:8080")
///     .codec(Codec::Json)
///     .http(HttpVersion::Http1)
///     .build()?;
/// // let strings = StringsClient::new(channel);
/// # let _ = (channel, grpc, json);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HttpChannel(Arc<Wire>);

/// What all methods of a channel share.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) address: Address,
    pub(super) protocol: Protocol,
    pub(super) codec: Codec,
    /// How requests are compressed.
    pub(super) compressing: Option<Compressing>,
    /// Whether calls of safe methods go as GET.
    pub(super) get: bool,
    /// Whether traces go in b3's form as well.
    pub(super) b3: Option<B3>,
    pub(super) way: Way,
    pub(super) limits: ChannelLimits,
}

impl Wire {
    /// That a call, or a stream, without a deadline took longer than `limit`.
    pub(super) fn expired(&self, limit: Duration) -> Error {
        let peer = &self.address.target;
        let why = format!(
            "{peer} did not finish its answer within {limit:?}, the limit without a deadline"
        );
        Error::new(Code::DeadlineExceeded, why).with_origin(Origin::Transport)
    }
}

impl HttpChannel {
    /// A channel to `address`, which is `http://host:port`, or `https://host:port` with the feature
    /// `tls`, with every default.
    ///
    /// # Errors
    /// When `address` is none; the error says what is wrong with it.
    pub fn new(address: &str) -> Result<Self, ChannelError> {
        HttpChannel::builder(address).build()
    }

    /// A channel to `address`, which is `http://host:port`, or `https://host:port` with the feature
    /// `tls`, with choices.
    pub fn builder(address: impl Into<String>) -> HttpChannelBuilder {
        HttpChannelBuilder {
            address: address.into(),
            protocol: Protocol::Connect,
            codec: Codec::Protobuf,
            http: HttpVersion::Http2,
            compression: None,
            compress_from: Compressing::WORTH,
            get: false,
            b3: None,
            platform: None,
            limits: ChannelLimits::default(),
            #[cfg(feature = "tls")]
            roots: None,
        }
    }

    /// Whether a call could be sent at once, without connecting first or waiting for others. Over
    /// HTTP/1.1 always: there each call may need a connection of its own.
    #[must_use]
    pub fn is_warm(&self) -> bool {
        match &self.0.way {
            Way::Http1(_) => true,
            Way::Http2(way) => way.is_warm(),
        }
    }

    /// Connects, unless a connection is there, so that the first call need not wait for it.
    ///
    /// # Errors
    /// `Unavailable` where nobody can connect.
    pub async fn warm(&self) -> Result<(), Error> {
        match &self.0.way {
            Way::Http1(_) => Ok(()),
            Way::Http2(way) => way.warm().await,
        }
    }
}

impl HttpChannel {
    pub(super) fn wire(&self) -> &Wire {
        &self.0
    }
}

impl Channel for HttpChannel {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        let endpoint = HttpEndpoint::new(Arc::clone(&self.0), method);
        BoxEndpoint::new(AttemptRecording.layer(method, endpoint))
    }

    fn codec(&self) -> Codec {
        self.0.codec
    }
}

/// The choices of an [`HttpChannel`].
///
/// ```
/// use std::time::Duration;
/// use kitfox_transport::Compression;
/// use kitfox_transport::client::{ChannelError, ChannelLimits, HttpChannel};
///
/// # fn main() -> Result<(), ChannelError> {
/// let mut limits = ChannelLimits::default();
/// limits.call_timeout = Duration::from_secs(5);
/// let channel = HttpChannel::builder("http://127.0.0.1:8080")
///     .compression(Compression::Gzip)
///     .get(true)
///     .limits(limits)
///     .build()?;
/// # let _ = channel;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `build` to get the channel"]
pub struct HttpChannelBuilder {
    address: String,
    protocol: Protocol,
    codec: Codec,
    http: HttpVersion,
    compression: Option<Compression>,
    compress_from: usize,
    get: bool,
    b3: Option<B3>,
    platform: Option<Platform>,
    limits: ChannelLimits,
    #[cfg(feature = "tls")]
    roots: Option<crate::tls::Roots>,
}

impl HttpChannelBuilder {
    /// The protocol; Connect by default.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// How messages are encoded; protobuf by default.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The version of HTTP; 2 by default, without asking the server first.
    pub fn http(mut self, http: HttpVersion) -> Self {
        self.http = http;
        self
    }

    /// Compresses requests, from 1 KiB on; nothing is compressed by default. The server must
    /// understand it: every Kitfox host does. Answers are taken compressed or not, whatever is
    /// chosen here.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// From how many bytes on messages are compressed, if they are; 1,024 by default, since a
    /// smaller one fits into a packet as it is.
    pub fn compress_from(mut self, bytes: usize) -> Self {
        self.compress_from = bytes;
        self
    }

    /// Sends calls of methods that are `safe` as GET, so that a cache on the way may answer them;
    /// they go as POST by default. Only Connect has it, and only for one message there and back; a
    /// message too long for an address (4 KiB, encoded) goes as POST all the same.
    ///
    /// Messages are then in addresses, which proxies and servers write into their logs.
    pub fn get(mut self, get: bool) -> Self {
        self.get = get;
        self
    }

    /// Passes the trace of each call on in b3's headers as well, for servers that know nothing else:
    /// those of Zipkin's world. It always goes in W3C's `traceparent`, which alone is the default.
    /// Servers of Kitfox read either.
    pub fn b3(mut self, b3: B3) -> Self {
        self.b3 = Some(b3);
        self
    }

    /// Where sockets and background tasks come from; the system by default.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Whom to believe that a server of `https://` is who it says; the system's authorities by
    /// default.
    #[cfg(feature = "tls")]
    pub fn roots(mut self, roots: crate::tls::Roots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Everything that is bounded.
    pub fn limits(mut self, limits: ChannelLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The channel.
    ///
    /// # Errors
    /// When the choices do not go together; the error says which and why.
    pub fn build(self) -> Result<HttpChannel, ChannelError> {
        let HttpChannelBuilder {
            address,
            protocol,
            codec,
            http,
            compression,
            compress_from: from,
            get,
            b3,
            platform,
            limits,
            ..
        } = self;
        let address = Address::parse(&address)?;
        #[cfg(feature = "tls")]
        let address = address.believing(self.roots, http)?;
        if (protocol, http) == (Protocol::Grpc, HttpVersion::Http1) {
            return Err(ChannelError::GrpcOverHttp1);
        }
        if let Some(name) = limits.impossible() {
            return Err(ChannelError::Limit { name });
        }
        // Connections live as long as the channel: a host that waits for its tasks at drain must not
        // wait for them.
        let platform = platform.unwrap_or_else(Platform::system).apart();
        let way = match http {
            HttpVersion::Http1 => Way::Http1(Http1::new(address.clone(), platform, limits.clone())),
            HttpVersion::Http2 => Way::Http2(Http2::new(address.clone(), platform, limits.clone())),
        };
        let compressing = compression.map(|with| Compressing { with, from });
        let wire = Wire { address, protocol, codec, compressing, get, b3, way, limits };
        Ok(HttpChannel(Arc::new(wire)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_that_do_not_go_together_are_refused_with_the_reason() {
        let refused = |builder: HttpChannelBuilder| builder.build().unwrap_err().to_string();
        let here = || HttpChannel::builder("http://127.0.0.1:8080");
        let why = refused(here().protocol(Protocol::Grpc).http(HttpVersion::Http1));
        assert!(why.contains("trailers") && why.contains("HTTP/2"), "{why}");
        let why = refused(here().limits(ChannelLimits { streams: 0, ..ChannelLimits::default() }));
        assert!(why.contains("`streams`"), "{why}");
        assert!(here().protocol(Protocol::Grpc).codec(Codec::Json).build().is_ok());
    }
}
