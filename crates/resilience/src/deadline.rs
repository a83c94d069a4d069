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

mod limited;
mod plan;
mod settings;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use kitfox_core::contract::Method;
use kitfox_core::live::LOOK;
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::{
    Code, Context, Endpoint, Error, Layer, Origin, Recovery, Reply, Request, moment,
};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::way::Way;
use crate::{Glance, Live, Mode, Reason, refusal};
use limited::Limited;
pub(crate) use limited::limited;
pub(crate) use plan::Plan;
use plan::Watch;
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

/// The [`Deadlines`] of whole calls, as a layer around retries.
#[derive(Clone, Debug)]
pub struct TotalDeadline(Deadlines);

/// The [`Deadlines`] of attempts, as a layer within retries and breakers.
#[derive(Clone, Debug)]
pub struct AttemptDeadline(Deadlines);

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

impl<E: Endpoint> Layer<E> for TotalDeadline {
    type Endpoint = TotalDeadlineEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> TotalDeadlineEndpoint<E> {
        let streams = method.shape.streams_out();
        TotalDeadlineEndpoint { deadlines: self.0.clone(), streams, inner }
    }
}

/// An endpoint behind a [`TotalDeadline`].
#[derive(Debug)]
pub struct TotalDeadlineEndpoint<E> {
    pub(crate) deadlines: Deadlines,
    pub(crate) streams: bool,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for TotalDeadlineEndpoint<E> {
    fn call(&self, mut request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let plan = self.deadlines.plan_total(&request.context);
        if !self.streams {
            plan.tighten(&mut request.context);
        }
        let watch = plan.watch(&self.deadlines, &request.context);
        let call = self.inner.call(request);
        Timed::new(call, &plan, watch, &self.deadlines, Deadlines::total_expired)
    }
}

impl<E: Endpoint> Layer<E> for AttemptDeadline {
    type Endpoint = AttemptDeadlineEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> AttemptDeadlineEndpoint<E> {
        let streams = method.shape.streams_out();
        AttemptDeadlineEndpoint { deadlines: self.0.clone(), streams, inner }
    }
}

/// An endpoint behind an [`AttemptDeadline`].
#[derive(Debug)]
pub struct AttemptDeadlineEndpoint<E> {
    deadlines: Deadlines,
    streams: bool,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for AttemptDeadlineEndpoint<E> {
    fn call(&self, mut request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let plan = match self.deadlines.plan_attempt(&request.context) {
            Ok(plan) => plan,
            Err(error) => return Way::refused(error),
        };
        if !self.streams {
            plan.tighten(&mut request.context);
        }
        let watch = plan.watch(&self.deadlines, &request.context);
        let call = self.inner.call(request);
        let expired = Deadlines::attempt_expired;
        let mut call = Timed::new(call, &plan, watch, &self.deadlines, expired);
        call.told = !self.streams;
        Way::On { call }
    }
}

pin_project! {
    /// A call until the end of its plan.
    pub(crate) struct Timed<'a, F> {
        #[pin]
        call: Limited<F>,
        deadlines: &'a Deadlines,
        limit: Duration,
        // Whether the peer knows of the end, and may say first that it has come.
        told: bool,
        expired: fn(&Deadlines, Duration) -> Error,
        // Until the call is over: what it says then is in the call's record.
        watch: Option<Watch>,
    }
}

impl<'a, F: Future<Output = Result<Reply, Error>>> Timed<'a, F> {
    pub(crate) fn new(
        call: F,
        plan: &Plan,
        watch: Option<Watch>,
        deadlines: &'a Deadlines,
        expired: fn(&Deadlines, Duration) -> Error,
    ) -> Self {
        let (limit, call) = (plan.limit, limited(plan.deadline, call));
        Timed { call, deadlines, limit, told: false, expired, watch }
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Timed<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let end = if *this.told { this.call.deadline } else { None };
        this.call.poll(cx).map(|answer| {
            drop(this.watch.take());
            let expired = || (this.expired)(this.deadlines, *this.limit);
            match answer {
                Ok(Err(error)) if is_same_end(&error, end) => Err(expired().with_source(error)),
                Ok(answer) => answer,
                Err(_) => Err(expired()),
            }
        })
    }
}

/// How much earlier than ours the deadline of a peer may come, that was told of it in whole milliseconds.
const ROUNDED: Duration = Duration::from_millis(2);

/// Whether it is the peer that says first that this deadline has come, and nothing besides.
fn is_same_end(error: &Error, deadline: Option<Instant>) -> bool {
    error.code() == Code::DeadlineExceeded
        && error.origin() == Origin::Peer
        && error.recovery() == Recovery::No
        && error.details().is_empty()
        && deadline.is_some_and(|deadline| deadline <= Instant::now() + ROUNDED)
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadlines").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
