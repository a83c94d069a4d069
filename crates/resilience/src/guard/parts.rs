//! What a guard is made of, and what it is set to.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kitfox_core::contract::Method;
use kitfox_core::meter::Owner;
use kitfox_core::setting::{Change, ChangeError, set};

use super::GuardSettings;
use super::record::{self, Recording};
use crate::breaker::Circuit;
use crate::hedge::Latencies;
use crate::{
    Breaker, BreakerSettings, Budget, BudgetSettings, Concurrency, ConcurrencySettings,
    DeadlineSettings, Deadlines, Group, Hedge, HedgeSettings, Live, Mode, RateLimit,
    RateLimitSettings, Retry, RetrySettings, SheddingSettings,
};

/// The same without the type of its errors: for whoever shows guards and sets them.
#[derive(Clone)]
pub struct GuardHandle(pub(super) Arc<Parts>);

pub(super) struct Parts {
    /// What stands for the function.
    method: &'static Method,
    state: Mutex<State>,
    live: Lives,
    pub(super) deadlines: Deadlines,
    pub(super) budget: Budget,
    pub(super) retry: Retry,
    pub(super) hedge: Hedge,
    pub(super) latencies: Latencies,
    pub(super) breaker: Breaker,
    pub(super) circuit: Arc<Circuit>,
    pub(super) rate_limit: RateLimit,
    pub(super) concurrency: Concurrency,
    pub(super) recording: Recording,
    /// Whether one of its clones is.
    pub(super) idempotent: AtomicBool,
}

struct State {
    settings: GuardSettings,
    control: Option<Arc<dyn GuardControl>>,
}

/// Who decides what a guard is set to, in place of the guard: a host, which knows what the file, the
/// environment and the admin port say of it besides code.
pub trait GuardControl: Any + Send + Sync {
    /// Code changes what the guard is set to, all or nothing.
    ///
    /// # Errors
    /// Where there is no such layer or key, or the whole would make no sense.
    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError>;
}

/// Sets a guard: what its [`GuardControl`] has, and nobody else. It keeps no guard alive.
#[derive(Clone)]
pub struct GuardSetter(Weak<Parts>);

struct Lives {
    group: Group,
    deadline: Live<DeadlineSettings>,
    retry: Live<RetrySettings>,
    hedge: Live<HedgeSettings>,
    budget: Live<BudgetSettings>,
    breaker: Live<BreakerSettings>,
    rate_limit: Live<RateLimitSettings>,
    concurrency: Live<ConcurrencySettings>,
    shedding: Live<SheddingSettings>,
}

impl Parts {
    /// Of the default settings, which switch nothing off.
    pub(super) fn new(name: &'static str) -> Self {
        let (settings, live) = (GuardSettings::default(), Lives::default());
        let owner = Owner::stack(format!("guards.{name}"));
        let budget = Budget::new(live.budget.clone()).of(&owner);
        let breaker = Breaker::new(live.breaker.clone()).of(&owner);
        let concurrency = Concurrency::new(live.concurrency.clone(), live.shedding.clone());
        let method = record::method(name);
        Parts {
            method,
            deadlines: Deadlines::new(live.deadline.clone()).of(&owner),
            retry: Retry::new(live.retry.clone(), budget.clone()).of(&owner),
            hedge: Hedge::new(live.hedge.clone(), budget.clone()).of(&owner),
            latencies: Latencies::new(),
            circuit: breaker.of_service(name),
            rate_limit: RateLimit::new(live.rate_limit.clone()).of(&owner),
            concurrency: concurrency.of(&owner),
            recording: Recording::new(method),
            idempotent: AtomicBool::new(false),
            state: Mutex::new(State { settings, control: None }),
            live,
            budget,
            breaker,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, settings: &GuardSettings) -> Result<(), String> {
        settings.check()?;
        if settings.hedge.mode == Mode::On && !self.idempotent.load(Ordering::Relaxed) {
            return Err("hedge: the guard is not idempotent, and its function is never called twice \
                        at the same time: make it `idempotent()`, before it is set so, where that is \
                        true, or leave `hedge` off"
                .to_owned());
        }
        Ok(())
    }

    fn put_in_force(&self, state: &mut State, settings: GuardSettings) {
        self.live.replace(&settings);
        state.settings = settings;
    }

    /// Code's settings as a whole, before somebody else has a say in them.
    pub(super) fn begin(&self, settings: GuardSettings) -> Result<(), String> {
        self.check(&settings)?;
        let mut state = self.lock();
        if state.control.is_some() {
            return Err("a host knows the guard already: `Guard::change` changes it".to_owned());
        }
        self.put_in_force(&mut state, settings);
        Ok(())
    }

    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        let mut state = self.lock();
        if let Some(control) = state.control.clone() {
            // Which sets this guard in turn.
            drop(state);
            return control.change(changes);
        }
        let mut settings = state.settings.clone();
        changes.iter().try_for_each(|change| admit(&mut settings, change))?;
        let together = self.check(&settings);
        together.map_err(|why| ChangeError::Together { layers: String::new(), why })?;
        self.put_in_force(&mut state, settings);
        Ok(())
    }

    fn describe(&self) -> Vec<(&'static str, String)> {
        vec![
            ("switch", self.lock().settings.switch.mode.to_string()),
            ("deadline", self.deadlines.describe()),
            ("budget", self.budget.describe()),
            ("retry", self.retry.describe()),
            ("hedge", self.hedge.describe()),
            ("breaker", self.breaker.describe()),
            ("rate_limit", self.rate_limit.describe()),
            ("concurrency", self.concurrency.describe()),
            ("shedding", self.concurrency.describe_shedding()),
        ]
    }
}

/// A guard has no methods.
fn admit(settings: &mut GuardSettings, change: &Change) -> Result<(), ChangeError> {
    if let Some(method) = change.method.clone() {
        return Err(ChangeError::NoMethods { method });
    }
    set(settings.layers(), change)
}

impl Default for Lives {
    fn default() -> Self {
        let group = Group::default();
        Lives {
            deadline: group.live(DeadlineSettings::default()),
            retry: group.live(RetrySettings::default()),
            hedge: group.live(HedgeSettings::default()),
            budget: group.live(BudgetSettings::default()),
            breaker: group.live(BreakerSettings::default()),
            rate_limit: group.live(RateLimitSettings::default()),
            concurrency: group.live(ConcurrencySettings::default()),
            shedding: group.live(SheddingSettings::default()),
            group,
        }
    }
}

impl Lives {
    fn replace(&self, settings: &GuardSettings) {
        let settings = settings.switched();
        self.group.replace(|| {
            self.deadline.prepare(settings.deadline);
            self.retry.prepare(settings.retry);
            self.hedge.prepare(settings.hedge);
            self.budget.prepare(settings.budget);
            self.breaker.prepare(settings.breaker);
            self.rate_limit.prepare(settings.rate_limit);
            self.concurrency.prepare(settings.concurrency);
            self.shedding.prepare(settings.shedding);
        });
    }
}

impl GuardHandle {
    /// What the guard stands around.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.method.name
    }

    /// What it is set to.
    #[must_use]
    pub fn settings(&self) -> GuardSettings {
        self.0.lock().settings.clone()
    }

    /// Changes what it is set to while calls run: see [`Guard::change`](super::Guard::change).
    ///
    /// # Errors
    /// As [`Guard::change`](super::Guard::change).
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        self.0.change(changes.into_iter().collect())
    }

    /// Who decides what the guard is set to from now on: the one that `make` makes of the way to set it and
    /// of what it is set to, or who does already. None where that is of another type.
    pub fn control<C: GuardControl>(
        &self,
        make: impl FnOnce(GuardSetter, GuardSettings) -> Arc<C>,
    ) -> Option<Arc<C>> {
        let mut state = self.0.lock();
        if let Some(control) = &state.control {
            let control: Arc<dyn Any + Send + Sync> = Arc::clone(control) as _;
            return control.downcast().ok();
        }
        let control = make(GuardSetter(Arc::downgrade(&self.0)), state.settings.clone());
        state.control = Some(Arc::clone(&control) as _);
        Some(control)
    }

    /// The layers from outside in, each with one line of what it does.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        self.0.describe()
    }
}

impl GuardSetter {
    /// Whether the guard could be set so.
    ///
    /// # Errors
    /// A sentence that says what makes no sense, in the settings or of this guard.
    pub fn check(&self, settings: &GuardSettings) -> Result<(), String> {
        self.0.upgrade().map_or(Ok(()), |parts| parts.check(settings))
    }

    /// Sets the guard to what was checked.
    pub fn replace(&self, settings: GuardSettings) {
        if let Some(parts) = self.0.upgrade() {
            parts.put_in_force(&mut parts.lock(), settings);
        }
    }

    /// The layers from outside in, each with one line of what it does; none where the guard is gone.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        self.0.upgrade().map_or_else(Vec::new, |parts| parts.describe())
    }
}

impl fmt::Debug for GuardSetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardSetter").finish_non_exhaustive()
    }
}

impl fmt::Debug for GuardHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("name", &self.name()).finish_non_exhaustive()
    }
}
