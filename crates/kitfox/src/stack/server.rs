//! The server's stack: what protects a service from its callers.
//!
//! ```text
//! scope > record > panic barrier > deadline              (core, always)
//!   > rate limit                                         (all methods together, the method alone)
//!   > your layers at Place::Authentication
//!   > rate limit by principal > concurrency and shedding (all methods together)
//!   > rate limit by principal > concurrency and shedding (of the method alone)
//!   > idempotency
//!   > your layers at Place::Method > decode > the method
//! ```
//!
//! Where nobody authenticates, all of Kitfox's own is one endpoint, and where nothing is decided a call
//! passes it by. Where somebody does, there is one such endpoint before and one after.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use kitfox_core::meter::Owner;
use kitfox_core::setting::Layers;
use kitfox_core::{BoxEndpoint, Contract, Endpoint, Error, Layer, Method, Reply, Request};
use kitfox_resilience::{
    Concurrency, ConcurrencyEndpoint, ConcurrencySettings, Group, Idempotency, IdempotencySettings,
    IdempotencyStore, Live, Mode, RateLimit, RateLimitEndpoint, RateLimitKey, RateLimitSettings,
    SheddingSettings,
};

use super::control::Resolved;
use super::{Change, ChangeError, Control, Source, StackSettings};
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
    /// The same once a layer at [`Place::Authentication`](super::Place::Authentication) has found out:
    /// by principal unless you say otherwise. Off by default.
    pub principal_rate_limit: RateLimitSettings,
    /// Calls at the same time. Off by default.
    pub concurrency: ConcurrencySettings,
    /// Which calls are given up when others wait too long for their place: those of little worth.
    pub shedding: SheddingSettings,
    /// Whether a repeated call gets the answer of the first. On by default, for calls that carry a
    /// key; one for all methods.
    pub idempotency: IdempotencySettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        let by = |key| RateLimitSettings { key, ..RateLimitSettings::default() };
        ServerSettings {
            rate_limit: by(RateLimitKey::Peer),
            principal_rate_limit: by(RateLimitKey::Principal),
            concurrency: ConcurrencySettings::default(),
            shedding: SheddingSettings::default(),
            idempotency: IdempotencySettings::default(),
        }
    }
}

impl ServerSettings {
    /// Whether nothing is decided for calls without an idempotency key.
    fn is_quiet(&self) -> bool {
        let ServerSettings { rate_limit, principal_rate_limit, concurrency, .. } = self;
        let modes = [rate_limit.mode, principal_rate_limit.mode, concurrency.mode];
        modes.iter().all(|mode| *mode == Mode::Off)
    }
}

/// The layer of the list below behind which the user's layers at [`Place::Authentication`] stand.
///
/// [`Place::Authentication`]: super::Place::Authentication
pub(crate) const BEFORE_AUTHENTICATION: &str = "rate_limit";

impl StackSettings for ServerSettings {
    fn layers(&mut self) -> Layers<'_> {
        vec![
            (BEFORE_AUTHENTICATION, &mut self.rate_limit),
            ("principal_rate_limit", &mut self.principal_rate_limit),
            ("concurrency", &mut self.concurrency),
            ("shedding", &mut self.shedding),
            ("idempotency", &mut self.idempotency),
        ]
    }

    fn own_layers(&mut self) -> Layers<'_> {
        let mut layers = self.layers();
        layers.retain(|(place, _)| *place != "idempotency");
        layers
    }

    fn of_method(&self) -> Self {
        ServerSettings::default()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn check_own(&self, _: &Method, _: &[&Change]) -> Result<(), String> {
        Ok(())
    }
}

/// One of each limit, for all methods or for one.
#[derive(Clone)]
struct Limits {
    rate_limit: (Live<RateLimitSettings>, RateLimit),
    principal_rate_limit: (Live<RateLimitSettings>, RateLimit),
    concurrency: (Live<ConcurrencySettings>, Concurrency),
    shedding: Live<SheddingSettings>,
}

impl Limits {
    fn new(group: &Group, settings: &ServerSettings, owner: &Owner) -> Self {
        let limit = |settings: &RateLimitSettings, place| {
            let live = group.live(settings.clone());
            (live.clone(), RateLimit::new(live).of(&owner.layer(place)))
        };
        let concurrency = group.live(settings.concurrency.clone());
        let shedding = group.live(settings.shedding.clone());
        let gate = Concurrency::new(concurrency.clone(), shedding.clone()).of(owner);
        Limits {
            rate_limit: limit(&settings.rate_limit, "rate_limit"),
            principal_rate_limit: limit(&settings.principal_rate_limit, "principal_rate_limit"),
            concurrency: (concurrency, gate),
            shedding,
        }
    }

    fn prepare(&self, settings: &ServerSettings) {
        self.rate_limit.0.prepare(settings.rate_limit.clone());
        self.principal_rate_limit.0.prepare(settings.principal_rate_limit.clone());
        self.concurrency.0.prepare(settings.concurrency.clone());
        self.shedding.prepare(settings.shedding.clone());
    }

    fn describe(&self, place: &str) -> String {
        match place {
            "rate_limit" => self.rate_limit.1.describe(),
            "principal_rate_limit" => self.principal_rate_limit.1.describe(),
            "concurrency" => self.concurrency.1.describe(),
            _ => self.concurrency.1.describe_shedding(),
        }
    }

    /// Within what holds before it is known who calls.
    fn before<E: Endpoint>(&self, method: &'static Method, inner: E) -> RateLimitEndpoint<E> {
        self.rate_limit.1.layer(method, inner)
    }

    /// Within what holds once it is known.
    fn after<E: Endpoint>(
        &self,
        method: &'static Method,
        inner: E,
    ) -> RateLimitEndpoint<ConcurrencyEndpoint<E>> {
        self.principal_rate_limit.1.layer(method, self.concurrency.1.layer(method, inner))
    }
}

/// What all methods share.
#[derive(Clone)]
struct Shared {
    group: Group,
    limits: Limits,
    idempotency: (Live<IdempotencySettings>, Idempotency),
}

impl Shared {
    fn new(
        settings: &ServerSettings,
        store: Option<Arc<dyn IdempotencyStore>>,
        owner: &Owner,
    ) -> Self {
        let group = Group::default();
        let live = group.live(settings.idempotency.clone());
        let idempotency = match store {
            Some(store) => Idempotency::with_store(live.clone(), store),
            None => Idempotency::new(live.clone()),
        };
        let limits = Limits::new(&group, settings, owner);
        Shared { group, limits, idempotency: (live, idempotency.of(owner)) }
    }

    fn describe(&self, place: &str) -> String {
        match place {
            "idempotency" => self.idempotency.1.describe(),
            _ => self.limits.describe(place),
        }
    }
}

/// The protection of a host: its layers, and what they are set to.
#[derive(Clone)]
pub(crate) struct Protection {
    pub(crate) control: Arc<Control<ServerSettings>>,
    shared: Shared,
    methods: Arc<[Own]>,
}

/// What one method has of its own.
struct Own {
    method: &'static Method,
    limits: Limits,
    /// Which layers decide something about its calls.
    deciding: AtomicU8,
}

/// No layer decides anything about the calls of a method.
const NOBODY: u8 = 0;
/// The layers that all methods share do.
const SHARED: u8 = 1;
/// Its own do as well.
const OWN: u8 = 2;

impl Protection {
    /// For the methods of `contracts`, with settings of code for all and for some.
    pub(crate) fn new(
        contracts: &[&'static Contract],
        code: ServerSettings,
        own: Vec<Change>,
        store: Option<Arc<dyn IdempotencyStore>>,
    ) -> Result<Self, ChangeError> {
        let owner = Owner::stack("server");
        let shared = Shared::new(&code, store, &owner);
        let methods = contracts.iter().flat_map(|contract| contract.methods);
        let methods: Arc<[Own]> = methods
            .map(|method| {
                let settings = ServerSettings::default();
                let limits = Limits::new(&shared.group, &settings, &owner.method(method));
                Own { method, limits, deciding: AtomicU8::new(NOBODY) }
            })
            .collect();
        let apply = {
            let (shared, methods) = (shared.clone(), Arc::clone(&methods));
            move |resolved: &Resolved<ServerSettings>| replace(&shared, &methods, resolved)
        };
        let describe = {
            let (shared, methods) = (shared.clone(), Arc::clone(&methods));
            move |place: &str, method: Option<usize>| match method {
                Some(index) => methods[index].limits.describe(place),
                None => shared.describe(place),
            }
        };
        let names = methods.iter().map(|own| own.method).collect();
        let control = Control::new(names, code, Box::new(apply), Box::new(describe));
        let source = |change| Source { change, origin: Origin::Code };
        control.begin(own.into_iter().map(source).collect())?;
        Ok(Protection { control: Arc::new(control), shared, methods })
    }

    /// The protected endpoint of `method`, with the user's layers that authenticate, if there are any.
    /// Only those are around a method that is none of the protected.
    pub(crate) fn protect(
        &self,
        method: &'static Method,
        direct: BoxEndpoint,
        authenticate: Option<impl FnOnce(BoxEndpoint) -> BoxEndpoint>,
    ) -> Protected {
        let Some(index) = self.methods.iter().position(|own| std::ptr::eq(own.method, method))
        else {
            let direct = match authenticate {
                Some(authenticate) => authenticate(direct),
                None => direct,
            };
            return Protected { direct, layered: None };
        };
        let all = &self.shared.limits;
        let one = &self.methods[index].limits;
        let inner = || self.shared.idempotency.1.layer(method, direct.clone());
        let shared = all.after(method, inner());
        let own = all.after(method, one.after(method, inner()));
        let Some(authenticate) = authenticate else {
            let shared = all.before(method, shared);
            let own = all.before(method, one.before(method, own));
            return self.choice(index, direct, shared, own);
        };
        // Made once, whatever its calls go through, since it may have a state.
        let known = authenticate(BoxEndpoint::new(self.choice(index, direct, shared, own)));
        let shared = all.before(method, known.clone());
        let own = all.before(method, one.before(method, known.clone()));
        self.choice(index, known, shared, own)
    }

    /// One of three, as the layers decide something about the calls of a method.
    fn choice(
        &self,
        index: usize,
        direct: BoxEndpoint,
        shared: impl Endpoint,
        own: impl Endpoint,
    ) -> Protected {
        let (shared, own) = (BoxEndpoint::new(shared), BoxEndpoint::new(own));
        let methods = Arc::clone(&self.methods);
        Protected { direct, layered: Some(Layered { methods, index, shared, own }) }
    }
}

fn replace(shared: &Shared, methods: &[Own], resolved: &Resolved<ServerSettings>) {
    let all = if resolved.base.is_quiet() { NOBODY } else { SHARED };
    let methods = || methods.iter().zip(&resolved.methods);
    let deciding = |settings: &ServerSettings| if settings.is_quiet() { all } else { OWN };
    // A layer that is off decides nothing: whoever decides before or after is asked meanwhile.
    for (own, settings) in methods() {
        own.deciding.fetch_max(deciding(settings), Ordering::Relaxed);
    }
    shared.group.replace(|| {
        shared.limits.prepare(&resolved.base);
        shared.idempotency.0.prepare(resolved.base.idempotency.clone());
        methods().for_each(|(own, settings)| own.limits.prepare(settings));
    });
    for (own, settings) in methods() {
        own.deciding.store(deciding(settings), Ordering::Relaxed);
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
    /// Within the layers that all methods share.
    shared: BoxEndpoint,
    /// Within its own as well.
    own: BoxEndpoint,
}

impl Endpoint for Protected {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let Some(Layered { methods, index, shared, own }) = &self.layered else {
            return self.direct.call_boxed(request);
        };
        match methods[*index].deciding.load(Ordering::Relaxed) {
            OWN => own.call_boxed(request),
            SHARED => shared.call_boxed(request),
            // Idempotency is on, and decides about calls with a key.
            _ if request.context.idempotency_key().is_some() => shared.call_boxed(request),
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
