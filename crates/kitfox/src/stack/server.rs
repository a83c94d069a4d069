//! The server's stack: what protects a service from its callers.
//!
//! ```text
//! scope > record > panic barrier > deadline              (core, always)
//!   > rate limit > rate limit by principal               (all methods together)
//!   > rate limit > rate limit by principal               (of the method alone)
//!   > your layers > decode > the method
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kitfox_core::{BoxEndpoint, Contract, Endpoint, Error, Layer, Method, Reply, Request};
use kitfox_resilience::{
    Live, Mode, RateLimit, RateLimitEndpoint, RateLimitKey, RateLimitSettings,
};

use super::control::Resolved;
use super::{Change, ChangeError, Control, LayerSettings, Source, StackSettings};
use crate::config::Origin;

/// What the layers of a server's stack are set to.
///
/// Given to a host they hold for all its methods *together*: one limit, one number of places. A method
/// can have limits of its own besides ([`Host::set_for`](crate::Host::set_for)); they hold in addition,
/// and are off until somebody sets them.
///
/// ```
/// use kitfox::resilience::{Mode, RateLimitSettings};
/// use kitfox::stack::ServerSettings;
///
/// let mut settings = ServerSettings::default();
/// settings.rate_limit = RateLimitSettings { mode: Mode::On, rate: 500.0, ..settings.rate_limit };
/// let host = kitfox::Host::new("strings")
///     .protect(settings)
///     .set("server.principal_rate_limit.mode", "dark");
/// # let _ = host;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Calls in a time, before it is known who calls: by IP address unless you say otherwise. Off by
    /// default.
    pub rate_limit: RateLimitSettings,
    /// The same once it is known: by principal unless you say otherwise. Off by default.
    pub principal_rate_limit: RateLimitSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let by = |key| RateLimitSettings { key, ..RateLimitSettings::default() };
        ServerSettings {
            rate_limit: by(RateLimitKey::Peer),
            principal_rate_limit: by(RateLimitKey::Principal),
        }
    }
}

impl ServerSettings {
    /// Whether nothing is decided for any call.
    fn is_quiet(&self) -> bool {
        let ServerSettings { rate_limit, principal_rate_limit } = self;
        [rate_limit.mode, principal_rate_limit.mode].iter().all(|mode| *mode == Mode::Off)
    }
}

impl StackSettings for ServerSettings {
    fn layers(&mut self) -> Vec<(&'static str, &mut dyn LayerSettings)> {
        vec![
            ("rate_limit", &mut self.rate_limit),
            ("principal_rate_limit", &mut self.principal_rate_limit),
        ]
    }

    fn of_method(&self) -> Self {
        ServerSettings::default()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn check_own(&self, _: &Method, _: &Self) -> Result<(), String> {
        Ok(())
    }
}

/// One of each layer, for all methods or for one.
#[derive(Clone)]
struct Layers {
    rate_limit: (Live<RateLimitSettings>, RateLimit),
    principal_rate_limit: (Live<RateLimitSettings>, RateLimit),
}

impl Layers {
    fn new(settings: &ServerSettings) -> Self {
        let limit = |settings: &RateLimitSettings| {
            let live = Live::new(settings.clone());
            (live.clone(), RateLimit::new(live))
        };
        Layers {
            rate_limit: limit(&settings.rate_limit),
            principal_rate_limit: limit(&settings.principal_rate_limit),
        }
    }

    fn replace(&self, settings: &ServerSettings) {
        let ServerSettings { rate_limit, principal_rate_limit } = settings.clone();
        self.rate_limit.0.replace(rate_limit);
        self.principal_rate_limit.0.replace(principal_rate_limit);
    }

    fn describe(&self, place: &str) -> String {
        match place {
            "rate_limit" => self.rate_limit.1.describe(),
            "principal_rate_limit" => self.principal_rate_limit.1.describe(),
            _ => String::new(),
        }
    }

    fn around<E: Endpoint>(&self, method: &'static Method, inner: E) -> Around<E> {
        let inner = self.principal_rate_limit.1.layer(method, inner);
        Around(self.rate_limit.1.layer(method, inner))
    }
}

/// An endpoint within one of each layer.
struct Around<E>(RateLimitEndpoint<RateLimitEndpoint<E>>);

impl<E: Endpoint> Endpoint for Around<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.0.call(request)
    }
}

/// The protection of a host: its layers, and what they are set to.
#[derive(Clone)]
pub(crate) struct Protection {
    pub(crate) control: Arc<Control<ServerSettings>>,
    all: Layers,
    methods: Arc<[Own]>,
}

/// What one method has of its own.
struct Own {
    method: &'static Method,
    layers: Layers,
    /// Whether no layer decides anything for its calls, neither its own nor that of all.
    quiet: AtomicBool,
}

impl Protection {
    /// For the methods of `contracts`, with settings of code for all and for some.
    pub(crate) fn new(
        contracts: &[&'static Contract],
        code: ServerSettings,
        own: Vec<Change>,
    ) -> Result<Self, ChangeError> {
        let all = Layers::new(&code);
        let methods = contracts.iter().flat_map(|contract| contract.methods);
        let methods: Arc<[Own]> = methods
            .map(|method| {
                let (layers, quiet) =
                    (Layers::new(&ServerSettings::default()), AtomicBool::new(true));
                Own { method, layers, quiet }
            })
            .collect();
        let apply = {
            let (all, methods) = (all.clone(), Arc::clone(&methods));
            move |resolved: &Resolved<ServerSettings>| replace(&all, &methods, resolved)
        };
        let describe = {
            let (all, methods) = (all.clone(), Arc::clone(&methods));
            move |place: &str, method: Option<usize>| {
                method.map_or(&all, |index| &methods[index].layers).describe(place)
            }
        };
        let names = methods.iter().map(|own| own.method).collect();
        let control = Control::new(names, code, Box::new(apply), Box::new(describe));
        let source = |change| Source { change, origin: Origin::Code };
        control.begin(own.into_iter().map(source).collect())?;
        Ok(Protection { control: Arc::new(control), all, methods })
    }

    /// The protected endpoint of `method`; as it is, where the method is none of the protected.
    pub(crate) fn protect(&self, method: &'static Method, direct: BoxEndpoint) -> Protected {
        let index = self.methods.iter().position(|own| std::ptr::eq(own.method, method));
        let layered = index.map(|index| {
            let own = self.methods[index].layers.around(method, direct.clone());
            let layered = BoxEndpoint::new(self.all.around(method, own));
            Layered { methods: Arc::clone(&self.methods), index, layered }
        });
        Protected { direct, layered }
    }
}

fn replace(all: &Layers, methods: &[Own], resolved: &Resolved<ServerSettings>) {
    all.replace(&resolved.base);
    let quiet = resolved.base.is_quiet();
    for (own, settings) in methods.iter().zip(&resolved.methods) {
        own.layers.replace(settings);
        own.quiet.store(quiet && settings.is_quiet(), Ordering::Relaxed);
    }
}

/// A method within its protection. Where nothing is decided, it costs a look.
#[derive(Debug)]
pub struct Protected {
    direct: BoxEndpoint,
    layered: Option<Layered>,
}

struct Layered {
    methods: Arc<[Own]>,
    index: usize,
    layered: BoxEndpoint,
}

impl Endpoint for Protected {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        match &self.layered {
            Some(Layered { methods, index, layered })
                if !methods[*index].quiet.load(Ordering::Relaxed) =>
            {
                layered.call_boxed(request)
            }
            _ => self.direct.call_boxed(request),
        }
    }
}

impl fmt::Debug for Layered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.methods[self.index].method.path;
        f.debug_struct("Layered").field("method", &path).finish_non_exhaustive()
    }
}
