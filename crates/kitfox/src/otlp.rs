//! The ways to a collector of OpenTelemetry, over Kitfox's own client.
//!
//! Its requests leave no record. With a filter as fine as `trace` the libraries below log them, though,
//! and those lines leave with the next request: `trace,h2=info,hyper=info` leaves them out.
//!
//! The keys `otlp.*` of the [configuration](crate::config) are for hosts; [`Collector`] is for whoever
//! makes a [`Telemetry`](crate::Telemetry) of their own.

mod grpc;
mod http;

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::{Metadata, Platform};
use kitfox_telemetry::otlp::Sender;
use kitfox_transport::client::{ChannelError, ChannelLimits, HttpChannel, HttpVersion, Protocol};

use crate::config::{Endpoint, OtlpProtocol};

/// Where telemetry is sent, and how.
///
/// ```
/// use kitfox::Platform;
/// use kitfox::otlp::Collector;
/// use kitfox::telemetry::otlp::{Export, ExportSettings, Resource};
/// use kitfox::telemetry::{Telemetry, TelemetrySettings};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let platform = Platform::system();
/// let sender = Collector::new("http://127.0.0.1:4318".parse()?).sender(&platform)?;
/// let settings = ExportSettings::new(Resource::new("batch", platform.random()));
/// let telemetry = Telemetry::new(TelemetrySettings {
///     export: Some(Export { settings, sender }),
///     ..TelemetrySettings::default()
/// });
/// # let _ = telemetry;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `sender` to get the way there"]
pub struct Collector {
    endpoint: Endpoint,
    protocol: OtlpProtocol,
    headers: Metadata,
    timeout: Duration,
    #[cfg(feature = "tls")]
    roots: Option<kitfox_transport::tls::Roots>,
}

impl Collector {
    /// At this address, over HTTP, without headers; an answer may take 10 s.
    pub fn new(endpoint: Endpoint) -> Self {
        Collector {
            endpoint,
            protocol: OtlpProtocol::default(),
            headers: Metadata::new(),
            timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            roots: None,
        }
    }

    /// Over this.
    pub fn protocol(mut self, protocol: OtlpProtocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// With headers in each request: a tenant, a token.
    pub fn headers(mut self, headers: Metadata) -> Self {
        self.headers = headers;
        self
    }

    /// How long an answer may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whom to believe that a collector of `https://` is who it says; the system's authorities by
    /// default.
    #[cfg(feature = "tls")]
    pub fn roots(mut self, roots: kitfox_transport::tls::Roots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// The way there, through the network of `platform`. It connects when there is something to send.
    ///
    /// # Errors
    /// When the address cannot be used; for instance `https` in a build without the feature `tls`.
    pub fn sender(self, platform: &Platform) -> Result<Arc<dyn Sender>, ChannelError> {
        let mut limits = ChannelLimits::default();
        limits.call_timeout = self.timeout;
        let channel =
            HttpChannel::builder(self.endpoint.origin()).platform(platform.clone()).limits(limits);
        #[cfg(feature = "tls")]
        let channel = match self.roots {
            Some(roots) => channel.roots(roots),
            None => channel,
        };
        Ok(match self.protocol {
            OtlpProtocol::Http => {
                let channel = channel.http(HttpVersion::Http1).build()?;
                Arc::new(http::OverHttp::new(channel, self.endpoint.path(), &self.headers))
            }
            OtlpProtocol::Grpc => {
                let channel = channel.protocol(Protocol::Grpc).build()?;
                Arc::new(grpc::OverGrpc::new(&channel, self.headers))
            }
        })
    }
}
