//! A call that takes longer than usual is sent once more, elsewhere, and the first good answer wins;
//! the other attempt is cancelled.
//!
//! It is for methods that change nothing, and cuts the latency of the slowest few (Dean and Barroso,
//! "The Tail at Scale", 2013): sent after the latency that 95 % of the recent attempts stayed below,
//! it adds a twentieth to the load, which is spent from the same [`Budget`] as retries.

mod latency;
mod race;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use kitfox_core::contract::{Idempotency, Method};
use kitfox_core::live::LOOK;
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::setting::{
    DURATION, Form, Key, Keyed, NUMBER_32, SWITCH, key, parse_duration, show_duration,
};
use kitfox_core::{Body, Context, Endpoint, Error, Layer, LayerName, Reply, Request};
use pin_project_lite::pin_project;

use crate::mode::MODE;
use crate::{Budget, Glance, Live, Mode};
pub(crate) use latency::Latencies;
pub(crate) use race::{Answer, Race};

/// The name of this layer in the records of calls.
pub const HEDGE: &str = "hedge";

/// When a call is sent once more before it has failed.
///
/// ```
/// use std::time::Duration;
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::{HedgeAfter, HedgeSettings};
///
/// let mut settings = HedgeSettings::default();
/// assert_eq!(settings.after, HedgeAfter::Percentile(0.95));
/// settings.set("after", "50ms").unwrap();
/// assert_eq!(settings.after, HedgeAfter::Time(Duration::from_millis(50)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HedgeSettings {
    /// Off by default: a service must be able to bear it.
    pub mode: Mode,
    /// After how long: after the 95th percentile by default.
    pub after: HedgeAfter,
    /// How many attempts more, each after as long again: 1 by default.
    pub most: u32,
    /// Not earlier than this, whatever the percentile is: 1 ms by default.
    pub least: Duration,
    /// Whether methods that are idempotent are hedged, and not only safe ones. Both attempts may be
    /// processed, in any order. Not by default.
    pub idempotent: bool,
}

/// After how long a call is sent once more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HedgeAfter {
    /// When it takes longer than this share of the method's recent attempts.
    Percentile(f64),
    /// After this time.
    Time(Duration),
}

impl Default for HedgeSettings {
    fn default() -> Self {
        HedgeSettings {
            mode: Mode::Off,
            after: HedgeAfter::Percentile(0.95),
            most: 1,
            least: Duration::from_millis(1),
            idempotent: false,
        }
    }
}

const AFTER: Form<HedgeAfter> = Form {
    expects: "a percentile such as `p95` or `p99.9`, or a time such as `50ms`",
    parse: |text| match text.strip_prefix('p') {
        Some(number) => {
            let percent = number.parse().ok().filter(|percent| (0.0..100.0).contains(percent));
            percent.map(|percent: f64| HedgeAfter::Percentile(percent / 100.0))
        }
        None => parse_duration(text).map(HedgeAfter::Time),
    },
    show: |after| match after {
        HedgeAfter::Percentile(share) => format!("p{}", (share * 1e5).round() / 1e3),
        HedgeAfter::Time(time) => show_duration(time),
    },
};

impl Keyed for HedgeSettings {
    const NAME: &'static str = "hedge";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls that take longer than usual are sent once more."),
        key!(AFTER, after, "After how long."),
        key!(NUMBER_32, most, "How many attempts more, each after as long again."),
        key!(DURATION, least, "Not earlier than this, whatever the percentile is."),
        key!(SWITCH, idempotent, "Whether methods that are idempotent are hedged, and not only safe ones."),
    ];

    fn check(&self) -> Result<(), String> {
        let why = match self.after {
            _ if self.most == 0 => "with `most` at 0 nothing is ever hedged: switch it off instead",
            _ if self.most > 5 => "more than 5 attempts at the same time are an attack: 1 is usual",
            HedgeAfter::Time(time) if time.is_zero() => {
                "hedged after no time, each call would be sent twice: give `after` some"
            }
            HedgeAfter::Percentile(share) if !(0.5..1.0).contains(&share) => {
                "a percentile below p50 would send more than every second call twice: p95 is usual"
            }
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }
}

/// The glance at hedges that are off.
const NEVER: u64 = 0;

impl Glance for HedgeSettings {
    fn glance(&self) -> [u64; 2] {
        [if self.mode == Mode::Off { NEVER } else { LOOK }, 0]
    }
}

/// Sends calls once more that take long. Cloning shares its counts and its budget; latencies are
/// each method's own. It stands within [`Retry`](crate::Retry).
#[derive(Clone)]
pub struct Hedge(Arc<State>);

struct State {
    settings: Live<HedgeSettings>,
    budget: Budget,
    counts: Counts,
    measures: Measures,
    name: LayerName,
}

#[derive(Default)]
struct Counts {
    sent: Tally,
    /// Hedges that were faster.
    won: Tally,
    /// For want of budget.
    denied: Tally,
    /// What would have been sent where the layer is dark.
    dark: Tally,
}

impl Counts {
    fn measures(&self) -> Measures {
        let measure = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.hedge.decisions",
            help: "Hedges that were sent, that won, that the budget denied, or that would have been \
                   sent were the layer not dark.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        Measures::new(vec![
            measure("sent", &self.sent),
            measure("won", &self.won),
            measure("denied", &self.denied),
            measure("dark", &self.dark),
        ])
    }
}

/// What is known of a call when it begins.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    mode: Mode,
    most: u32,
    /// None while latencies are only gathered.
    delay: Option<Duration>,
}

impl Hedge {
    /// Hedges of these settings, which may be replaced while calls run, within `budget`.
    #[must_use]
    pub fn new(settings: Live<HedgeSettings>, budget: Budget) -> Self {
        let counts = Counts::default();
        let measures = counts.measures();
        let name = LayerName::of(HEDGE);
        Hedge(Arc::new(State { settings, budget, counts, measures, name }))
    }

    /// The same, whose measures say what it belongs to. All its clones do from then on.
    #[must_use]
    pub fn of(self, owner: &Owner) -> Self {
        self.0.measures.belong(owner);
        self
    }

    /// One line for whoever asks what the layer does.
    #[must_use]
    pub fn describe(&self) -> String {
        let (settings, counts) = (self.0.settings.load(), &self.0.counts);
        let after = (AFTER.show)(&settings.after);
        format!(
            "{}: {} more after {after}; {} sent so far, {} won",
            settings.mode,
            settings.most,
            counts.sent.value(),
            counts.won.value()
        )
    }

    /// Whether it is not off.
    pub(crate) fn decides(&self) -> bool {
        self.0.settings.word() != NEVER
    }

    /// What is to be done with a call that begins; nothing where it is not hedged. `repeatable` is one
    /// that may be made twice at the same time, `latencies` are those of its like.
    pub(crate) fn plan(
        &self,
        context: &Context,
        repeatable: impl FnOnce(&HedgeSettings) -> bool,
        latencies: &Latencies,
    ) -> Option<Plan> {
        let settings = self.0.settings.load();
        let HedgeSettings { mode, after, most, least, .. } = **settings;
        if mode == Mode::Off || !repeatable(&settings) {
            return None;
        }
        self.0.measures.tell(context);
        let delay = match after {
            HedgeAfter::Time(time) => Some(time),
            HedgeAfter::Percentile(_) => latencies.percentile(),
        };
        Some(Plan { mode, most, delay: delay.map(|delay| delay.max(least)) })
    }

    /// An attempt took so long.
    fn took(&self, latencies: &Latencies, latency: Duration) {
        if let HedgeAfter::Percentile(share) = self.0.settings.load().after {
            latencies.add(latency, share);
        }
    }
}

impl<E: Endpoint> Layer<E> for Hedge {
    type Endpoint = HedgeEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> HedgeEndpoint<E> {
        let (idempotency, latencies) = (method.idempotency, Latencies::new());
        let never = idempotency == Idempotency::None;
        HedgeEndpoint { hedge: self.clone(), never, idempotency, latencies, inner }
    }
}

/// An endpoint behind a [`Hedge`].
pub struct HedgeEndpoint<E> {
    hedge: Hedge,
    /// Whatever it is set to.
    never: bool,
    idempotency: Idempotency,
    latencies: Latencies,
    pub(crate) inner: E,
}

impl<E> HedgeEndpoint<E> {
    /// Whether a call may be hedged.
    pub(crate) fn decides(&self) -> bool {
        !self.never && self.hedge.decides()
    }
}

impl<E: Endpoint> HedgeEndpoint<E> {
    fn race<F, S>(&self, request: &Request, send: S) -> Option<Box<Race<'_, Request, S, F>>>
    where
        F: Future<Output = Result<Reply, Error>>,
        S: FnMut(&Request, u32) -> Option<F>,
    {
        let Body::Unary(_) = request.payload.body() else { return None };
        let safe = self.idempotency == Idempotency::Safe;
        let repeatable = |settings: &HedgeSettings| safe || settings.idempotent;
        let plan = self.hedge.plan(&request.context, repeatable, &self.latencies)?;
        let spare = request.try_clone()?;
        Some(Box::new(Race::new(&self.hedge, &self.latencies, plan, spare, send)))
    }
}

impl<E: Endpoint> Endpoint for HedgeEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let send = |spare: &Request, number| {
            let mut request = spare.try_clone()?;
            request.context = request.context.with_attempt(request.context.attempt() + number);
            Some(self.inner.call(request))
        };
        let race = if self.decides() { self.race(&request, send) } else { None };
        First { call: self.inner.call(request), race }
    }
}

pin_project! {
    /// A call, which is the first attempt, and what races with it.
    struct First<'a, S, F> {
        #[pin]
        call: F,
        // In a box: every call is as large as its future, and most are not hedged.
        race: Option<Box<Race<'a, Request, S, F>>>,
    }
}

impl<S, F> Future for First<'_, S, F>
where
    S: FnMut(&Request, u32) -> Option<F>,
    F: Future<Output = Result<Reply, Error>>,
{
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.race {
            None => this.call.poll(cx),
            Some(race) => race.poll(this.call, cx),
        }
    }
}

impl<E> fmt::Debug for HedgeEndpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeEndpoint").field("hedge", &self.hedge).finish_non_exhaustive()
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hedge").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
