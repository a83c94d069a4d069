//! Not more than so many calls in a time, of everybody or of each.
//!
//! By GCRA (the generic cell rate algorithm): one number for each key, no window that jumps.

mod gcra;
mod keys;
mod settings;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::contract::Method;
use kitfox_core::live::LOOK;
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::{
    Context, Endpoint, Error, Layer, LayerName, Metadata, Recovery, Reply, Request, moment,
};
use tokio::time::Instant;

use crate::ring::nanoseconds;
use crate::way::Way;
use crate::{Glance, Live, Mode, Reason, refusal};
use gcra::{Left, Patience, Quota};
use keys::Keys;
pub use settings::{RateLimitHeaders, RateLimitKey, RateLimitSettings};

/// The name of this layer in errors.
pub const RATE_LIMIT: &str = "rate limit";

/// The glance at a limit that is off.
const OFF: u64 = 0;

/// Where in the glance at a limit stands whose calls are counted together, above the interval.
const KIND: u32 = 60;

impl Glance for RateLimitSettings {
    /// Whose calls are counted together, and the quota, where that is all that matters to a call that
    /// passes.
    fn glance(&self) -> [u64; 2] {
        let RateLimitSettings { mode, rate, burst, key, wait, headers, .. } = self;
        let kind = match key {
            RateLimitKey::All => Some(ALL),
            RateLimitKey::Peer => Some(PEER),
            RateLimitKey::Principal => Some(PRINCIPAL),
            RateLimitKey::Method => Some(METHOD),
            RateLimitKey::Header(_) => None,
        };
        let plain = *mode == Mode::On && wait.is_zero() && *headers != RateLimitHeaders::Always;
        let Quota { interval, tolerance } = Quota::new(*rate, *burst);
        match kind {
            _ if *mode == Mode::Off => [OFF, 0],
            Some(kind) if plain && interval < 1 << KIND => [kind << KIND | interval, tolerance],
            _ => [LOOK, 0],
        }
    }
}

const ALL: u64 = 0;
const PEER: u64 = 1;
const PRINCIPAL: u64 = 2;
const METHOD: u64 = 3;

/// Holds calls to a rate. Cloning shares the limit, and so do all methods of one layer.
#[derive(Clone)]
pub struct RateLimit(Arc<State>);

struct State {
    settings: Live<RateLimitSettings>,
    begin: Instant,
    /// The longest wait there ever was, in nanoseconds: somebody may still be in line for it.
    longest: AtomicU64,
    /// Everybody's.
    all: gcra::Cell,
    keys: Keys,
    counts: Counts,
    measures: Measures,
}

#[derive(Default)]
struct Counts {
    refused: Tally,
    delayed: Tally,
    /// What would have been refused where the layer is dark.
    dark: Tally,
    /// Calls of keys that had to share a limit.
    shared: Tally,
}

impl Counts {
    fn measures(&self) -> Measures {
        let measure = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.rate_limit.decisions",
            help: "Calls that a rate limit refused, delayed, or would have refused were it not dark.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        Measures::new(vec![
            measure("refused", &self.refused),
            measure("delayed", &self.delayed),
            measure("dark", &self.dark),
            measure("shared", &self.shared),
        ])
    }
}

impl RateLimit {
    /// A limit of these settings, which may be replaced while calls run.
    #[must_use]
    pub fn new(settings: Live<RateLimitSettings>) -> Self {
        RateLimit::with_keys(settings, Keys::new())
    }

    /// The same for calls that go out: a header is looked for as it goes with them, among those that
    /// layers of the client have added as well.
    #[must_use]
    pub fn outgoing(settings: Live<RateLimitSettings>) -> Self {
        RateLimit::with_keys(settings, Keys::of_outgoing())
    }

    fn with_keys(settings: Live<RateLimitSettings>, keys: Keys) -> Self {
        let counts = Counts::default();
        let (all, measures) = (gcra::Cell::default(), counts.measures());
        let (begin, longest) = (Instant::now(), AtomicU64::new(0));
        RateLimit(Arc::new(State { settings, begin, longest, all, keys, counts, measures }))
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
        let settings = self.0.settings.load();
        let of = match &settings.key {
            RateLimitKey::All => String::new(),
            RateLimitKey::Peer => format!(" for each peer, {} now", self.0.keys.len()),
            RateLimitKey::Principal => format!(" for each principal, {} now", self.0.keys.len()),
            RateLimitKey::Method => format!(" for each method, {} now", self.0.keys.len()),
            RateLimitKey::Header(name) => {
                format!(" for each value of {name}, {} now", self.0.keys.len())
            }
        };
        format!("{}: {}{of}", settings.mode, rate(&settings))
    }
}

/// What becomes of a call.
enum Verdict {
    /// It may go on, at its turn where it has to wait for that.
    Pass {
        turn: Option<Turn>,
        left: Option<Left>,
    },
    Refuse(Error),
}

/// A place in the line. Dropping it gives it back: its caller left.
struct Turn {
    limit: RateLimit,
    /// None where it is everybody's.
    cell: Option<Arc<gcra::Cell>>,
    quota: Quota,
    wait: Duration,
    taken: bool,
}

impl Turn {
    async fn take(mut self) {
        tokio::time::sleep(self.wait).await;
        self.taken = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.taken {
            self.cell.as_deref().unwrap_or(&self.limit.0.all).give_back(self.quota);
        }
    }
}

impl RateLimit {
    /// Waits for the turn of a call that `caller` makes, for whoever is no endpoint.
    pub(crate) async fn pass(&self, context: &Context, caller: &Context) -> Result<(), Error> {
        match self.decide(context, caller, None) {
            Verdict::Refuse(error) => return Err(error),
            Verdict::Pass { turn: Some(turn), .. } => turn.take().await,
            Verdict::Pass { turn: None, .. } => {}
        }
        Ok(())
    }

    /// Whether it is not off.
    pub(crate) fn decides(&self) -> bool {
        self.0.settings.word() != OFF
    }

    /// Whether a call passes about which nothing else is to be said. Where it does not, it may be that
    /// a closer look is needed.
    fn passes(&self, context: &Context, method: &'static Method) -> bool {
        let state = &*self.0;
        let [word, tolerance] = state.settings.words();
        if word == OFF {
            return true;
        }
        if word == LOOK {
            return false;
        }
        state.measures.tell(context);
        let interval = word & ((1 << KIND) - 1);
        let quota = Quota { interval, tolerance };
        let now = nanoseconds(moment::now().saturating_duration_since(state.begin));
        let keys = &state.keys;
        let key = match word >> KIND {
            PEER => keys.peer(context),
            PRINCIPAL => keys.principal(context),
            METHOD => keys.key(method.path),
            _ => return state.all.pass(quota, now),
        };
        keys.pass(key, quota, now)
    }

    /// Decides about a call in `context`, which is one of `whose` calls.
    fn decide(
        &self,
        context: &Context,
        whose: &Context,
        method: Option<&'static Method>,
    ) -> Verdict {
        let state = &*self.0;
        let settings = state.settings.load();
        if settings.mode == Mode::Off {
            return Verdict::Pass { turn: None, left: None };
        }
        state.measures.tell(context);
        let quota = Quota::new(settings.rate, settings.burst);
        let arrived = Instant::now();
        let now = nanoseconds(arrived - state.begin);
        // A call cannot wait for longer than its caller does.
        let patience = match context.deadline() {
            Some(deadline) if !settings.wait.is_zero() => {
                settings.wait.min(deadline.saturating_duration_since(arrived))
            }
            _ => settings.wait,
        };
        let own = state.keys.of(&settings.key, whose, method).map(|key| {
            let found = state.keys.cell(key, settings.keys, now);
            if !found.own {
                state.counts.shared.increment();
            }
            found.cell
        });
        let cell = own.as_deref().unwrap_or(&state.all);
        let longest = state.longest(nanoseconds(settings.wait));
        let patience = if settings.mode == Mode::Dark { 0 } else { nanoseconds(patience) };
        let taken = cell.take_within(quota, now, Patience { own: patience, longest });
        match taken {
            Ok((left, wait)) => {
                let told = settings.headers == RateLimitHeaders::Always;
                let left = (told && settings.mode != Mode::Dark).then_some(left);
                let turn = (!wait.is_zero()).then(|| {
                    state.counts.delayed.increment();
                    context.record("rate_limit.waited", format!("{wait:?}"));
                    Turn { limit: self.clone(), cell: own, quota, wait, taken: false }
                });
                Verdict::Pass { turn, left }
            }
            Err(_) if settings.mode == Mode::Dark => {
                state.counts.dark.increment();
                context.record(RATE_LIMIT, "would have been refused");
                Verdict::Pass { turn: None, left: None }
            }
            Err(after) => {
                state.counts.refused.increment();
                Verdict::Refuse(refused(&settings, after))
            }
        }
    }
}

#[cold]
fn refused(settings: &RateLimitSettings, after: Duration) -> Error {
    let message = format!("{}; again in {} ms", rate(settings), after.as_millis().max(1));
    let mut error = refusal(RATE_LIMIT, Reason::RateLimited, Recovery::After(after), message);
    if settings.headers != RateLimitHeaders::Never {
        let left = Left { calls: 0, full_after: after };
        tell(settings, left, &mut error.metadata_mut().headers);
    }
    error
}

/// Puts what is left into the headers of an answer.
fn tell(settings: &RateLimitSettings, left: Left, headers: &mut Metadata) {
    let (burst, rate) = (f64::from(settings.burst), settings.rate);
    let window = (burst / rate).ceil().max(1.0);
    let after = left.full_after.as_secs_f64().ceil();
    let policy = format!("\"default\";q={burst};w={window}");
    let left = format!("\"default\";r={};t={after}", left.calls);
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", left)] {
        headers.insert(name, &value).expect("letters, digits and quotes are a header's value");
    }
}

fn rate(settings: &RateLimitSettings) -> String {
    format!("{}/s, burst {}", settings.rate, settings.burst)
}

impl State {
    /// How long somebody may be in line for, where calls wait for up to `wait` now.
    fn longest(&self, wait: u64) -> u64 {
        let known = self.longest.load(Ordering::Relaxed);
        if wait > known { self.longest.fetch_max(wait, Ordering::Relaxed).max(wait) } else { known }
    }
}

impl<E: Endpoint> Layer<E> for RateLimit {
    type Endpoint = RateLimitEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> RateLimitEndpoint<E> {
        RateLimitEndpoint { limit: self.clone(), method, inner }
    }
}

/// An endpoint behind a [`RateLimit`].
#[derive(Debug)]
pub struct RateLimitEndpoint<E> {
    pub(crate) limit: RateLimit,
    method: &'static Method,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for RateLimitEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        if self.limit.passes(&request.context, self.method) {
            return Way::On { call: self.inner.call(request) };
        }
        let context = &request.context;
        match self.limit.decide(context, context, Some(self.method)) {
            Verdict::Pass { turn: None, left: None } => Way::On { call: self.inner.call(request) },
            Verdict::Pass { turn, left } => Way::Round { call: self.pass(request, turn, left) },
            Verdict::Refuse(error) => Way::refused(error),
        }
    }
}

impl<E: Endpoint> RateLimitEndpoint<E> {
    /// Waits for the call's turn, and says what is left.
    fn pass(
        &self,
        request: Request,
        turn: Option<Turn>,
        left: Option<Left>,
    ) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async move {
            if let Some(turn) = turn {
                request.context.enter_layer(LayerName::of(RATE_LIMIT));
                turn.take().await;
            }
            let mut answer = self.inner.call(request).await;
            if let Some(left) = left {
                let headers = match &mut answer {
                    Ok(reply) => &mut reply.metadata_mut().headers,
                    Err(error) => &mut error.metadata_mut().headers,
                };
                tell(&self.limit.0.settings.load(), left, headers);
            }
            answer
        })
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimit").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
