//! The way of a client to all replicas of a service.

use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Code, Contract, Error, Layer, Method, Origin, Platform};
use kitfox_discovery::{
    Balanced, Connect, Discovery, Instance, Line, RegistryError, ReplicaView, View,
};
use kitfox_transport::client::{ChannelError, HttpChannel, HttpChannelBuilder};

use crate::config::Origin as Said;
use crate::stack::{
    Change, ChangeError, ClientSettings, ClientStack, MethodEndpoints, Source, Tunable,
};

/// A way to all replicas of a service, with the client's whole [stack](crate::stack): deadlines,
/// retries within a budget, hedges, a breaker, a rate limit, and the pick of a healthy replica. Cloning
/// shares it; so do all clients made of it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use kitfox::discovery::StaticList;
/// use kitfox::{Protocol, ServiceChannel};
///
/// # fn main() -> Result<(), kitfox::ServiceChannelError> {
/// let registry = StaticList::new().service("payments", ["10.0.0.7:8080", "10.0.0.8:8080"]);
/// let payments = ServiceChannel::builder("payments", &registry)
///     .http(|replica| replica.protocol(Protocol::Grpc))
///     .set("deadline.total", "2s")
///     .set("retry.attempts", 2)
///     .build()?;
/// // let client = PaymentsClient::new(&payments);
/// // Host::new("orders").client(&payments)     // shows it under /stack, and lets the file set it
/// # Ok(())
/// # }
/// # main().unwrap();
/// # });
/// ```
#[derive(Clone)]
pub struct ServiceChannel(Arc<Inner>);

struct Inner {
    name: String,
    balanced: Balanced,
    stack: ClientStack,
    layers: Vec<Wrap>,
    /// One for each method, however many clients are made: they share its state.
    endpoints: Mutex<Vec<Made>>,
}

type Made = (&'static Method, MethodEndpoints);

/// A layer of the user's, with its type hidden.
type Wrap = Box<dyn Fn(&'static Method, BoxEndpoint) -> BoxEndpoint + Send + Sync>;

/// Why there is no way to a service.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServiceChannelError {
    /// Its layers cannot be set so.
    #[error("the client `{name}`: {error}")]
    Settings {
        /// The client.
        name: String,
        /// What cannot be.
        error: ChangeError,
    },
    /// The registry can have no such service.
    #[error("the client `{name}`: {error}")]
    Registry {
        /// The client.
        name: String,
        /// What cannot be.
        error: RegistryError,
    },
    /// No channel to a replica can be made so.
    #[error("the client `{name}`: {error}")]
    Channel {
        /// The client.
        name: String,
        /// What cannot be.
        error: ChannelError,
    },
}

impl fmt::Debug for ServiceChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ServiceChannel {
    /// A way to the replicas of the service `name`, which `registry` knows by that name. Needs a
    /// tokio runtime to be built on: it watches the registry in the background.
    pub fn builder<'a>(
        name: impl Into<String>,
        registry: &'a dyn Discovery,
    ) -> ServiceChannelBuilder<'a> {
        ServiceChannelBuilder {
            name: name.into(),
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

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Every replica, with its health and load.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaView> {
        self.0.balanced.replicas()
    }

    /// The last list of its registry, and for how long and why that has not answered since.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.balanced.view()
    }

    /// Changes what its layers are set to while calls run, all or nothing. It is stronger than what the
    /// file and the environment say, and weaker than the admin port.
    ///
    /// ```
    /// # use kitfox::{ServiceChannel, stack::Change};
    /// # fn change(payments: &ServiceChannel) -> Result<(), kitfox::stack::ChangeError> {
    /// payments.change([Change::new("retry.mode", "off"), Change::new("breaker.mode", "dark")])
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is no such layer, key or method, or the whole would make no sense.
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        self.0.stack.control.change(changes.into_iter().collect())
    }

    /// Says what tells this process from its peers: see [`Balanced::identify`].
    pub(crate) fn identify(&self, who: &str) {
        self.0.balanced.identify(who);
    }

    pub(crate) fn tunable(&self) -> Arc<dyn Tunable> {
        Arc::clone(&self.0.stack.control) as _
    }
}

impl Channel for ServiceChannel {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        match self.made(method) {
            MethodEndpoints::Own(endpoints) => endpoints.bare(),
            MethodEndpoints::Users(endpoint) => endpoint,
        }
    }

    fn client_endpoint(&self, method: &'static Method) -> Option<BoxEndpoint> {
        match self.made(method) {
            MethodEndpoints::Own(endpoints) => Some(endpoints.recorded()),
            MethodEndpoints::Users(_) => None,
        }
    }

    fn codec(&self) -> Codec {
        self.0.balanced.codec()
    }
}

impl ServiceChannel {
    fn made(&self, method: &'static Method) -> MethodEndpoints {
        let Inner { balanced, stack, layers, endpoints, .. } = &*self.0;
        // A layer of the user's that panics leaves the list as it was.
        let mut endpoints = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = endpoints.iter().find(|(known, _)| std::ptr::eq(*known, method)) {
            return made.clone();
        }
        let users = (!layers.is_empty())
            .then_some(|inner| layers.iter().rev().fold(inner, |inner, wrap| wrap(method, inner)));
        let made = stack.endpoint(method, balanced.bound(method), users);
        endpoints.push((method, made.clone()));
        made
    }
}

impl fmt::Debug for ServiceChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceChannel").field("name", &self.0.name).finish_non_exhaustive()
    }
}

/// What a replica's channel is made like.
type Http = Arc<dyn Fn(HttpChannelBuilder) -> HttpChannelBuilder + Send + Sync>;

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

impl ServiceChannelBuilder<'_> {
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
        self.contracts.push(contract);
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
        let source = |change| Source { change, origin: Said::Code };
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

/// Makes the channels to replicas.
struct Replicas {
    http: Http,
    scheme: &'static str,
    platform: Platform,
}

impl Replicas {
    fn channel(&self, address: &str) -> Result<HttpChannel, ChannelError> {
        let builder = HttpChannel::builder(format!("{}://{address}", self.scheme));
        (self.http)(builder.platform(self.platform.clone())).build()
    }

    /// What connects to them. A choice that no replica could have is told now, and not by the first
    /// call.
    fn connector(self) -> Result<Connector, ChannelError> {
        let codec = self.channel("127.0.0.1:1")?.codec();
        Ok(Connector { replica: self, codec })
    }
}

struct Connector {
    replica: Replicas,
    codec: Codec,
}

/// Whatever connects.
struct Given(Box<dyn Connect>);

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
