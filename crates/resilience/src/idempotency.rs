//! A repeated call gets the answer of the first, and is not done again.
//!
//! The caller says that two calls are one by giving both the same key (the header `Idempotency-Key`,
//! IETF draft `httpapi-idempotency-key-header`). The first is done and its answer kept; a repeated one
//! gets that answer, marked by the header `idempotency-replayed`, and one that comes while the first
//! still runs waits for it. Where the first is given up, one of those that wait does the call. A key
//! belongs to a principal and a method; with another request it is an error, and so is the same
//! request in another codec.
//!
//! Calls of one message each way are kept, of methods that are not safe. What failed and may fare better
//! next time is not kept, so that the next call is done.

mod keys;
mod memory;
mod store;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kitfox_core::contract::{Idempotency as Promise, Method, Shape};
use kitfox_core::meter::{Measure, Measures, Owner, Reading, Tally};
use kitfox_core::setting::{DURATION, Key, Keyed, NUMBER, SIZE, key};
use kitfox_core::{Code, Context, Endpoint, Error, Layer, LayerName, Recovery, Reply, Request};
use tokio::time::{Instant, timeout_at};

use crate::mode::MODE;
use crate::way::Way;
use crate::{Glance, Live, Mode, Reason, refusal};
pub use keys::{IdempotencyKeys, IdempotencyKeysEndpoint};
pub use memory::MemoryStore;
pub use store::{Claim, IdempotencyKey, IdempotencyStore, KeptAnswer, StoreFuture, fingerprint};

/// The name of this layer in errors.
pub const IDEMPOTENCY: &str = "idempotency";

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// How many answers are kept, and for how long.
///
/// ```
/// use std::time::Duration;
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::IdempotencySettings;
///
/// let settings = IdempotencySettings { ttl: Duration::from_secs(3600), ..Default::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct IdempotencySettings {
    /// On by default: it concerns calls that carry a key, and no others.
    pub mode: Mode,
    /// How long an answer is kept, 10 minutes by default: longer than anybody tries again by himself.
    pub ttl: Duration,
    /// How many keys are kept in memory, 10,000 by default.
    pub entries: usize,
    /// How many bytes their answers may have together, 16 MiB by default.
    pub bytes: usize,
    /// How long a call waits for the first one with its key, 30 s by default; never past its deadline.
    pub wait: Duration,
}

impl Default for IdempotencySettings {
    fn default() -> Self {
        IdempotencySettings {
            mode: Mode::On,
            ttl: Duration::from_secs(600),
            entries: 10_000,
            bytes: 16 << 20,
            wait: Duration::from_secs(30),
        }
    }
}

impl Glance for IdempotencySettings {}

impl Keyed for IdempotencySettings {
    const NAME: &'static str = "idempotency";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether a repeated call with an idempotency key gets the answer of the first."),
        key!(DURATION, ttl, "How long an answer is kept."),
        key!(NUMBER, entries, "How many keys are kept in memory."),
        key!(SIZE, bytes, "How many bytes the answers in memory may have together."),
        key!(DURATION, wait, "How long a call waits for the first one with its key; never past its deadline."),
    ];

    fn check(&self) -> Result<(), String> {
        let why = if self.ttl.is_zero() {
            "with a `ttl` of 0 no answer is kept: give more, or the mode `off`"
        } else if self.entries == 0 {
            "with 0 `entries` no call with a key can be done: give more, or the mode `off`"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

/// Keeps answers for repeated calls. Cloning shares the store, and so do all methods of one layer.
#[derive(Clone)]
pub struct Idempotency(Arc<State>);

struct State {
    settings: Live<IdempotencySettings>,
    store: Arc<dyn IdempotencyStore>,
    counts: Counts,
    measures: Measures,
}

#[derive(Default)]
struct Counts {
    /// Calls that got the first answer.
    replayed: Tally,
    /// Calls that waited for the first.
    waited: Tally,
    /// Calls refused: another request, no room, too long a wait.
    refused: Tally,
    /// Calls that would have got another answer, were the layer not dark.
    dark: Tally,
}

impl Counts {
    fn measures(&self) -> Measures {
        let measure = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.idempotency.decisions",
            help: "Calls with an idempotency key that got the first answer, waited for it, were refused, or would have been were the layer not dark.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        Measures::new(vec![
            measure("replayed", &self.replayed),
            measure("waited", &self.waited),
            measure("refused", &self.refused),
            measure("dark", &self.dark),
        ])
    }
}

impl Idempotency {
    /// A layer of these settings, which may be replaced while calls run; answers are in memory.
    #[must_use]
    pub fn new(settings: Live<IdempotencySettings>) -> Self {
        let store = MemoryStore::new(settings.clone());
        Idempotency::with_store(settings, Arc::new(store))
    }

    /// The same with the answers in another store.
    #[must_use]
    pub fn with_store(
        settings: Live<IdempotencySettings>,
        store: Arc<dyn IdempotencyStore>,
    ) -> Self {
        let counts = Counts::default();
        let measures = counts.measures();
        Idempotency(Arc::new(State { settings, store, counts, measures }))
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
        let State { settings, store, .. } = &*self.0;
        let settings = settings.load();
        format!("{}: for {:?}; {}", settings.mode, settings.ttl, store.describe())
    }
}

/// What is to be done with a call.
enum Decision {
    /// Do it, and keep its answer under this claim.
    Do(u64),
    /// Do it and keep nothing: the layer is dark.
    Pass,
    Answer(KeptAnswer),
}

impl State {
    async fn decide(
        &self,
        key: &IdempotencyKey,
        request: u64,
        context: &Context,
    ) -> Result<Decision, Error> {
        let settings = self.settings.whole();
        let mut end = None;
        let mut waited = false;
        loop {
            let claim = self.store.claim(key, request).await;
            let is_new = matches!(claim, Ok(Claim::New(_)));
            if settings.mode == Mode::Dark && !is_new {
                self.would_not(context);
                return Ok(Decision::Pass);
            }
            let over = match claim? {
                Claim::New(claim) => return Ok(Decision::Do(claim)),
                Claim::Kept(answer) => {
                    self.counts.replayed.increment();
                    context.record(IDEMPOTENCY, "replayed");
                    return Ok(Decision::Answer(answer));
                }
                Claim::OtherRequest => return Err(self.refused(other_request())),
                Claim::Full => return Err(self.refused(no_room())),
                Claim::Running(over) => over,
            };
            if !std::mem::replace(&mut waited, true) {
                self.counts.waited.increment();
                context.enter_layer(LayerName::of(IDEMPOTENCY));
            }
            let patience = *end.get_or_insert_with(|| Instant::now() + settings.wait);
            let until = context.deadline().map_or(patience, |deadline| deadline.min(patience));
            if timeout_at(until, over).await.is_err() {
                return Err(self.refused(still_runs(until < patience)));
            }
        }
    }

    fn would_not(&self, context: &Context) {
        self.counts.dark.increment();
        context.record(IDEMPOTENCY, "would not have been done");
    }

    fn refused(&self, error: Error) -> Error {
        self.counts.refused.increment();
        error
    }
}

/// A claim that is given back where its call is given up or its answer is not kept.
struct Claimed<'a> {
    state: &'a State,
    key: &'a IdempotencyKey,
    claim: Option<u64>,
}

impl Claimed<'_> {
    async fn settle(mut self, kept: Option<KeptAnswer>) {
        let (Some(claim), Some(kept)) = (self.claim, kept) else { return };
        let ttl = self.state.settings.load().ttl;
        self.state.store.keep(self.key, claim, kept, ttl).await;
        self.claim = None;
    }
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim {
            self.state.store.release(self.key, claim);
        }
    }
}

impl<E: Endpoint> Layer<E> for Idempotency {
    type Endpoint = IdempotencyEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> IdempotencyEndpoint<E> {
        let concerned = method.shape == Shape::Unary && method.idempotency != Promise::Safe;
        let layer = concerned.then(|| self.clone());
        IdempotencyEndpoint { layer, method: method.path, inner }
    }
}

/// An endpoint whose repeated calls get the first answer.
#[derive(Debug)]
pub struct IdempotencyEndpoint<E> {
    /// None where the method has nothing to repeat.
    layer: Option<Idempotency>,
    method: &'static str,
    inner: E,
}

impl<E: Endpoint> Endpoint for IdempotencyEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        if let Some(layer) = &self.layer
            && let Some(key) = IdempotencyKey::of(&request.context, self.method)
            && layer.0.settings.load().mode != Mode::Off
        {
            return Way::Round { call: Box::pin(self.keyed(&layer.0, key, request)) };
        }
        Way::On { call: self.inner.call(request) }
    }
}

impl<E: Endpoint> IdempotencyEndpoint<E> {
    async fn keyed(
        &self,
        state: &State,
        key: IdempotencyKey,
        request: Request,
    ) -> Result<Reply, Error> {
        let context = &request.context;
        state.measures.tell(context);
        if key.key.is_empty() || key.key.len() > LONGEST {
            if state.settings.load().mode != Mode::Dark {
                return Err(state.refused(no_key(key.key.len())));
            }
            state.would_not(context);
            return self.inner.call(request).await;
        }
        let Some(print) = fingerprint(&request.payload) else {
            return self.inner.call(request).await;
        };
        match state.decide(&key, print, context).await? {
            Decision::Pass => self.inner.call(request).await,
            Decision::Answer(kept) => mark(kept.into_answer()),
            Decision::Do(claim) => {
                let claimed = Claimed { state, key: &key, claim: Some(claim) };
                let answer = self.inner.call(request).await;
                claimed.settle(KeptAnswer::of(&answer)).await;
                answer
            }
        }
    }
}

/// Says that the answer is that of an earlier call.
fn mark(mut answer: Result<Reply, Error>) -> Result<Reply, Error> {
    let headers = match &mut answer {
        Ok(reply) => &mut reply.metadata_mut().headers,
        Err(error) => &mut error.metadata_mut().headers,
    };
    headers.insert("idempotency-replayed", "true").expect("these are a header's name and value");
    answer
}

#[cold]
fn other_request() -> Error {
    let why = "the idempotency key was used for another request: give each call a key of its own, and repeat a call as it was";
    refusal(IDEMPOTENCY, Reason::KeyReused, Recovery::No, why)
}

#[cold]
fn still_runs(by_deadline: bool) -> Error {
    if by_deadline {
        let why = "the deadline came while the first call with this idempotency key still ran";
        return refusal(IDEMPOTENCY, Reason::NoTimeLeft, Recovery::No, why);
    }
    let why = "the first call with this idempotency key still runs";
    refusal(IDEMPOTENCY, Reason::KeyInUse, Recovery::After(Duration::from_secs(1)), why)
}

#[cold]
fn no_room() -> Error {
    let why = "too many calls with idempotency keys run at the same time";
    refusal(IDEMPOTENCY, Reason::QueueFull, Recovery::NeverProcessed, why)
}

#[cold]
fn no_key(length: usize) -> Error {
    let why = format!("an idempotency key has 1 to {LONGEST} bytes, and this one has {length}");
    Error::by_layer(IDEMPOTENCY, Code::InvalidArgument, why)
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Idempotency").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
