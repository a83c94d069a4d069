//! The choices of a channel, and what is made of them.

use std::fmt::{self, Display};
use std::sync::{Arc, Mutex};

use kitfox_core::{BoxEndpoint, Contract, Layer, Method, Platform};
use kitfox_discovery::{Balanced, Connect, Discovery};
use kitfox_transport::client::HttpChannelBuilder;

use super::connect::{Given, Http, Replicas};
use super::{Inner, ServiceChannel, ServiceChannelError, Wrap};
use crate::config::Origin;
use crate::stack::{Change, ClientSettings, ClientStack, Source};

/// The choices of a [`ServiceChannel`].
#[must_use = "call `build` to get the channel"]
pub struct ServiceChannelBuilder<'a> {
    name: String,
    registry: &'a dyn Discovery,
    settings: ClientSettings,
    changes: Vec<Change>,
    contracts: Vec<&'static Contract>,
    layers: Vec<Wrap>,
    http: Http,
    scheme: &'static str,
    connect: Option<Box<dyn Connect>>,
    platform: Option<Platform>,
}

impl<'a> ServiceChannelBuilder<'a> {
    pub(super) fn new(name: String, registry: &'a dyn Discovery) -> Self {
        ServiceChannelBuilder {
            name,
            registry,
            settings: ClientSettings::default(),
            changes: Vec::new(),
            contracts: Vec::new(),
            layers: Vec::new(),
            http: Arc::new(|replica| replica),
            scheme: "http",
            connect: None,
            platform: None,
        }
    }

    /// How each replica is talked to: protocol, codec, compression, limits.
    pub fn http(
        mut self,
        choose: impl Fn(HttpChannelBuilder) -> HttpChannelBuilder + Send + Sync + 'static,
    ) -> Self {
        self.http = Arc::new(choose);
        self
    }

    /// Talks to replicas over TLS.
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.scheme = "https";
        self
    }

    /// Reaches replicas otherwise than over HTTP.
    pub fn connect(mut self, connect: impl Connect) -> Self {
        self.connect = Some(Box::new(connect));
        self
    }

    /// What its layers are set to, for all methods; the keys `clients.<name>.*`.
    pub fn settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets a key of a layer: `retry.attempts`.
    pub fn set(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.changes.push(Change::new(key, value));
        self
    }

    /// What its clients call. Whatever is set for one method must be set for one of these, so that it is judged
    /// before there is a call: by [`build`](Self::build) what code says, at the start of a host what the file
    /// and the environment say. Other clients can be made of the channel, too; nothing is set for their
    /// methods alone before they are.
    ///
    /// ```
    /// use kitfox::ServiceChannel;
    /// use kitfox::discovery::StaticList;
    /// use kitfox::health::HealthClient;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let registry = StaticList::new().service("payments", ["10.0.0.7:8080"]);
    /// let of_one = |method| {
    ///     let payments = ServiceChannel::builder("payments", &registry);
    ///     payments.contract(HealthClient::CONTRACT).set_for(method, "deadline.total", "1s").build()
    /// };
    /// assert!(of_one("grpc.health.v1.Health/Check").is_ok());
    /// let wrong = of_one("grpc.health.v1.Health/Chekc").unwrap_err().to_string();
    /// assert!(wrong.contains("no method `grpc.health.v1.Health/Chekc` is here"));
    /// # });
    /// ```
    pub fn contract(mut self, contract: &'static Contract) -> Self {
        if !self.contracts.iter().any(|known| std::ptr::eq(*known, contract)) {
            self.contracts.push(contract);
        }
        self
    }

    /// Sets a key for one method, by its path: `payments.v1.Payments/Charge`. Its
    /// [contract](Self::contract) must be among those that the channel is told.
    pub fn set_for(
        mut self,
        method: impl Into<String>,
        key: impl Into<String>,
        value: impl Display,
    ) -> Self {
        self.changes.push(Change::new(key, value).of_method(method));
        self
    }

    /// Adds a layer around each attempt, between the breaker and the rate limit. The layer added
    /// first sees an attempt first.
    ///
    /// This is the place for credentials, too: a retry and a hedge get their own.
    ///
    /// ```
    /// # use kitfox::{Request, ServiceChannelBuilder, layer_fn};
    /// # fn token() -> String { String::new() }
    /// # fn with_credentials(builder: ServiceChannelBuilder<'_>) -> ServiceChannelBuilder<'_> {
    /// builder.layer(layer_fn(|mut request: Request, next| async move {
    ///     let bearer = format!("Bearer {}", token());
    ///     request.context = request.context.with_header("authorization", &bearer)?;
    ///     next.call(request).await
    /// }))
    /// # }
    /// ```
    pub fn layer<L: Layer<BoxEndpoint> + Send + Sync + 'static>(mut self, layer: L) -> Self {
        let wrap =
            move |method: &'static Method, inner| BoxEndpoint::new(layer.layer(method, inner));
        self.layers.push(Box::new(wrap));
        self
    }

    /// Where sockets, randomness and background tasks come from; the system by default.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// The channel.
    ///
    /// # Errors
    /// When the choices do not go together, or the registry can have no such service; the error says
    /// which and why.
    pub fn build(self) -> Result<ServiceChannel, ServiceChannelError> {
        let ServiceChannelBuilder {
            name,
            registry,
            settings,
            changes,
            contracts,
            layers,
            http,
            scheme,
            connect,
            platform,
        } = self;
        // Of its own: a host that waits for its tasks at drain must not wait for those of a client.
        let platform = platform.unwrap_or_else(Platform::system).apart();
        let connect = match connect {
            Some(connect) => connect,
            None => {
                let replicas = Replicas { http, scheme, platform: platform.clone() };
                let connector = replicas.connector();
                let name = name.clone();
                Box::new(connector.map_err(|error| ServiceChannelError::Channel { name, error })?)
            }
        };
        let balance = settings.balance.clone();
        let balanced = Balanced::new(&name, registry, Given(connect), balance, &platform)
            .map_err(|error| ServiceChannelError::Registry { name: name.clone(), error })?;
        let source = |change| Source { change, origin: Origin::Code };
        let changes = changes.into_iter().map(source).collect();
        let stack = ClientStack::new(&name, balanced.clone(), &contracts, settings, changes)
            .map_err(|error| ServiceChannelError::Settings { name: name.clone(), error })?;
        Ok(ServiceChannel(Arc::new(Inner {
            name,
            balanced,
            stack,
            layers,
            endpoints: Mutex::default(),
        })))
    }
}

impl fmt::Debug for ServiceChannelBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceChannelBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
