//! What a guard is made of, and what it is set to.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::contract::Method;
use kitfox_core::meter::Owner;

use super::GuardSettings;
use super::record::{self, Recording};
use crate::breaker::Circuit;
use crate::hedge::Latencies;
use crate::{
    Breaker, BreakerSettings, Budget, BudgetSettings, Concurrency, ConcurrencySettings,
    DeadlineSettings, Deadlines, Hedge, HedgeSettings, Live, Mode, RateLimit, RateLimitSettings,
    Retry, RetrySettings, SheddingSettings,
};

/// The same without the type of its errors: for whoever shows guards and sets them.
#[derive(Clone)]
pub struct GuardHandle(pub(super) Arc<Parts>);

pub(super) struct Parts {
    /// What stands for the function.
    method: &'static Method,
    settings: Mutex<GuardSettings>,
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

struct Lives {
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
    pub(super) fn new(name: &'static str, settings: GuardSettings) -> Self {
        let live = Lives::new(&settings);
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
            settings: Mutex::new(settings),
            live,
            budget,
            breaker,
        }
    }

    fn lock(&self) -> MutexGuard<'_, GuardSettings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lives {
    fn new(settings: &GuardSettings) -> Self {
        let settings = settings.switched();
        Lives {
            deadline: Live::new(settings.deadline),
            retry: Live::new(settings.retry),
            hedge: Live::new(settings.hedge),
            budget: Live::new(settings.budget),
            breaker: Live::new(settings.breaker),
            rate_limit: Live::new(settings.rate_limit),
            concurrency: Live::new(settings.concurrency),
            shedding: Live::new(settings.shedding),
        }
    }

    fn replace(&self, settings: &GuardSettings) {
        let settings = settings.switched();
        self.deadline.replace(settings.deadline);
        self.retry.replace(settings.retry);
        self.hedge.replace(settings.hedge);
        self.budget.replace(settings.budget);
        self.breaker.replace(settings.breaker);
        self.rate_limit.replace(settings.rate_limit);
        self.concurrency.replace(settings.concurrency);
        self.shedding.replace(settings.shedding);
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
        self.0.lock().clone()
    }

    /// Whether it could be set so.
    ///
    /// # Errors
    /// A sentence that says what makes no sense, in the settings or of this guard.
    pub fn check(&self, settings: &GuardSettings) -> Result<(), String> {
        settings.check()?;
        if settings.hedge.mode == Mode::On && !self.0.idempotent.load(Ordering::Relaxed) {
            return Err("hedge: the guard is not idempotent, and its function is never called twice \
                        at the same time: make it `idempotent()`, before it is set so, where that is \
                        true, or leave `hedge` off"
                .to_owned());
        }
        Ok(())
    }

    /// Sets it to something else, while calls run.
    ///
    /// # Errors
    /// A sentence that says what makes no sense. Nothing was changed.
    pub fn replace(&self, settings: GuardSettings) -> Result<(), String> {
        self.check(&settings)?;
        let mut current = self.0.lock();
        self.0.live.replace(&settings);
        *current = settings;
        Ok(())
    }

    /// The layers from outside in, each with one line of what it does.
    #[must_use]
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let parts = &*self.0;
        vec![
            ("switch", parts.lock().switch.mode.to_string()),
            ("deadline", parts.deadlines.describe()),
            ("budget", parts.budget.describe()),
            ("retry", parts.retry.describe()),
            ("hedge", parts.hedge.describe()),
            ("breaker", parts.breaker.describe()),
            ("rate_limit", parts.rate_limit.describe()),
            ("concurrency", parts.concurrency.describe()),
            ("shedding", parts.concurrency.describe_shedding()),
        ]
    }
}

impl fmt::Debug for GuardHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("name", &self.name()).finish_non_exhaustive()
    }
}
