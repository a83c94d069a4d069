//! Services and the layers around them, ready for a host or for somebody else's application.

use std::fmt::{self, Display};
use std::sync::Arc;

use kitfox_core::layers::ServerStack;
use kitfox_core::{
    BoxEndpoint, Contract, Endpoint, Error, Layer, LayerName, Method, Platform, Reply, Request,
    Service,
};
use kitfox_resilience::IdempotencyStore;
use kitfox_transport::Limits;
use kitfox_transport::wires::{Builder, RouteError, Wires};

use super::layer_name::short;
use crate::stack::{Change, ChangeError, Place, Protected, Protection, ServerSettings};

/// Services, and your layers around each of their methods.
///
/// A [`Host`](crate::Host) has them inside. On their own they mount in an application that you
/// already have: [`Services::wires`] gives a `tower` service that answers REST, Connect and gRPC.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kitfox::transport::Limits;
/// use kitfox::{Platform, Services};
///
/// let services = Services::new(); // .serve(StringsServer::new(Impl))
/// let wires = services.wires(&Platform::system(), &Limits::default())?;
/// let app: axum::Router = axum::Router::new()
///     .route("/about", axum::routing::get(|| async { "all about strings" }))
///     .fallback_service(wires);
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct Services {
    services: Vec<Box<dyn Service>>,
    layers: Vec<Wrap>,
    settings: ServerSettings,
    own: Vec<Change>,
    store: Option<Arc<dyn IdempotencyStore>>,
}

/// A layer with its type hidden.
struct Wrap {
    place: Place,
    name: String,
    wrap: Box<dyn Fn(&'static Method, BoxEndpoint) -> BoxEndpoint + Send + Sync>,
}

/// An endpoint within a user's layer, whose calls say that they are in it.
struct Named<E> {
    name: LayerName,
    endpoint: E,
}

impl<E: Endpoint> Endpoint for Named<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        request.context.enter_layer(self.name);
        self.endpoint.call(request)
    }
}

impl Services {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Services::default()
    }

    /// Adds a service.
    #[must_use]
    pub fn serve(mut self, service: impl Service) -> Self {
        self.services.push(Box::new(service));
        self
    }

    /// Adds a layer around every method of every service, inside of what Kitfox puts there itself
    /// and before a call is decoded. The layer added first sees a call first.
    #[must_use]
    pub fn layer(self, layer: impl Layer<BoxEndpoint> + Send + Sync + 'static) -> Self {
        self.layer_at(Place::Method, layer)
    }

    /// The same at another place. A layer that authenticates belongs to [`Place::Authentication`],
    /// before what asks who calls.
    #[must_use]
    pub fn layer_at<L>(mut self, place: Place, layer: L) -> Self
    where
        L: Layer<BoxEndpoint> + Send + Sync + 'static,
    {
        let name = short(std::any::type_name::<L>());
        let entered = LayerName::of(&name);
        let wrap = move |method: &'static Method, inner| {
            BoxEndpoint::new(Named { name: entered, endpoint: layer.layer(method, inner) })
        };
        self.layers.push(Wrap { place, name, wrap: Box::new(wrap) });
        self
    }

    /// What protects all methods together: rate limits, places, idempotency. Nothing is limited by
    /// default.
    #[must_use]
    pub fn protect(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets a key of what protects one method besides, by its path: its own rate, its own places.
    ///
    /// ```
    /// let services = kitfox::Services::new()
    ///     // .serve(StringsServer::new(Impl))
    ///     .set_for("strings.v1.Strings/Uppercase", "rate_limit.mode", "on")
    ///     .set_for("strings.v1.Strings/Uppercase", "rate_limit.rate", 50);
    /// # let _ = services;
    /// ```
    #[must_use]
    pub fn set_for(
        mut self,
        method: impl Into<String>,
        key: impl Into<String>,
        value: impl Display,
    ) -> Self {
        self.own.push(Change::new(key, value).of_method(method));
        self
    }

    /// Keeps the answers of calls with an idempotency key in `store`, which replicas can share; by
    /// default they are in this process's memory.
    #[must_use]
    pub fn idempotency_store(mut self, store: impl IdempotencyStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// The services on every wire: a `tower` service over HTTP requests.
    ///
    /// Whoever mounts it runs the connections: what [`Limits`] say of those is theirs to enforce.
    ///
    /// # Errors
    /// When two methods want the same route, or what shall protect them makes no sense.
    pub fn wires(
        &self,
        platform: &Platform,
        limits: &Limits,
    ) -> Result<Wires<ServerStack<Protected>>, ServicesError> {
        let protection = self.protection()?;
        Ok(self.builder(platform, limits, &protection).build()?)
    }

    /// The layers that protect the services that are here by now.
    pub(super) fn protection(&self) -> Result<Protection, ChangeError> {
        let (settings, own) = (self.settings.clone(), self.own.clone());
        Protection::new(&self.contracts(), settings, own, self.store.clone())
    }

    pub(super) fn builder(
        &self,
        platform: &Platform,
        limits: &Limits,
        protection: &Protection,
    ) -> Builder<ServerStack<Protected>> {
        let mut builder = Wires::builder(platform.clone()).limits(limits.clone());
        for service in &self.services {
            for (method, endpoint) in service.contract().methods.iter().zip(service.endpoints()) {
                let endpoint = self.layered(Place::Method, method, endpoint);
                let authenticate = self
                    .has(Place::Authentication)
                    .then_some(|inner| self.layered(Place::Authentication, method, inner));
                let endpoint = protection.protect(method, endpoint, authenticate);
                builder = builder.method(method, ServerStack::new(method, endpoint));
            }
        }
        builder
    }

    pub(super) fn contracts(&self) -> Vec<&'static Contract> {
        self.services.iter().map(|service| service.contract()).collect()
    }

    /// The names of the user's layers at a place, from outside in.
    pub(super) fn layer_names(&self, place: Place) -> Vec<String> {
        self.layers_at(place).map(|layer| layer.name.clone()).collect()
    }

    fn layers_at(&self, place: Place) -> impl DoubleEndedIterator<Item = &Wrap> {
        self.layers.iter().filter(move |layer| layer.place == place)
    }

    fn has(&self, place: Place) -> bool {
        self.layers_at(place).next().is_some()
    }

    fn layered(&self, place: Place, method: &'static Method, endpoint: BoxEndpoint) -> BoxEndpoint {
        self.layers_at(place).rev().fold(endpoint, |inner, layer| (layer.wrap)(method, inner))
    }
}

/// Services cannot be served together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServicesError {
    /// Two methods want the same route, or a route is none.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// What shall protect them makes no sense.
    #[error("what protects the services: {0}")]
    Settings(#[from] ChangeError),
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.contracts().into_iter().map(|contract| contract.name);
        f.debug_list().entries(names).finish()
    }
}
