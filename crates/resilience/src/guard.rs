//! The onion around any async function: a query, somebody's API, whatever may fail or hang.
//!
//! Its layers are those of a call to a service and in the same order (deadline, retry within a
//! budget, hedge, breaker, rate limit, concurrency, deadline of an attempt), with the same settings and
//! the same decisions: only what is within them differs.

mod error;
mod parts;
mod record;
mod settings;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use kitfox_core::setting::{Change, ChangeError};
use kitfox_core::{Code, Context, Error, Recovery};

use crate::breaker::Verdict;
use crate::concurrency::Place;
use crate::deadline::{DEADLINE, Plan, limited};
use crate::hedge::Race;
use crate::retry::{RETRY, Stop, is_worth_it};
use crate::{Deadlines, is_failure};
pub use error::{GuardError, Judgement};
use parts::Parts;
pub use parts::{GuardControl, GuardHandle, GuardSetter};
pub use settings::{GuardSettings, SwitchSettings};

/// The name in errors of a function that failed within a guard.
pub const GUARD: &str = "guard";

type Judge<E> = Arc<dyn Fn(&E) -> Judgement + Send + Sync>;

/// The onion around an async function that fails with `E`. Cloning shares its limits, its budget and
/// its breaker.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use kitfox_core::{Context, Recovery};
/// use kitfox_resilience::{Guard, Judgement};
///
/// # #[derive(Debug, thiserror::Error)]
/// # enum DbError { #[error("busy")] Busy, #[error("no such row")] NoRow }
/// # async fn read(order: u64) -> Result<u64, DbError> { Ok(order) }
/// let orders = Guard::new("orders-db").idempotent().judged(|error: &DbError| match error {
///     DbError::NoRow => Judgement::Answer,
///     DbError::Busy => Judgement::Failure(Recovery::Retry),
/// });
/// let cx = Context::background();
/// let order = orders.call(&cx, || read(7)).await.unwrap();
/// # assert_eq!(order, 7);
/// # });
/// ```
pub struct Guard<E> {
    parts: GuardHandle,
    judge: Judge<E>,
    idempotent: bool,
}

impl<E> Guard<E> {
    /// A guard of the default settings around what is called so in logs and metrics: `orders-db`.
    /// Make it once, not for each call.
    ///
    /// Every error of the function is a failure that trying again may help against, until
    /// [`Guard::judged`] says otherwise; it is tried again only where the guard is
    /// [idempotent](Guard::idempotent).
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Guard {
            parts: GuardHandle(Arc::new(Parts::new(name))),
            judge: Arc::new(|_| Judgement::Failure(Recovery::Retry)),
            idempotent: false,
        }
    }

    /// With other settings, before a host knows it.
    ///
    /// # Errors
    /// A sentence that says what about them makes no sense, or that a host knows the guard by now.
    pub fn with_settings(self, settings: GuardSettings) -> Result<Self, String> {
        self.parts.0.begin(settings)?;
        Ok(self)
    }

    /// Changes what it is set to while calls run, all or nothing, by the keys that the file has for it.
    /// Where a host knows the guard, that is stronger than what the file and the environment say, and weaker
    /// than the admin port, which shows it.
    ///
    /// ```
    /// use kitfox_core::setting::Change;
    /// use kitfox_resilience::Guard;
    ///
    /// let orders = Guard::<std::io::Error>::new("orders-db");
    /// orders.change([Change::new("deadline.total", "3s"), Change::new("breaker.open", "1s")]).unwrap();
    /// assert_eq!(orders.handle().settings().deadline.total.as_secs(), 3);
    /// assert!(orders.change([Change::new("deadline.totl", "3s")]).is_err());
    /// ```
    ///
    /// # Errors
    /// Where there is no such layer or key, or the whole would make no sense.
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        self.parts.change(changes)
    }

    /// With what its errors mean.
    #[must_use]
    pub fn judged(mut self, judge: impl Fn(&E) -> Judgement + Send + Sync + 'static) -> Self {
        self.judge = Arc::new(judge);
        self
    }

    /// For functions that may be called twice for the same effect: again after a failure, and where
    /// [hedges](GuardSettings::hedge) are on also while the first call runs. Of one guard, clones may be
    /// so and others not, which are neither tried again nor hedged.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.parts.0.idempotent.store(true, Ordering::Relaxed);
        self.idempotent = true;
        self
    }

    /// For whoever shows it and sets it.
    #[must_use]
    pub fn handle(&self) -> GuardHandle {
        self.parts.clone()
    }
}

impl<E: fmt::Display> Guard<E> {
    /// Calls `function`, again where that is allowed and may help. Dropping the future cancels it.
    ///
    /// # Errors
    /// What the function fails with at last, or the decision of a layer: the breaker is open, the
    /// limit is reached, there was no answer in time.
    pub async fn call<T, F, Fut>(&self, context: &Context, function: F) -> Result<T, GuardError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let Some(open) = self.parts.0.recording.begin(context) else {
            return self.within_total(context, context.clone(), function).await;
        };
        let answer = self.within_total(context, open.context.clone(), function);
        let answer = open.context.scope(answer).await;
        match &answer {
            Ok(_) => open.end(None),
            Err(GuardError::Refused(error)) => open.end(Some(error)),
            Err(GuardError::Failed { error, .. }) => {
                open.end(Some(&error::record((self.judge)(error), error.to_string())));
            }
        }
        answer
    }

    /// A call of `caller`, whose limits hold, in a context of its own.
    async fn within_total<T, F, Fut>(
        &self,
        caller: &Context,
        mut context: Context,
        function: F,
    ) -> Result<T, GuardError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let deadlines = &self.parts.0.deadlines;
        let plan = deadlines.plan_total(&context);
        plan.tighten(&mut context);
        let _watch = plan.watch(deadlines, &context);
        // Nobody else may hold the call to its own deadline: it need not be within another call.
        let deadline = plan.deadline.or(context.deadline());
        let attempts = pin!(self.attempts(caller, &context, function));
        match limited(deadline, attempts).await {
            Ok(answer) => answer,
            Err(_) => Err(GuardError::Refused(expired(&plan, deadlines))),
        }
    }

    async fn attempts<T, F, Fut>(
        &self,
        caller: &Context,
        context: &Context,
        mut function: F,
    ) -> Result<T, GuardError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let parts = &*self.parts.0;
        let _in_flight = parts.budget.begin(context);
        let mut attempts = parts.retry.begin(context);
        // What the attempt that is on its way has spent.
        let mut _spent = None;
        loop {
            let mut called = false;
            let answer = if self.idempotent && parts.hedge.decides() {
                // In a box, which only a call that is hedged pays for.
                Box::pin(self.race(caller, context, &mut function)).await
            } else {
                self.attempt(caller, context, &mut function, &mut called).await
            };
            let failure = match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            _spent = None;
            let Some(attempts) = &mut attempts else { return Err(failure) };
            let worth = !matches!(&failure, GuardError::Refused(error) if !is_worth_it(error));
            let repeatable = worth && (self.idempotent || !called);
            match attempts.next(context, failure.recovery(), repeatable).await {
                Ok(spent) => _spent = Some(spent),
                Err(stop) => return Err(given_up(stop, context, failure)),
            }
        }
    }

    /// An attempt, and others that race with it.
    async fn race<T, F, Fut>(
        &self,
        caller: &Context,
        context: &Context,
        function: &mut F,
    ) -> Result<T, GuardError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let Parts { hedge, latencies, .. } = &*self.parts.0;
        let Some(plan) = hedge.plan(context, |_| true, latencies) else {
            return self.attempt(caller, context, function, &mut false).await;
        };
        // Each attempt calls it when the layers within let it.
        let function = Mutex::new(function);
        let attempt = async || {
            let mut call = || function.lock().unwrap_or_else(PoisonError::into_inner)();
            self.attempt(caller, context, &mut call, &mut false).await
        };
        let mut first = pin!(attempt());
        let send = |_: &&Context, _| Some(attempt());
        let mut race = Race::new(hedge, latencies, plan, context, send);
        poll_fn(|cx| race.poll(first.as_mut(), cx)).await
    }

    async fn attempt<T, F, Fut>(
        &self,
        caller: &Context,
        context: &Context,
        function: &mut F,
        called: &mut bool,
    ) -> Result<T, GuardError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let parts = &*self.parts.0;
        let permit = parts.breaker.admit(&parts.circuit, context).map_err(GuardError::Refused)?;
        let settle = |verdict| permit.map(|permit| permit.settle(verdict));
        let refused = match self.enter(caller, context).await {
            Ok((place, plan)) => {
                let _watch = plan.watch(&parts.deadlines, context);
                *called = true;
                let call = pin!(function());
                match limited(plan.deadline, call).await {
                    Ok(Ok(answer)) => {
                        place.answered();
                        settle(Verdict::Good);
                        return Ok(answer);
                    }
                    Ok(Err(error)) => {
                        let recovery = match (self.judge)(&error) {
                            Judgement::Answer => {
                                place.answered();
                                settle(Verdict::Good);
                                Recovery::No
                            }
                            Judgement::Failure(recovery) => {
                                settle(Verdict::Bad);
                                recovery
                            }
                        };
                        return Err(GuardError::Failed { error, recovery });
                    }
                    Err(_) => parts.deadlines.attempt_expired(plan.limit),
                }
            }
            Err(refused) => refused,
        };
        settle(if is_failure(&refused) { Verdict::Bad } else { Verdict::None });
        Err(GuardError::Refused(refused))
    }

    /// What is within the breaker, and decides before the function is called.
    async fn enter(&self, caller: &Context, context: &Context) -> Result<(Place<'_>, Plan), Error> {
        let parts = &*self.parts.0;
        parts.rate_limit.pass(context, caller).await?;
        let place = parts.concurrency.enter(context).await?;
        Ok((place, parts.deadlines.plan_attempt(context)?))
    }
}

#[cold]
fn expired(plan: &Plan, deadlines: &Deadlines) -> Error {
    if plan.deadline.is_some() {
        return deadlines.total_expired(plan.limit);
    }
    Error::by_layer(DEADLINE, Code::DeadlineExceeded, "there was no answer before the deadline")
}

#[cold]
fn given_up<E>(stop: Stop, context: &Context, failure: GuardError<E>) -> GuardError<E> {
    if let Some(note) = stop.note() {
        context.record(RETRY, note);
    }
    match failure {
        GuardError::Refused(error) => GuardError::Refused(stop.mark(error)),
        GuardError::Failed { error, .. } if stop.is_exhausted() => {
            GuardError::Failed { error, recovery: Recovery::Exhausted }
        }
        failed => failed,
    }
}

impl<E> Clone for Guard<E> {
    fn clone(&self) -> Self {
        let (parts, judge) = (self.parts.clone(), Arc::clone(&self.judge));
        Guard { parts, judge, idempotent: self.idempotent }
    }
}

impl<E> fmt::Debug for Guard<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

#[cfg(test)]
mod tests;
