//! Puts the methods of a port together.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use kitfox_core::{Endpoint, Method, Platform};
use tower_service::Service;

use super::body::{BoxError, WireBody};
use super::call::Surroundings;
use super::cors::Cors;
use super::fallback::{Fallback, Mounted};
use super::methods::Methods;
use super::routes::Routes;
use super::{Inner, RouteError, Wires};
use crate::Limits;

/// Puts [`Wires`] together.
#[must_use]
pub struct Builder<E: Endpoint> {
    platform: Platform,
    limits: Limits,
    methods: Vec<(&'static Method, E)>,
    fallback: Option<Box<dyn Fallback>>,
    cors: Cors,
}

impl<E: Endpoint> Builder<E> {
    pub(super) fn new(platform: Platform) -> Self {
        Builder {
            platform,
            limits: Limits::default(),
            methods: Vec::new(),
            fallback: None,
            cors: Cors::default(),
        }
    }

    /// With other limits of bodies and times; the default is [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves `method` by `endpoint`, on its path and its routes.
    pub fn method(mut self, method: &'static Method, endpoint: E) -> Self {
        self.methods.push((method, endpoint));
        self
    }

    /// Gives what is neither a method nor a route to a tower service: an `axum::Router`, say. It
    /// sees neither unknown methods of services that are here nor routes with a wrong HTTP method,
    /// and the limits of bodies are its own.
    pub fn fallback<S, B>(mut self, service: S) -> Self
    where
        S: Service<
                Request<WireBody>,
                Response = Response<B>,
                Error: Into<BoxError>,
                Future: Send + 'static,
            > + Clone
            + Send
            + Sync
            + 'static,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.fallback = Some(Box::new(Mounted(service)));
        self
    }

    /// Lets pages of other origins call from a browser. What the fallback answers is its own
    /// business.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }

    /// The wires.
    ///
    /// # Errors
    /// When two methods want the same path or route, or a path, a route or an origin cannot be.
    pub fn build(self) -> Result<Wires<E>, RouteError> {
        self.cors.check()?;
        let mut methods = Methods::new();
        let mut routes = Routes::default();
        for (method, endpoint) in self.methods {
            let index = methods.add(method, endpoint)?;
            for route in method.routes {
                routes.add(index, method, route)?;
            }
        }
        // Methods come before routes, so such a route would never be found.
        let hidden = routes.all().iter().find(|(route, _)| methods.find(route.template).is_some());
        if let Some((route, method)) = hidden {
            return Err(RouteError::route_is_method(method, *route));
        }
        Ok(Wires(Arc::new(Inner {
            methods,
            routes,
            surroundings: Surroundings { limits: self.limits, platform: self.platform },
            fallback: self.fallback,
            cors: (!self.cors.is_off()).then(|| Arc::new(self.cors)),
        })))
    }
}

impl<E: Endpoint> fmt::Debug for Builder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("methods", &self.methods.len()).finish_non_exhaustive()
    }
}
