//! How many more calls than were asked for: what retries and hedges may spend together.
//!
//! A share of the calls of the last ten seconds (Finagle's `RetryBudget`, tower's `TpsBudget`), *and* a
//! share of those in flight (Envoy's): the first means nothing in a burst, the second nothing where
//! few calls are in flight. Both must allow it, and it is spent before the pause that precedes a
//! retry, so that retries that wait are counted.

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use kitfox_core::contract::Method;
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::setting::{Key, Keyed, NUMBER_32, REAL, SHARE, key};
use kitfox_core::{Body, Context, Endpoint, Error, Layer, Reply, Request};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::mode::MODE;
use crate::ring::{Ring, nanoseconds};
use crate::{Glance, Live, Mode};

/// The name of this layer in the records of calls.
pub const BUDGET: &str = "budget";

const WINDOW: Duration = Duration::from_secs(10);

/// How many calls go by between two looks at the clock: as many may be counted a little late.
const UNTIMED: u64 = 64;

const CALLS: usize = 0;
const EXTRA: usize = 1;

/// What retries and hedges may spend.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::BudgetSettings;
///
/// let mut settings = BudgetSettings::default();
/// settings.set("share", "0.1").unwrap();
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetSettings {
    /// On by default.
    pub mode: Mode,
    /// Of the calls of the last ten seconds so many may be sent once more: 0.2 by default (Finagle).
    pub share: f64,
    /// So many in a second always may: 10 by default (Finagle), for services that few call.
    pub floor: f64,
    /// Of the calls in flight so many may be sent once more at the same time: 0.2 by default (Envoy).
    pub in_flight: f64,
    /// So many at the same time always may: 10 by default. With Envoy's 3, most of what a replica had
    /// in flight when it was killed would not be sent again, where few calls are in flight.
    pub least: u32,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        BudgetSettings { mode: Mode::On, share: 0.2, floor: 10.0, in_flight: 0.2, least: 10 }
    }
}

impl Keyed for BudgetSettings {
    const NAME: &'static str = "budget";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether retries and hedges are held to the budget."),
        key!(SHARE, share, "Of the calls of the last ten seconds, how many may be sent once more."),
        key!(REAL, floor, "How many in a second always may."),
        key!(SHARE, in_flight, "Of the calls in flight, how many may be sent once more at the same time."),
        key!(NUMBER_32, least, "How many at the same time always may."),
    ];

    fn check(&self) -> Result<(), String> {
        let why = if !(0.0..=1.0).contains(&self.share) || !(0.0..=1.0).contains(&self.in_flight) {
            "`share` and `in_flight` are shares from 0 to 1: 0.2 is one call in five"
        } else if !self.floor.is_finite() || self.floor < 0.0 {
            "`floor` is a number of calls in a second: give 0 or more"
        } else if self.least == 0 && self.in_flight <= 0.0 {
            "with `least` and `in_flight` at 0 nothing is ever sent twice: switch retries off instead"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

impl Glance for BudgetSettings {}

/// The budget of one service's retries and hedges, and the layer that counts its calls: it stands
/// around both. Cloning shares it, and so do all methods.
#[derive(Clone)]
pub struct Budget(Arc<State>);

struct State {
    settings: Live<BudgetSettings>,
    start: Instant,
    /// Calls that began, and that ended. Two, so that a call costs two additions and no more.
    begun: AtomicU64,
    ended: AtomicU64,
    /// Retries and hedges that wait or are in flight.
    extra: AtomicU64,
    recent: Mutex<Recent>,
    spent: Tally,
    denied: Tally,
    /// What would have been denied where the budget is dark.
    dark: Tally,
    measures: Measures,
}

struct Recent {
    ring: Ring<2>,
    /// Of the calls that began, those that are in the ring.
    seen: u64,
}

/// Why nothing more may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Denied {
    InFlight { extra: u64, calls: u64 },
    Recent { extra: u64, calls: u64 },
}

impl Budget {
    /// A budget of these settings, which may be replaced while calls run.
    #[must_use]
    pub fn new(settings: Live<BudgetSettings>) -> Self {
        let [spent, denied, dark] = [(); 3].map(|()| Tally::default());
        let measures = Measures::new(vec![
            measure("spent", &spent),
            measure("denied", &denied),
            measure("dark", &dark),
        ]);
        let recent = Mutex::new(Recent { ring: Ring::new(WINDOW), seen: 0 });
        let [begun, ended, extra] = [(); 3].map(|()| AtomicU64::new(0));
        let start = Instant::now();
        Budget(Arc::new(State {
            settings,
            start,
            begun,
            ended,
            extra,
            recent,
            spent,
            denied,
            dark,
            measures,
        }))
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
        let (settings, [calls, extra]) = (self.0.settings.load(), self.0.recent());
        format!(
            "{}: {} % of calls and {}/s; in the last 10 s {extra} of {calls} calls, {} in flight now",
            settings.mode,
            settings.share * 100.0,
            settings.floor,
            self.0.extra.load(Ordering::Relaxed),
        )
    }

    /// A call begins. It ends when the guard is dropped.
    #[inline]
    pub(crate) fn begin(&self, context: &Context) -> InFlight<'_> {
        self.0.measures.tell(context);
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(UNTIMED) {
            self.look();
        }
        InFlight(self)
    }

    /// How many calls are not over.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> u64 {
        self.0.in_flight()
    }

    #[cold]
    fn look(&self) {
        self.0.recent();
    }

    /// Spends the sending of one call more, which is under way until the guard is dropped.
    pub(crate) fn spend(&self, context: &Context) -> Result<Spent<'_>, Denied> {
        let state = &*self.0;
        let settings = state.settings.load();
        let denied = match state.take(&settings) {
            Ok(()) => {
                state.spent.increment();
                return Ok(Spent(state));
            }
            Err(denied) => denied,
        };
        if settings.mode == Mode::On {
            state.denied.increment();
            return Err(denied);
        }
        if settings.mode == Mode::Dark {
            state.dark.increment();
            context.record(BUDGET, format!("would have denied it: {denied}"));
        }
        state.extra.fetch_add(1, Ordering::Relaxed);
        Ok(Spent(state))
    }
}

impl State {
    /// What was counted in the last ten seconds.
    fn recent(&self) -> [u64; 2] {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        self.look(&mut recent)
    }

    fn look(&self, recent: &mut Recent) -> [u64; 2] {
        recent.ring.advance(nanoseconds(self.start.elapsed()));
        let begun = self.begun.load(Ordering::Relaxed);
        recent.ring.add(CALLS, begun.saturating_sub(recent.seen));
        recent.seen = begun;
        recent.ring.sums()
    }

    fn in_flight(&self) -> u64 {
        let ended = self.ended.load(Ordering::Relaxed);
        self.begun.load(Ordering::Relaxed).saturating_sub(ended)
    }

    fn take(&self, settings: &BudgetSettings) -> Result<(), Denied> {
        let calls = self.in_flight();
        let most = share(settings.in_flight, calls).max(u64::from(settings.least));
        let more = |extra| (extra < most).then_some(extra + 1);
        self.extra
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map_err(|extra| Denied::InFlight { extra, calls })?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let [calls, extra] = self.look(&mut recent);
        let most = share(settings.share, calls) + share(settings.floor, WINDOW.as_secs());
        if extra >= most {
            self.extra.fetch_sub(1, Ordering::Relaxed);
            return Err(Denied::Recent { extra, calls });
        }
        recent.ring.add(EXTRA, 1);
        Ok(())
    }
}

fn share(share: f64, whole: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a count of calls is far below 2^52, and a float saturates"
    )]
    // So that 20 % of 5 is 1, whatever is lost of it.
    let part = share.mul_add(whole as f64, 1e-6) as u64;
    part
}

fn measure(decision: &str, tally: &Tally) -> Measure {
    Measure {
        name: "kitfox.budget.decisions",
        help: "Retries and hedges that were spent, denied, or would have been denied were it not dark.",
        labels: vec![("decision", decision.to_owned())],
        reading: Reading::Tally(tally.clone()),
    }
}

/// A call that is not over.
pub(crate) struct InFlight<'a>(&'a Budget);

impl InFlight<'_> {
    /// The call was answered. Where that is a stream, the call is over when the stream is.
    pub(crate) fn answered(self, reply: &mut Reply) {
        if let Body::Stream(_) = reply.payload().body() {
            let budget = ManuallyDrop::new(self).0;
            reply.hold(Kept(budget.clone()));
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A call whose answer is a stream that is open.
struct Kept(Budget);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// One call more, while it waits or is under way.
pub(crate) struct Spent<'a>(&'a State);

impl Drop for Spent<'_> {
    fn drop(&mut self) {
        self.0.extra.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<E: Endpoint> Layer<E> for Budget {
    type Endpoint = BudgetEndpoint<E>;

    fn layer(&self, _: &'static Method, inner: E) -> BudgetEndpoint<E> {
        BudgetEndpoint { budget: self.clone(), inner }
    }
}

/// An endpoint whose calls a [`Budget`] counts.
#[derive(Debug)]
pub struct BudgetEndpoint<E> {
    pub(crate) budget: Budget,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for BudgetEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let in_flight = Some(self.budget.begin(&request.context));
        Counted { call: self.inner.call(request), in_flight }
    }
}

pin_project! {
    struct Counted<'a, F> {
        #[pin]
        call: F,
        in_flight: Option<InFlight<'a>>,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Counted<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.call.poll(cx));
        let in_flight = this.in_flight.take();
        if let (Ok(reply), Some(in_flight)) = (&mut answer, in_flight) {
            in_flight.answered(reply);
        }
        Poll::Ready(answer)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Budget").field(&self.describe()).finish()
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denied::InFlight { extra, calls } => {
                write!(
                    f,
                    "{extra} retries for {calls} calls in flight are as many as the budget allows"
                )
            }
            Denied::Recent { extra, calls } => {
                write!(
                    f,
                    "{extra} retries for {calls} calls in 10 s are as many as the budget allows"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests;
