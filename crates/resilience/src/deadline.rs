//! How long a call may take, and how long an attempt at it.
//!
//! Two layers of the same settings. The *total* stands around retries: it tightens the deadline of
//! the call, which goes with it over every hop. The *attempt* stands within them, and within the
//! breaker, which sees an attempt that takes too long as a failure; it may be tried again elsewhere.
//! It is not sent at all where too little time is left for an answer. The defaults of the total are
//! .NET's (`AddStandardResilienceHandler`).
//!
//! Where the answer is a stream, both are about its beginning: what is tried again is never a stream
//! that has begun. That the caller's own deadline ends a stream is core's `Deadline`.

mod layers;
mod limited;
mod plan;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kitfox_core::live::LOOK;
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::{Code, Context, Error, Recovery, moment};
use tokio::time::Instant;

use crate::{Glance, Live, Mode, Reason, refusal};
pub use layers::{AttemptDeadline, AttemptDeadlineEndpoint, TotalDeadline, TotalDeadlineEndpoint};
pub(crate) use limited::limited;
pub(crate) use plan::Plan;
pub use settings::DeadlineSettings;

/// The name in errors of who ends a call that takes too long; a breaker counts it as a failure.
pub const DEADLINE: &str = "deadline";

/// The name in errors of who does not begin a call that has no time left: nobody's failure.
pub const TIME_LEFT: &str = "time left";

/// Of a glance: there is no limit.
const NONE: u64 = 0;

impl Glance for DeadlineSettings {
    /// The total, and how much time must be left for an attempt where that is all.
    fn glance(&self) -> [u64; 2] {
        match self.mode {
            Mode::Off => [NONE, NONE],
            Mode::On if self.attempt.is_zero() => [packed(self.total), packed(self.least)],
            Mode::On => [packed(self.total), LOOK],
            Mode::Dark if self.total.is_zero() => [NONE, LOOK],
            Mode::Dark => [LOOK, LOOK],
        }
    }
}

/// A duration in a word: seconds, and below them nanoseconds, so that it can be added to an instant as
/// it is. Up to 136 years.
fn packed(limit: Duration) -> u64 {
    let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX - 1);
    u64::from(seconds) << 32 | u64::from(limit.subsec_nanos())
}

fn unpacked(word: u64) -> Duration {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    Duration::new(word >> 32, word as u32)
}

/// Holds calls and attempts to their deadlines. Cloning shares its counts, and so do all methods.
#[derive(Clone)]
pub struct Deadlines(Arc<State>);

struct State {
    settings: Live<DeadlineSettings>,
    total: Tally,
    attempt: Tally,
    refused: Tally,
    /// What would have been ended or refused where the layer is dark.
    dark: Tally,
    measures: Measures,
}

/// The words of a glance, none of which says that somebody has to look.
#[derive(Clone, Copy)]
pub(crate) struct Plain {
    total: u64,
    least: u64,
}

/// How much time a call has.
pub(crate) enum Time {
    /// Until its own deadline, if it has one.
    Theirs,
    /// Until that of the layer, which is earlier, and within its limit.
    Own(Instant, Duration),
    /// So little that no attempt is made.
    TooLittle,
}

impl Deadlines {
    /// Deadlines of these settings, which may be replaced while calls run.
    #[must_use]
    pub fn new(settings: Live<DeadlineSettings>) -> Self {
        let [total, attempt, refused, dark] = [(); 4].map(|()| Tally::default());
        let measures = Measures::new(vec![
            measure("total", &total),
            measure("attempt", &attempt),
            measure("refused", &refused),
            measure("dark", &dark),
        ]);
        Deadlines(Arc::new(State { settings, total, attempt, refused, dark, measures }))
    }

    /// The same, whose measures say what it belongs to. All its clones do from then on.
    #[must_use]
    pub fn of(self, owner: &Owner) -> Self {
        self.0.measures.belong(owner);
        self
    }

    /// The layer around retries.
    #[must_use]
    pub fn total(&self) -> TotalDeadline {
        TotalDeadline(self.clone())
    }

    /// The layer within retries and breakers.
    #[must_use]
    pub fn attempt(&self) -> AttemptDeadline {
        AttemptDeadline(self.clone())
    }

    /// One line for whoever asks what the layer does.
    #[must_use]
    pub fn describe(&self) -> String {
        let DeadlineSettings { mode, total, attempt, least } = **self.0.settings.load();
        let limit = |limit: Duration| match limit {
            Duration::ZERO => "no limit".to_owned(),
            limit => format!("{limit:?}"),
        };
        format!(
            "{mode}: {} a call, {} an attempt, not sent below {least:?}",
            limit(total),
            limit(attempt)
        )
    }

    /// What holds of a call where no attempt has a limit of its own, and nothing is dark.
    pub(crate) fn plain(&self) -> Option<Plain> {
        let [total, least] = self.0.settings.words();
        (total != LOOK && least != LOOK).then_some(Plain { total, least })
    }

    /// When a call that begins now must be over; nothing where its own deadline is earlier.
    pub(crate) fn plan_total(&self, context: &Context) -> Plan {
        let (total, mode) = match self.0.settings.word() {
            NONE => return Plan::default(),
            LOOK => {
                let settings = self.0.settings.load();
                (settings.total, settings.mode)
            }
            total => (unpacked(total), Mode::On),
        };
        self.0.measures.tell(context);
        Plan::new(context, moment::now(), total, mode)
    }

    /// The same where [`Deadlines::plain`], for a call and its first attempt at once.
    #[inline]
    pub(crate) fn time(&self, plan: Plain, context: &Context, now: Instant) -> Time {
        self.0.measures.tell(context);
        let theirs = context.deadline();
        let limit = unpacked(plan.total);
        let own = if plan.total == NONE { None } else { now.checked_add(limit) };
        match (own, theirs) {
            (Some(own), None) => Time::Own(own, limit),
            (Some(own), Some(theirs)) if own < theirs => Time::Own(own, limit),
            (_, Some(theirs)) => match now.checked_add(unpacked(plan.least)) {
                Some(least) if theirs < least => Time::TooLittle,
                _ => Time::Theirs,
            },
            (None, None) => Time::Theirs,
        }
    }

    /// The error of an attempt that has [`Time::TooLittle`].
    #[cold]
    pub(crate) fn too_little(&self, plan: Plain, context: &Context) -> Error {
        let left = context.deadline().map(|it| it.saturating_duration_since(moment::now()));
        self.too_late(left.unwrap_or_default(), unpacked(plan.least))
    }

    fn enough(&self, deadline: Instant, least: Duration) -> Result<(), Error> {
        let now = moment::now();
        if deadline < now + least {
            return Err(self.too_late(deadline.saturating_duration_since(now), least));
        }
        Ok(())
    }

    #[cold]
    fn too_late(&self, left: Duration, least: Duration) -> Error {
        self.0.refused.increment();
        let why = format!("{left:?} left, and an attempt is worth it from {least:?}");
        refusal(TIME_LEFT, Reason::NoTimeLeft, Recovery::No, why)
    }

    /// When an attempt that begins now must be over.
    ///
    /// # Errors
    /// Where too little time is left to begin it.
    pub(crate) fn plan_attempt(&self, context: &Context) -> Result<Plan, Error> {
        match self.0.settings.words()[1] {
            NONE => Ok(Plan::default()),
            LOOK => self.plan_attempt_within(context),
            least => {
                let Some(deadline) = context.deadline() else { return Ok(Plan::default()) };
                self.0.measures.tell(context);
                self.enough(deadline, unpacked(least))?;
                Ok(Plan::default())
            }
        }
    }

    fn plan_attempt_within(&self, context: &Context) -> Result<Plan, Error> {
        let settings = self.0.settings.load();
        let DeadlineSettings { mode, attempt, least, .. } = **settings;
        self.0.measures.tell(context);
        let (checked, now) = (context.deadline().filter(|_| !least.is_zero()), moment::now());
        if let Some(deadline) = checked.filter(|deadline| *deadline < now + least) {
            let left = deadline.saturating_duration_since(now);
            if mode == Mode::On {
                return Err(self.too_late(left, least));
            }
            self.0.dark.increment();
            context.record(DEADLINE, format!("would not have been sent with {left:?} left"));
        }
        if attempt.is_zero() {
            return Ok(Plan::default());
        }
        Ok(Plan::new(context, now, attempt, mode))
    }

    #[cold]
    pub(crate) fn total_expired(&self, limit: Duration) -> Error {
        self.0.total.increment();
        let why = format!("no answer within the {limit:?} that a call may take");
        Error::by_layer(DEADLINE, Code::DeadlineExceeded, why)
    }

    #[cold]
    pub(crate) fn attempt_expired(&self, limit: Duration) -> Error {
        self.0.attempt.increment();
        let why = format!("no answer within the {limit:?} that an attempt may take");
        // Another replica may be faster.
        Error::by_layer(DEADLINE, Code::DeadlineExceeded, why).with_recovery(Recovery::Retry)
    }
}

fn measure(decision: &str, tally: &Tally) -> Measure {
    Measure {
        name: "kitfox.deadline.decisions",
        help: "Calls and attempts that took too long, attempts that were not begun for want of time, \
               and those that would have been one of these were the layer not dark.",
        labels: vec![("decision", decision.to_owned())],
        reading: Reading::Tally(tally.clone()),
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadlines").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
