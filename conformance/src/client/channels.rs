//! A client for each way there is to a server, kept for the cases that go the same way.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kitfox::tls::Roots;
use kitfox::{ChannelLimits, Compression, HttpChannel, HttpVersion, Protocol};

use super::case::CaseError;
use crate::ConformanceServiceClient;
use crate::messages::{self, ClientCompatRequest};

#[derive(Default)]
pub(super) struct Channels(Mutex<HashMap<Way, ConformanceServiceClient>>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    host: String,
    port: u32,
    http: messages::HttpVersion,
    protocol: messages::Protocol,
    codec: messages::Codec,
    compression: messages::Compression,
    message_bytes: u32,
    get: bool,
    certificate: Vec<u8>,
}

impl Channels {
    /// The client that `request` asks for.
    pub(super) fn client(
        &self,
        request: &ClientCompatRequest,
    ) -> Result<ConformanceServiceClient, CaseError> {
        let way = Way {
            host: request.host.clone(),
            port: request.port,
            http: request.http_version,
            protocol: request.protocol,
            codec: request.codec,
            compression: request.compression,
            message_bytes: request.message_receive_limit,
            get: request.use_get_http_method,
            certificate: request.server_tls_cert.clone(),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&way) {
            return Ok(client.clone());
        }
        let client = ConformanceServiceClient::new(&way.channel()?);
        known.insert(way, client.clone());
        Ok(client)
    }
}

impl Way {
    fn channel(&self) -> Result<HttpChannel, CaseError> {
        let secure = !self.certificate.is_empty();
        let scheme = if secure { "https" } else { "http" };
        let address = format!("{scheme}://{}:{}", self.host, self.port);
        let mut limits = ChannelLimits::default();
        // A case without a deadline wants none told.
        limits.call_timeout = Duration::MAX;
        limits.stream_timeout = Duration::MAX;
        if self.message_bytes > 0 {
            limits.answer_bytes = self.message_bytes as usize;
        }
        let mut channel = HttpChannel::builder(address)
            .protocol(self.protocol()?)
            .codec(self.codec()?)
            .http(self.http()?)
            // The suite's messages are small, and it looks whether they are compressed.
            .compress_from(0)
            .get(self.get)
            .limits(limits);
        if let Some(compression) = self.compression()? {
            channel = channel.compression(compression);
        }
        if secure {
            channel = channel.roots(Roots::pem(&self.certificate)?);
        }
        Ok(channel.build()?)
    }

    fn protocol(&self) -> Result<Protocol, CaseError> {
        match self.protocol {
            messages::Protocol::Connect => Ok(Protocol::Connect),
            messages::Protocol::Grpc => Ok(Protocol::Grpc),
            messages::Protocol::GrpcWeb => Ok(Protocol::GrpcWeb),
            other => Err(CaseError::missing("protocol", other)),
        }
    }

    fn codec(&self) -> Result<kitfox::message::Codec, CaseError> {
        match self.codec {
            messages::Codec::Proto => Ok(kitfox::message::Codec::Protobuf),
            messages::Codec::Json => Ok(kitfox::message::Codec::Json),
            other => Err(CaseError::missing("codec", other)),
        }
    }

    fn compression(&self) -> Result<Option<Compression>, CaseError> {
        match self.compression {
            messages::Compression::Identity => Ok(None),
            messages::Compression::Gzip => Ok(Some(Compression::Gzip)),
            messages::Compression::Zstd => Ok(Some(Compression::Zstd)),
            other => Err(CaseError::missing("compression", other)),
        }
    }

    fn http(&self) -> Result<HttpVersion, CaseError> {
        match self.http {
            messages::HttpVersion::Http1 => Ok(HttpVersion::Http1),
            messages::HttpVersion::Http2 => Ok(HttpVersion::Http2),
            other => Err(CaseError::missing("version of HTTP", other)),
        }
    }
}
