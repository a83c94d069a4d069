//! The channels to replicas.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Code, Error, Method, Origin, Platform};
use kitfox_discovery::{Connect, Instance, Line};
use kitfox_transport::client::{ChannelError, HttpChannel, HttpChannelBuilder};

/// What a replica's channel is made like.
pub(super) type Http = Arc<dyn Fn(HttpChannelBuilder) -> HttpChannelBuilder + Send + Sync>;

/// Makes the channels to replicas.
pub(super) struct Replicas {
    pub(super) http: Http,
    pub(super) scheme: &'static str,
    pub(super) platform: Platform,
}

impl Replicas {
    fn channel(&self, address: &str) -> Result<HttpChannel, ChannelError> {
        let builder = HttpChannel::builder(format!("{}://{address}", self.scheme));
        (self.http)(builder.platform(self.platform.clone())).build()
    }

    /// What connects to them. A choice that no replica could have is told now, and not by the first
    /// call.
    pub(super) fn connector(self) -> Result<Connector, ChannelError> {
        let codec = self.channel("127.0.0.1:1")?.codec();
        Ok(Connector { replica: self, codec })
    }
}

pub(super) struct Connector {
    replica: Replicas,
    codec: Codec,
}

/// Whatever connects.
pub(super) struct Given(pub(super) Box<dyn Connect>);

impl Connect for Given {
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
        self.0.connect(instance)
    }

    fn codec(&self) -> Codec {
        self.0.codec()
    }
}

impl Connect for Connector {
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
        let channel = self.replica.channel(&instance.address).map_err(|error| {
            Error::new(Code::InvalidArgument, error.to_string()).with_origin(Origin::Transport)
        })?;
        Ok(Box::new(HttpLine(channel)))
    }

    fn codec(&self) -> Codec {
        self.codec
    }
}

/// A replica's connections.
struct HttpLine(HttpChannel);

impl Channel for HttpLine {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        self.0.endpoint(method)
    }

    fn codec(&self) -> Codec {
        self.0.codec()
    }
}

impl Line for HttpLine {
    fn is_warm(&self) -> bool {
        self.0.is_warm()
    }

    fn warm(&self) -> BoxFuture<'static, Result<(), Error>> {
        // Keeps the connections for no longer than connecting may take.
        let channel = self.0.clone();
        Box::pin(async move { channel.warm().await })
    }
}
