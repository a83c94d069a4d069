//! Where telemetry is sent by OTLP, and how: the keys `otlp.*`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use kitfox_core::{Metadata, Platform, Secret};
use kitfox_telemetry::otlp::{Export, ExportSettings, Resource, Signal};
use kitfox_transport::client::ChannelError;

use crate::otlp::Collector;

/// Where telemetry is sent by OTLP, and how: the keys `otlp.*`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Otlp {
    /// Where a collector is; nothing is sent by default.
    pub endpoint: Option<Endpoint>,
    /// What it speaks there; HTTP by default.
    pub protocol: OtlpProtocol,
    /// Headers of each request; none by default. They are shown to nobody.
    pub headers: Secret<Vec<(String, String)>>,
    /// What is sent; all three signals by default.
    pub signals: Vec<Signal>,
    /// What else is said of the process that sends; nothing by default.
    pub attributes: Vec<(String, String)>,
    /// How long spans and log records are gathered; 1 s by default.
    pub interval: Duration,
    /// How often metrics are sent; every minute by default.
    pub metrics_interval: Duration,
    /// How long an answer may take; 10 s by default.
    pub timeout: Duration,
    /// The memory for what of each signal waits to be sent; 4 MiB by default.
    pub buffer_bytes: usize,
}

/// What a collector speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OtlpProtocol {
    /// Protobuf over HTTP/1.1; usually at port 4318.
    #[default]
    Http,
    /// gRPC; usually at port 4317.
    Grpc,
}

/// The address of a collector: `http://host:port`, or `https://`, and a path in front of those of the
/// signals where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    text: String,
    /// Where the path begins.
    path: usize,
}

/// The text is no address of a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no address of a collector: write http://host:port, without user, query or fragment")]
pub struct InvalidEndpoint;

impl Default for Otlp {
    fn default() -> Self {
        Otlp {
            endpoint: None,
            protocol: OtlpProtocol::Http,
            headers: Secret::default(),
            signals: Signal::ALL.to_vec(),
            attributes: Vec::new(),
            interval: Duration::from_secs(1),
            metrics_interval: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            buffer_bytes: 4 * 1024 * 1024,
        }
    }
}

impl Otlp {
    /// What exports the telemetry of the service `name` from `platform`; nothing where no endpoint is
    /// given.
    pub(crate) fn export(
        &self,
        name: &str,
        version: Option<&str>,
        platform: &Platform,
    ) -> Result<Option<Export>, ChannelError> {
        let Some(endpoint) = self.endpoint.clone() else { return Ok(None) };
        let mut resource = Resource::new(name, platform.random());
        if let Some(version) = version {
            resource = resource.with("service.version", version);
        }
        for (name, value) in &self.attributes {
            resource = resource.with(name, value);
        }
        let mut headers = Metadata::new();
        for (name, value) in self.headers.expose() {
            // They were looked at when they were read.
            let _valid = headers.append(name, value);
        }
        let collector = Collector::new(endpoint).protocol(self.protocol).headers(headers);
        let sender = collector.timeout(self.timeout).sender(platform)?;
        let settings = ExportSettings {
            signals: self.signals.clone(),
            buffer_bytes: self.buffer_bytes,
            interval: self.interval,
            metrics_interval: self.metrics_interval,
            timeout: self.timeout,
            ..ExportSettings::new(resource)
        };
        Ok(Some(Export { settings, sender }))
    }
}

impl Endpoint {
    /// `http://host:port`
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.text[..self.path]
    }

    /// What stands behind that, without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text[self.path..].trim_end_matches('/')
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let uri: http::Uri = text.parse().map_err(|_| InvalidEndpoint)?;
        let host = text.find("://").ok_or(InvalidEndpoint)? + 3;
        // A user would be a password that everybody can read.
        if uri.query().is_some() || text.contains(['@', '#']) || host == text.len() {
            return Err(InvalidEndpoint);
        }
        let path = text[host..].find('/').map_or(text.len(), |at| host + at);
        Ok(Endpoint { text: text.to_owned(), path })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl OtlpProtocol {
    /// `http`, `grpc`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OtlpProtocol::Http => "http",
            OtlpProtocol::Grpc => "grpc",
        }
    }

    /// By its name, or by that which OpenTelemetry's variables have.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "http" | "http/protobuf" => Some(OtlpProtocol::Http),
            "grpc" => Some(OtlpProtocol::Grpc),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_origin_and_a_path() {
        for (text, origin, path) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318", ""),
            ("http://collector:4318/", "http://collector:4318", ""),
            ("https://otel.example/otlp/", "https://otel.example", "/otlp"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.origin(), endpoint.path()), (origin, path));
            assert_eq!(endpoint.to_string(), text);
        }
        for bad in
            ["", "collector:4318", "http://", "http://me:secret@a", "http://a?x", "http://a#x"]
        {
            assert_eq!(bad.parse::<Endpoint>(), Err(InvalidEndpoint), "{bad}");
        }
    }
}
