//! The client's stack: what stands between a caller and the replicas of a service.
//!
//! ```text
//! record > deadline                                       (core, around every channel)
//!   > idempotency key > total deadline > budget > retry > hedge > breaker
//!   > your layers > rate limit > attempt deadline
//!   > pick a replica > attempt record > wire
//! ```
//!
//! Your layers are around each attempt, the last of them next to the rate limit: what adds credentials
//! stands there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::contract::Idempotency;
use kitfox_core::meter::Owner;
use kitfox_core::setting::Layers;
use kitfox_core::{BoxEndpoint, Contract, Endpoint, Method};
use kitfox_discovery::{BalanceSettings, Balanced, State as ReplicaState, View};
use kitfox_resilience::{
    Breaker, BreakerSettings, Budget, BudgetSettings, ClientEndpoints, ClientLayers,
    DeadlineSettings, Deadlines, Group, Hedge, HedgeAfter, HedgeSettings, Live, Mode, RateLimit,
    RateLimitKey, RateLimitSettings, Retry, RetrySettings,
};

use super::control::Resolved;
use super::{Change, Control, Source, StackSettings, Tunable};

/// What the layers of a client's stack are set to.
///
/// Deadline, retry and hedge can be set for a method alone
/// ([`set_for`](crate::ServiceChannelBuilder::set_for)); the others keep one state for the whole
/// service.
///
/// ```
/// use std::time::Duration;
/// use kitfox::stack::ClientSettings;
///
/// let mut settings = ClientSettings::default();
/// settings.deadline.total = Duration::from_secs(2);
/// settings.retry.attempts = 2;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ClientSettings {
    /// How long a call and an attempt at it may take. On by default.
    pub deadline: DeadlineSettings,
    /// How many retries and hedges there may be. On by default.
    pub budget: BudgetSettings,
    /// When a call that failed is made again. On by default.
    pub retry: RetrySettings,
    /// When a call that takes long is sent once more. Off by default.
    pub hedge: HedgeSettings,
    /// When the service is left alone. On by default.
    pub breaker: BreakerSettings,
    /// How many attempts go out in a time. Off by default.
    pub rate_limit: RateLimitSettings,
    /// Which replica is picked, and when one is left out.
    pub balance: BalanceSettings,
}

impl StackSettings for ClientSettings {
    fn layers(&mut self) -> Layers<'_> {
        vec![
            ("deadline", &mut self.deadline),
            ("budget", &mut self.budget),
            ("retry", &mut self.retry),
            ("hedge", &mut self.hedge),
            ("breaker", &mut self.breaker),
            ("rate_limit", &mut self.rate_limit),
            ("balance", &mut self.balance),
        ]
    }

    fn own_layers(&mut self) -> Layers<'_> {
        vec![
            ("deadline", &mut self.deadline),
            ("retry", &mut self.retry),
            ("hedge", &mut self.hedge),
        ]
    }

    fn of_method(&self) -> Self {
        self.clone()
    }

    fn check(&self) -> Result<(), String> {
        let ClientSettings { deadline, retry, hedge, rate_limit, .. } = self;
        if rate_limit.mode != Mode::Off && rate_limit.key == RateLimitKey::Peer {
            return Err("no peer is known yet when the limit of a client is asked: give \
                        `rate_limit.key` as `all`, `method` or `header:` with its name"
                .to_owned());
        }
        let total = deadline.total;
        if deadline.mode != Mode::On || total.is_zero() {
            return Ok(());
        }
        if retry.mode != Mode::Off && retry.attempts > 1 && retry.base >= total {
            return Err(format!(
                "the first pause between attempts may be as long as the whole call: make \
                 `retry.base` ({:?}) much shorter than `deadline.total` ({total:?})",
                retry.base
            ));
        }
        let after = match hedge.after {
            HedgeAfter::Time(time) => time,
            HedgeAfter::Percentile(_) => hedge.least,
        };
        let attempt = Some(deadline.attempt).filter(|attempt| !attempt.is_zero()).unwrap_or(total);
        if hedge.mode != Mode::Off && after >= attempt {
            return Err(format!(
                "no attempt lasts long enough to be hedged: hedge after less than {attempt:?}, not \
                 after {after:?}"
            ));
        }
        Ok(())
    }

    fn check_own(&self, method: &Method, said: &[&Change]) -> Result<(), String> {
        let said = |layer| said.iter().any(|change| change.key.starts_with(layer));
        let is_idempotent = method.idempotency != Idempotency::None;
        let retries = self.retry.mode == Mode::On && self.retry.attempts > 1;
        if said("retry.") && retries && !is_idempotent {
            return Err("the method is not idempotent, and is never tried again once it may have \
                        been processed: declare it `idempotent`, `safe` or `idempotency_key` in \
                        its trait where that is true, or leave `retry` as it is"
                .to_owned());
        }
        let is_safe = method.idempotency == Idempotency::Safe
            || self.hedge.idempotent && method.idempotency == Idempotency::Idempotent;
        if said("hedge.") && self.hedge.mode == Mode::On && !is_safe {
            return Err(
                "the method changes something, and is never hedged: declare it `safe` in its \
                        trait where that is true, or leave `hedge` as it is"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The layers of one client.
pub(crate) struct ClientStack {
    pub(crate) control: Arc<Control<ClientSettings>>,
    shared: Arc<Shared>,
}

/// The endpoints of a method.
#[derive(Clone)]
pub(crate) enum MethodEndpoints {
    /// With no layer of the user's.
    Own(ClientEndpoints),
    /// With some.
    Users(BoxEndpoint),
}

/// What all methods of a client share.
struct Shared {
    budget: (Live<BudgetSettings>, Budget),
    breaker: (Live<BreakerSettings>, Breaker),
    rate_limit: (Live<RateLimitSettings>, RateLimit),
    balanced: Balanced,
    methods: Mutex<Vec<Own>>,
    /// The place of a method that is set to what holds for all; none where there is no such.
    plain: AtomicUsize,
    /// What a method begins with.
    begin: ClientSettings,
    owner: Owner,
}

/// What a method has of its own: the settings of its calls.
#[derive(Clone)]
struct Own {
    deadline: (Live<DeadlineSettings>, Deadlines),
    retry: (Live<RetrySettings>, Retry),
    hedge: (Live<HedgeSettings>, Hedge),
}

impl Own {
    fn new(group: &Group, settings: &ClientSettings, budget: &Budget, owner: &Owner) -> Self {
        let deadline = group.live(settings.deadline.clone());
        let retry = group.live(settings.retry.clone());
        let hedge = group.live(settings.hedge.clone());
        Own {
            deadline: (deadline.clone(), Deadlines::new(deadline).of(owner)),
            retry: (retry.clone(), Retry::new(retry, budget.clone()).of(owner)),
            hedge: (hedge.clone(), Hedge::new(hedge, budget.clone()).of(owner)),
        }
    }

    fn prepare(&self, settings: &ClientSettings) {
        self.deadline.0.prepare(settings.deadline.clone());
        self.retry.0.prepare(settings.retry.clone());
        self.hedge.0.prepare(settings.hedge.clone());
    }
}

impl ClientStack {
    pub(crate) fn new(
        name: &str,
        balanced: Balanced,
        contracts: &[&'static Contract],
        code: ClientSettings,
        own: Vec<Source>,
    ) -> Result<Self, super::ChangeError> {
        let owner = Owner::stack(format!("clients.{name}"));
        let group = balanced.group();
        let budget = group.live(code.budget.clone());
        let breaker = group.live(code.breaker.clone());
        let rate_limit = group.live(code.rate_limit.clone());
        let shared = Arc::new(Shared {
            budget: (budget.clone(), Budget::new(budget).of(&owner)),
            breaker: (breaker.clone(), Breaker::new(breaker).of(&owner)),
            rate_limit: (rate_limit.clone(), RateLimit::outgoing(rate_limit).of(&owner)),
            balanced,
            methods: Mutex::default(),
            plain: AtomicUsize::new(usize::MAX),
            begin: code.clone(),
            owner,
        });
        let methods = contracts.iter().flat_map(|contract| contract.methods);
        let methods: Vec<_> = methods.inspect(|method| drop(shared.add(method))).collect();
        let (told, asked) = (Arc::clone(&shared), Arc::clone(&shared));
        let apply = move |resolved: &Resolved<ClientSettings>| told.replace(resolved);
        let describe = move |place: &str, method: Option<usize>| asked.describe(place, method);
        let control = Control::new(methods, code, Box::new(apply), Box::new(describe));
        control.begin(own)?;
        Ok(ClientStack { control: Arc::new(control), shared })
    }

    /// The stack of `method` around the way to a replica, with the user's layers in it, if there are
    /// any, or as all endpoints of a client.
    pub(crate) fn endpoint(
        &self,
        method: &'static Method,
        pick: impl Endpoint,
        users: Option<impl FnOnce(BoxEndpoint) -> BoxEndpoint>,
    ) -> MethodEndpoints {
        let shared = &self.shared;
        let own = self.own(method);
        let layers = ClientLayers {
            deadlines: own.deadline.1,
            budget: shared.budget.1.clone(),
            retry: own.retry.1,
            hedge: own.hedge.1,
            breaker: shared.breaker.1.clone(),
            rate_limit: shared.rate_limit.1.clone(),
        };
        match users {
            None => MethodEndpoints::Own(layers.around(method, pick)),
            Some(users) => MethodEndpoints::Users(layers.around_with(method, pick, users)),
        }
    }

    /// What `method` has of its own, from now on where nobody knew of it.
    fn own(&self, method: &'static Method) -> Own {
        let known = Tunable::methods(&*self.control);
        if let Some(index) = known.iter().position(|known| known.path == method.path) {
            return self.shared.methods()[index].clone();
        }
        let mut own = None;
        self.control.add_method(method, || own = Some(self.shared.add(method)));
        own.expect("it was added")
    }
}

impl Shared {
    fn add(&self, method: &'static Method) -> Own {
        let (group, owner) = (self.balanced.group(), self.owner.method(method));
        let own = Own::new(group, &self.begin, &self.budget.1, &owner);
        self.methods().push(own.clone());
        own
    }

    fn methods(&self) -> MutexGuard<'_, Vec<Own>> {
        // Nothing that holds it can panic halfway.
        self.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, resolved: &Resolved<ClientSettings>) {
        let ClientSettings { budget, breaker, rate_limit, balance, .. } = resolved.base.clone();
        let methods = self.methods();
        let prepared = self.balanced.group().replace(|| {
            self.budget.0.prepare(budget);
            self.breaker.0.prepare(breaker);
            self.rate_limit.0.prepare(rate_limit);
            for (own, settings) in methods.iter().zip(&resolved.methods) {
                own.prepare(settings);
            }
            self.balanced.prepare(balance)
        });
        drop((prepared, methods));
        let plain = resolved.methods.iter().position(|settings| *settings == resolved.base);
        self.plain.store(plain.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    fn describe(&self, place: &str, method: Option<usize>) -> String {
        match place {
            "budget" => self.budget.1.describe(),
            "breaker" => self.breaker.1.describe(),
            "rate_limit" => self.rate_limit.1.describe(),
            "balance" => self.replicas(),
            _ => {
                let methods = self.methods();
                let plain = || self.plain.load(Ordering::Relaxed);
                let Some(own) = methods.get(method.unwrap_or_else(plain)) else {
                    let each = "each method is set by itself";
                    return if methods.is_empty() { "no client was made yet" } else { each }
                        .to_owned();
                };
                match place {
                    "deadline" => own.deadline.1.describe(),
                    "retry" => own.retry.1.describe(),
                    _ => own.hedge.1.describe(),
                }
            }
        }
    }

    fn replicas(&self) -> String {
        let replicas = self.balanced.replicas();
        let each = replicas.iter().map(|replica| {
            format!(
                "{} {}, {} in flight, {:?}",
                replica.instance.address,
                health(replica.state),
                replica.open_calls,
                replica.latency
            )
        });
        let count = format!("{} replicas", replicas.len());
        let said = std::iter::once(count).chain(each).collect::<Vec<_>>().join("; ");
        said + &age(&self.balanced.view())
    }
}

/// The health of a replica in words.
fn health(state: ReplicaState) -> String {
    match state {
        ReplicaState::Closed { failures: 0, .. } => "healthy".to_owned(),
        ReplicaState::Closed { failures, .. } => format!("healthy, {failures} failed in a row"),
        ReplicaState::Open { times, .. } => format!("left out, {times} times by now"),
        ReplicaState::HalfOpen { .. } => "left out, tried by one call".to_owned(),
        ReplicaState::Retired => "gone".to_owned(),
    }
}

/// How old the list is, where its registry does not answer.
fn age(view: &View) -> String {
    let Some((_, error)) = &view.failing else { return String::new() };
    let seconds = view.age().as_secs_f64();
    match view.snapshot {
        Some(_) => format!("; list {seconds:.1} s old: {error}"),
        None => format!("; no list for {seconds:.1} s: {error}"),
    }
}
