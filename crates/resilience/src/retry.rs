//! A call that failed is made again, where that may help and can do no harm.
//!
//! It may help where the failure says so ([`Recovery`]): the service is unavailable, or says when to
//! come back. It can do no harm where the method is idempotent, the call carries an idempotency key, or
//! it was certainly never processed. Every attempt but the first waits (full jitter, or as long as
//! the service says) and is spent from a [`Budget`] before it does. What failed for good goes up as
//! [`Recovery::Exhausted`], so that nobody above tries it again and a chain of services does not
//! multiply its attempts. Three attempts at most: Google's SRE book, "Handling Overload".

mod backoff;
mod policy;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::contract::{Idempotency, Method};
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::setting::{DURATION, Key, Keyed, NUMBER_32, SIZE, key};
use kitfox_core::{Body, Context, Endpoint, Error, Layer, LayerName, Payload, Reply, Request};
use pin_project_lite::pin_project;

use crate::mode::MODE;
use crate::{Budget, Glance, Live, Mode};
pub(crate) use policy::{Attempts, Stop, invites, is_worth_it};

/// The name of this layer in the causes of errors.
pub const RETRY: &str = "retry";

/// When a call is made again.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::RetrySettings;
///
/// let mut settings = RetrySettings::default();
/// assert_eq!(settings.attempts, 3);
/// settings.set("base", "10ms").unwrap();
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RetrySettings {
    /// On by default.
    pub mode: Mode,
    /// How many attempts there are at one call, with the first: 3 by default (SRE).
    pub attempts: u32,
    /// The first pause is up to this long, and each further one up to twice as long: 25 ms by
    /// default (Envoy).
    pub base: Duration,
    /// No pause of ours is longer: 250 ms by default (Envoy).
    pub cap: Duration,
    /// A service may ask for a pause of at most this long; where it asks for more, the call fails at
    /// once. 10 s by default.
    pub patience: Duration,
    /// A request with more bytes is sent only once: 64 KiB by default (Linkerd).
    pub body: usize,
}

impl Default for RetrySettings {
    fn default() -> Self {
        RetrySettings {
            mode: Mode::On,
            attempts: 3,
            base: Duration::from_millis(25),
            cap: Duration::from_millis(250),
            patience: Duration::from_secs(10),
            body: 64 * 1024,
        }
    }
}

impl Keyed for RetrySettings {
    const NAME: &'static str = "retry";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls that failed are made again."),
        key!(NUMBER_32, attempts, "How many attempts there are at one call, with the first."),
        key!(DURATION, base, "The first pause is up to this long, and each further one up to twice as long."),
        key!(DURATION, cap, "No pause of ours is longer."),
        key!(DURATION, patience, "A service may ask for a pause of at most this long."),
        key!(SIZE, body, "A request with more bytes is sent only once."),
    ];

    fn check(&self) -> Result<(), String> {
        let why = if self.attempts == 0 {
            "0 `attempts` would send nothing: give 1 for no retries, or 2 or more"
        } else if self.attempts > 10 {
            "more than 10 `attempts` only make an outage worse: 3 are usual, gRPC stops at 5"
        } else if self.cap < self.base {
            "`cap` is the longest pause and cannot be shorter than `base`, the first one"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

/// The glance at retries that are off.
const ONCE: u64 = 0;

impl Glance for RetrySettings {
    /// One more than the bytes of the largest request that is sent again.
    fn glance(&self) -> [u64; 2] {
        if self.mode == Mode::Off || self.attempts <= 1 {
            return [ONCE, 0];
        }
        [(self.body as u64).saturating_add(1), 0]
    }
}

/// Makes calls again that failed. Cloning shares its counts and its budget, and so do all methods.
#[derive(Clone)]
pub struct Retry(Arc<State>);

struct State {
    settings: Live<RetrySettings>,
    budget: Budget,
    counts: Counts,
    measures: Measures,
}

#[derive(Default)]
struct Counts {
    retried: Tally,
    /// Why calls were given up.
    attempts: Tally,
    budget: Tally,
    late: Tally,
    /// What would have been retried where the layer is dark.
    dark: Tally,
}

impl Counts {
    fn measures(&self) -> Measures {
        let measure = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.retry.decisions",
            help: "Calls that were made again, given up (after their attempts, for want of budget, \
                   for want of time), or would have been made again were the layer not dark.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        Measures::new(vec![
            measure("retried", &self.retried),
            measure("attempts", &self.attempts),
            measure("budget", &self.budget),
            measure("late", &self.late),
            measure("dark", &self.dark),
        ])
    }
}

impl Retry {
    /// Retries of these settings, which may be replaced while calls run, within `budget`, a layer of
    /// its own that stands around this one.
    #[must_use]
    pub fn new(settings: Live<RetrySettings>, budget: Budget) -> Self {
        let counts = Counts::default();
        let measures = counts.measures();
        Retry(Arc::new(State { settings, budget, counts, measures }))
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
        let RetrySettings { mode, attempts, base, cap, .. } = &**settings;
        format!(
            "{mode}: {attempts} attempts, pauses from {base:?} to {cap:?}; {} retried so far",
            self.0.counts.retried.value()
        )
    }

    /// A call begins; nothing where it will not be made again.
    pub(crate) fn begin(&self, context: &Context) -> Option<Attempts<'_>> {
        if self.0.settings.word() == ONCE {
            return None;
        }
        self.0.measures.tell(context);
        Some(Attempts::first(self))
    }

    /// Whether a call of this payload is made again, which may be too large for it.
    fn keeps(&self, payload: &Payload) -> bool {
        let most = self.0.settings.word();
        match payload.body() {
            Body::Unary(message) => (message.len() as u64) < most,
            Body::Stream(_) => false,
        }
    }
}

impl<E: Endpoint> Layer<E> for Retry {
    type Endpoint = RetryEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> RetryEndpoint<E> {
        let idempotent = method.idempotency != Idempotency::None;
        RetryEndpoint { retry: self.clone(), idempotent, inner }
    }
}

/// An endpoint behind a [`Retry`].
#[derive(Debug)]
pub struct RetryEndpoint<E> {
    retry: Retry,
    idempotent: bool,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for RetryEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let spare = self.spare(&request);
        First { endpoint: self, call: self.inner.call(request), spare, again: None }
    }
}

pin_project! {
    /// A call, which is the first attempt as far as nearly all are concerned.
    struct First<'a, E, F> {
        endpoint: &'a RetryEndpoint<E>,
        #[pin]
        call: F,
        // What would be sent again.
        spare: Option<Request>,
        // In a box, which only a call that failed pays for: every call is as large as its future.
        again: Option<BoxFuture<'a, Result<Reply, Error>>>,
    }
}

impl<E: Endpoint, F: Future<Output = Result<Reply, Error>>> Future for First<'_, E, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let again = match this.again {
            Some(again) => again,
            None => match ready!(this.call.poll(cx)) {
                // A reply that has begun is the answer: nothing after it is ever sent again.
                Ok(reply) => return Poll::Ready(Ok(reply)),
                Err(error) => match this.spare.take() {
                    None => return Poll::Ready(Err(error)),
                    Some(spare) => this.again.insert(Box::pin(this.endpoint.again(spare, error))),
                },
            },
        };
        again.as_mut().poll(cx)
    }
}

impl<E: Endpoint> RetryEndpoint<E> {
    /// What would be sent again; nothing where a call is made only once.
    #[inline]
    pub(crate) fn spare(&self, request: &Request) -> Option<Request> {
        if !self.retry.keeps(&request.payload) {
            return None;
        }
        self.retry.0.measures.tell(&request.context);
        let payload = request.payload.try_clone()?;
        Some(Request::new(request.context.clone(), payload))
    }

    /// Goes on after the first attempt, which failed.
    #[cold]
    pub(crate) async fn again(
        &self,
        mut request: Request,
        mut error: Error,
    ) -> Result<Reply, Error> {
        let first = request.context.attempt();
        let mut attempts = Attempts::first(&self.retry);
        loop {
            let context = &request.context;
            // Between two attempts it is here again.
            context.enter_layer(LayerName::of(RETRY));
            let repeatable = self.idempotent || context.idempotency_key().is_some();
            let repeatable = repeatable && is_worth_it(&error);
            let next = attempts.next(context, error.recovery(), repeatable).await;
            // What the attempt that is on its way has spent.
            let spent = match next {
                Ok(spent) => spent,
                Err(stop) => return Err(given_up(stop, context, error)),
            };
            request.context = request.context.with_attempt(first + attempts.made - 1);
            let spare = request.try_clone();
            error = match self.inner.call(request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            drop(spent);
            request = match spare {
                Some(spare) => spare,
                None => return Err(error),
            };
        }
    }
}

#[cold]
fn given_up(stop: Stop, context: &Context, error: Error) -> Error {
    if let Some(note) = stop.note() {
        context.record(RETRY, note);
    }
    stop.mark(error)
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Retry").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
