//! Whether a call that failed is made again: said once, for the layer and for a guard.

use std::time::Duration;

use kitfox_core::types::rpc::ErrorInfo;
use kitfox_core::{Context, Detail, Error, Origin, Recovery};
use tokio::time::Instant;

use super::backoff::full_jitter;
use super::{RETRY, Retry, RetrySettings};
use crate::budget::{Denied, Spent};
use crate::{BREAKER, Mode, Reason};

/// The attempts at one call.
pub(crate) struct Attempts<'a> {
    retry: &'a Retry,
    /// How many were made.
    pub(crate) made: u32,
}

/// Why a call is not made again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stop {
    /// It would not help, or must not be done, and it was not done before either.
    Final,
    /// It might help and must not be done, after so many attempts.
    Tried(u32),
    /// So many attempts are enough.
    Attempts(u32),
    /// Too many other calls are made again.
    Budget(Denied),
    /// The next attempt, the first after so many, would begin after this pause: too late.
    Late(u32, Duration),
}

impl<'a> Attempts<'a> {
    /// The first attempt is on its way.
    pub(super) fn first(retry: &'a Retry) -> Self {
        Attempts { retry, made: 1 }
    }

    /// Waits until a call that failed may be made again, or says why it is not. `repeatable` is a call
    /// that may be processed twice.
    pub(crate) async fn next(
        &mut self,
        context: &Context,
        recovery: Recovery,
        repeatable: bool,
    ) -> Result<Spent<'a>, Stop> {
        let (pause, spent) = self.decide(context, recovery, repeatable)?;
        tokio::select! {
            biased;
            () = context.cancelled() => return Err(self.refused(recovery)),
            () = tokio::time::sleep(pause) => {}
        }
        self.made += 1;
        Ok(spent)
    }

    fn decide(
        &self,
        context: &Context,
        recovery: Recovery,
        repeatable: bool,
    ) -> Result<(Duration, Spent<'a>), Stop> {
        let settings = self.retry.0.settings.load();
        let chosen = self.choose(&settings, context, recovery, repeatable);
        if settings.mode == Mode::Dark {
            return Err(self.dark(context, &chosen));
        }
        if chosen.is_ok() {
            self.retry.0.counts.retried.increment();
        }
        chosen
    }

    fn choose(
        &self,
        settings: &RetrySettings,
        context: &Context,
        recovery: Recovery,
        repeatable: bool,
    ) -> Result<(Duration, Spent<'a>), Stop> {
        let pause = self.pause(settings, context, recovery, repeatable);
        let pause = pause.ok_or_else(|| self.refused(recovery))?;
        let counts = &self.retry.0.counts;
        if self.made >= settings.attempts {
            counts.attempts.increment();
            return Err(Stop::Attempts(self.made));
        }
        let late = context.deadline().is_some_and(|deadline| deadline <= Instant::now() + pause);
        if late || pause > settings.patience {
            counts.late.increment();
            return Err(Stop::Late(self.made, pause));
        }
        // Before the pause: what waits is as good as sent.
        let spent = self.retry.0.budget.spend(context).map_err(|denied| {
            counts.budget.increment();
            Stop::Budget(denied)
        })?;
        Ok((pause, spent))
    }

    /// Says what would have been done, and does nothing.
    fn dark(&self, context: &Context, chosen: &Result<(Duration, Spent<'_>), Stop>) -> Stop {
        match chosen {
            Ok((pause, _)) => {
                self.retry.0.counts.dark.increment();
                context.record(RETRY, format!("would have been made again after {pause:?}"));
            }
            Err(stop) => {
                if let Some(note) = stop.note() {
                    context.record(RETRY, format!("would have said: {note}"));
                }
            }
        }
        Stop::Final
    }

    /// Why a call whose failure says this must not be made again.
    #[cold]
    fn refused(&self, recovery: Recovery) -> Stop {
        if self.made > 1 && invites(recovery) { Stop::Tried(self.made) } else { Stop::Final }
    }

    /// How long to wait before the next attempt, where there may be one.
    fn pause(
        &self,
        settings: &RetrySettings,
        context: &Context,
        recovery: Recovery,
        repeatable: bool,
    ) -> Option<Duration> {
        if !repeatable && recovery != Recovery::NeverProcessed || context.is_cancelled() {
            return None;
        }
        match recovery {
            Recovery::After(pause) => Some(pause),
            Recovery::Retry | Recovery::NeverProcessed => {
                let RetrySettings { base, cap, .. } = *settings;
                Some(full_jitter(base, cap, self.made - 1, context.random()))
            }
            _ => None,
        }
    }
}

/// Whether an error is worth another attempt from here, whatever it says to others: to fail fast is what
/// an open breaker is for, and it would say the same again.
pub(crate) fn is_worth_it(error: &Error) -> bool {
    error.origin() != Origin::Layer(BREAKER)
}

/// Whether another attempt may do better at a call that failed so.
pub(crate) fn invites(recovery: Recovery) -> bool {
    matches!(recovery, Recovery::Retry | Recovery::After(_) | Recovery::NeverProcessed)
}

impl Stop {
    /// Whether nobody above may try again: somebody did, or would have with everybody else.
    pub(crate) fn is_exhausted(self) -> bool {
        match self {
            Stop::Final => false,
            Stop::Late(made, _) => made > 1,
            Stop::Tried(_) | Stop::Attempts(_) | Stop::Budget(_) => true,
        }
    }

    /// Why, for the log.
    pub(crate) fn note(self) -> Option<String> {
        match self {
            Stop::Final => None,
            Stop::Tried(made) => Some(format!("not again after {made} attempts")),
            Stop::Attempts(made) => Some(format!("gave up after {made} attempts")),
            Stop::Budget(denied) => Some(denied.to_string()),
            Stop::Late(_, pause) => {
                let pause = pause.as_millis();
                Some(format!("the next attempt, after {pause} ms, would be too late"))
            }
        }
    }

    /// The failure as it goes up: with its code, its message and its details.
    pub(crate) fn mark(self, mut error: Error) -> Error {
        let Some(note) = self.note() else { return error };
        if self.is_exhausted() {
            error = error.with_recovery(Recovery::Exhausted);
        }
        if let Stop::Budget(_) = self {
            let reason = Reason::BudgetSpent.name().to_owned();
            let domain = "kitfox".to_owned();
            let info = ErrorInfo { reason, domain, ..ErrorInfo::default() };
            error = error.with_detail(Detail::new(&info));
        }
        error.with_note(format!("{RETRY}: {note}"))
    }
}
