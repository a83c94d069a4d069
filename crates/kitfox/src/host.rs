//! The process that serves.

mod admin;
mod error;
mod health;
mod layer_name;
mod life;
mod own;
mod phase;
mod port;
mod readiness;
mod registration;
mod reload;
mod running;
mod services;
mod signals;
mod standings;
mod start;
mod worker;

use std::error::Error;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use kitfox_core::layers::ServerStack;
use kitfox_core::{BoxEndpoint, Context, Layer, Platform, Service};
use kitfox_discovery::Registrar;
use kitfox_resilience::{GuardHandle, IdempotencyStore};
use kitfox_telemetry::metrics::Metrics;
use kitfox_telemetry::{Sink, Telemetry};
use kitfox_transport::Limits;
use kitfox_transport::serve::Acceptor;
use kitfox_transport::wires::{Builder, Cors, WireBody};
use tokio::io::AsyncWrite;

pub use error::HostError;
pub use phase::Phase;
pub use reload::{ReloadError, Reloaded};
pub use running::{Ending, Handle, Running};
pub use services::{Services, ServicesError};
pub use worker::Outcome;

use crate::ServiceChannel;
use crate::config::{Change, Drain, Environment, Register};
use crate::stack::{Place, Protected, ServerSettings};
use readiness::Check;
use worker::Worker;

/// The process that serves: services on every wire, an admin port, background workers, and a
/// shutdown that always ends.
///
/// It runs on the tokio runtime that it is started on. What it runs with comes from code, a file
/// and the environment: see [`config`](crate::config).
///
/// ```no_run
/// # async fn doc() -> Result<(), kitfox::HostError> {
/// use kitfox::Host;
///
/// Host::new("strings")
///     // .serve(StringsServer::new(Impl))
///     .listen("0.0.0.0:8080")
///     .run()
///     .await
/// # }
/// ```
#[must_use = "a host does nothing until it is run"]
pub struct Host {
    name: String,
    version: Option<String>,
    services: Services,
    mount: Option<Mount>,
    clients: Vec<ServiceChannel>,
    guards: Vec<GuardHandle>,
    workers: Vec<Worker>,
    checks: Vec<Check>,
    registrars: Vec<Arc<dyn Registrar>>,
    platform: Option<Platform>,
    code: Vec<Change>,
    file: Option<PathBuf>,
    environment: Option<Environment>,
    acceptor: Acceptor,
    record: Observed,
    sink: Option<Sink>,
    handle: Handle,
}

/// Who records the calls.
enum Observed {
    /// A telemetry of the host's own making, with these metrics.
    ByItsOwn(Option<Metrics>),
    By(Telemetry),
    ByNobody,
}

/// Adds what somebody else answers to the wires.
struct Mount(Box<dyn FnOnce(Wired) -> Wired + Send>);

/// The methods of a port in the making.
type Wired = Builder<ServerStack<Protected>>;

impl Host {
    /// A host called `name`, as logs and `/info` show it.
    pub fn new(name: impl Into<String>) -> Self {
        Host {
            name: name.into(),
            version: None,
            services: Services::new(),
            mount: None,
            clients: Vec::new(),
            guards: Vec::new(),
            workers: Vec::new(),
            checks: Vec::new(),
            registrars: Vec::new(),
            platform: None,
            code: Vec::new(),
            file: None,
            environment: None,
            acceptor: Acceptor::Plain,
            record: Observed::ByItsOwn(None),
            sink: None,
            handle: Handle::new(),
        }
    }

    /// What `/info` gives as the version; usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds a service.
    pub fn serve(mut self, service: impl Service) -> Self {
        self.services = self.services.serve(service);
        self
    }

    /// Adds a layer around every method, those of [`health`](crate::health) and
    /// [`reflection`](crate::reflection) among them: see [`Services::layer`].
    pub fn layer(mut self, layer: impl Layer<BoxEndpoint> + Send + Sync + 'static) -> Self {
        self.services = self.services.layer(layer);
        self
    }

    /// The same at another place: [`Place::Authentication`] for a layer that finds out who calls.
    /// Health and reflection are behind it as well; a layer that is to let their calls pass learns in
    /// [`Layer::layer`] whose endpoint it wraps. An application that is [mounted](Host::mount) is not.
    pub fn layer_at<L>(mut self, place: Place, layer: L) -> Self
    where
        L: Layer<BoxEndpoint> + Send + Sync + 'static,
    {
        self.services = self.services.layer_at(place, layer);
        self
    }

    /// Gives what is neither a method nor a route of the services to `application`: a tower service
    /// such as an `axum::Router`, with pages, webhooks, uploads. The last one counts.
    pub fn mount<S, B>(mut self, application: S) -> Self
    where
        S: tower_service::Service<
                Request<WireBody>,
                Response = Response<B>,
                Error: Into<Box<dyn Error + Send + Sync>>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.mount = Some(Mount(Box::new(move |wires| wires.fallback(application))));
        self
    }

    /// Shows what a client's layers are set to on the admin port's `/stack`, and lets the file, the
    /// environment and the admin port set them by the keys `clients.<name>.*`. What is said of it
    /// and cannot be is told when the host starts. Where the client uses a subset of the replicas, that
    /// is the same whenever a host starts at this address.
    pub fn client(mut self, client: &ServiceChannel) -> Self {
        self.clients.push(client.clone());
        self
    }

    /// The same for a guard ([`Guard::handle`](kitfox_resilience::Guard::handle)), by the keys
    /// `guards.<name>.*`.
    pub fn guard(mut self, guard: &GuardHandle) -> Self {
        self.guards.push(guard.clone());
        self
    }

    /// Adds a background worker.
    ///
    /// `start` gets a context and runs until it is done, or until `cx.done()` at drain, after the
    /// last call. A worker that fails (an `Err`) or panics is logged and started again, after
    /// 100 ms at first and 30 s at most; one that returns otherwise is done.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let host = kitfox::Host::new("strings").worker("sweeper", async |cx: kitfox::Context| {
    ///     while !cx.is_cancelled() {
    ///         // sweep, then wait for the next time or the end
    ///         let _ = tokio::time::timeout(Duration::from_secs(60), cx.done()).await;
    ///     }
    /// });
    /// # let _ = host;
    /// ```
    pub fn worker<F, Fut>(mut self, name: impl Into<String>, start: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        self.workers.push(Worker::new(name.into(), start));
        self
    }

    /// Adds something that must hold for the host to be ready. `/readyz` asks it each time, for at
    /// most 900 ms, and names it when it fails.
    pub fn check<F, Fut>(mut self, name: impl Into<String>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        self.checks.push(Check::new(name.into(), check));
        self
    }

    /// Registers the host under its name in a registry, as soon as it serves and its checks hold, and
    /// again whenever the registry forgets it. At shutdown it leaves the registry first of all, and
    /// takes calls for a second more (`drain.propagation`), until those who watch have noticed.
    ///
    /// A registry that is away keeps no host from serving: the admin port's `/` and `/readyz` say since
    /// when it is not registered and why, and `kitfox.registered` is 0. One that can never take the
    /// host, such as a directory one called `my shop`, keeps it from starting.
    ///
    /// It is found where it listens; where that is every address (`0.0.0.0`), the key
    /// `register.address` must say how others reach it.
    ///
    /// ```
    /// use kitfox::Host;
    /// use kitfox::discovery::Directory;
    ///
    /// let host = Host::new("strings").register(Directory::new("/run/kitfox"));
    /// # let _ = host;
    /// ```
    pub fn register(mut self, registrar: impl Registrar) -> Self {
        self.registrars.push(Arc::new(registrar));
        self
    }

    /// How it is registered: address, zone, weight, priority, metadata; the keys `register.*`.
    pub fn register_as(mut self, register: Register) -> Self {
        self.code.push(Change::Register(register));
        self
    }

    /// Sets any key of the [configuration](crate::config) in code, as the file would: `log.filter`,
    /// `traces.sample`.
    ///
    /// ```
    /// let host = kitfox::Host::new("strings").set("log.filter", "warn").set("log.slow", "200ms");
    /// # let _ = host;
    /// ```
    ///
    /// Keys of the layers around methods begin with `server`, and those of clients with `clients` and
    /// their names: `server.rate_limit.rate`.
    pub fn set(self, key: impl Into<String>, value: impl Display) -> Self {
        self.text(key, &value)
    }

    /// Sets a key of what protects one method besides: see [`Services::set_for`].
    pub fn set_for(
        mut self,
        method: impl Into<String>,
        key: impl Into<String>,
        value: impl Display,
    ) -> Self {
        self.services = self.services.set_for(method, key, value);
        self
    }

    /// Keeps the answers of calls with an idempotency key in `store`: see
    /// [`Services::idempotency_store`].
    pub fn idempotency_store(mut self, store: impl IdempotencyStore) -> Self {
        self.services = self.services.idempotency_store(store);
        self
    }

    /// What protects all methods together: see [`Services::protect`]; the keys `server.*`.
    pub fn protect(mut self, settings: ServerSettings) -> Self {
        self.services = self.services.protect(settings);
        self
    }

    /// Where the services listen, `127.0.0.1:8080` by default; the key `listen`.
    pub fn listen(self, address: impl Display) -> Self {
        self.text("listen", &address)
    }

    /// Where the admin port listens, `127.0.0.1:9090` by default; the key `admin`.
    pub fn admin(self, address: impl Display) -> Self {
        self.text("admin", &address)
    }

    /// Whether the host writes to standard output and standard error, as it does by default: the bound
    /// addresses and the log to the one; to the other environment variables that look like typing
    /// errors, and what a shutdown waits for. The key `announce`.
    pub fn announce(self, announce: bool) -> Self {
        self.text("announce", &announce)
    }

    /// Whether tools may ask the services' port what it offers, as they may by default: see
    /// [`reflection`](crate::reflection). The key `reflection`.
    pub fn reflection(self, reflection: bool) -> Self {
        self.text("reflection", &reflection)
    }

    /// How long each phase of the shutdown may take; the keys `drain.*`.
    pub fn drain(mut self, drain: Drain) -> Self {
        self.code.push(Change::Drain(drain));
        self
    }

    /// Serves over TLS, HTTP/1.1 and HTTP/2 as both ends agree (ALPN). The admin port stays as it
    /// is: it is this machine's own.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, identity: kitfox_transport::tls::Identity) -> Self {
        self.acceptor = Acceptor::Tls(identity);
        self
    }

    /// Lets pages of other origins call the services from a browser; the keys `cors.*`. An
    /// application that is mounted says for itself who may.
    ///
    /// ```
    /// use kitfox::{Cors, Host};
    ///
    /// let host = Host::new("strings").cors(Cors::origins(["https://app.example"]));
    /// # let _ = host;
    /// ```
    pub fn cors(mut self, cors: Cors) -> Self {
        self.code.push(Change::Cors(cors));
        self
    }

    /// What protects the two ports; the keys `limits.*`.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.code.push(Change::Limits(limits));
        self
    }

    /// The TOML file with the configuration. `KITFOX_CONFIG` names another.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// The environment, instead of that of this process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Gathers the host's metrics where yours are, so that `/metrics` shows both.
    ///
    /// ```
    /// # fn main() -> Result<(), kitfox::telemetry::metrics::MetricError> {
    /// let metrics = kitfox::Metrics::new();
    /// let orders = metrics.counter::<()>("shop.orders", "Orders that were placed.")?.with(&());
    /// // orders goes into the service, which calls orders.increment()
    /// let host = kitfox::Host::new("shop").metrics(metrics);
    /// # let _ = (host, orders);
    /// # Ok(())
    /// # }
    /// ```
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.record = Observed::ByItsOwn(Some(metrics));
        self
    }

    /// Records calls by this telemetry, instead of one that the host makes of its configuration.
    pub fn telemetry(mut self, telemetry: Telemetry) -> Self {
        self.record = Observed::By(telemetry);
        self
    }

    /// Writes the log there, instead of to standard output; whether it is announced or not.
    pub fn log_to(mut self, sink: impl AsyncWrite + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Leaves no record of any call: no metrics, no lines, no spans.
    pub fn unrecorded(mut self) -> Self {
        self.record = Observed::ByNobody;
        self
    }

    /// What the host stands on, instead of [`Platform::system`]. Its background tasks end with the
    /// host, so that each host needs its own ([`Platform::apart`]).
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Ends the host from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    fn text(mut self, key: impl Into<String>, value: &dyn Display) -> Self {
        self.code.push(Change::Text { key: key.into(), text: value.to_string() });
        self
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Host { name, services, .. } = self;
        f.debug_struct("Host")
            .field("name", name)
            .field("services", services)
            .finish_non_exhaustive()
    }
}
