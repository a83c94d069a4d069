//! What travels with a call: Go's context, and what a call needs on every wire.
//!
//! A [`Context`] is a cheap clone and never changes under its holder: `with_` makes another one
//! that knows more. A deadline only ever tightens. Two slots are written from inside the call and
//! read outside it: the metadata of the answer ([`Context::respond`]) and what the call's record
//! says of it (its fields, [`Context::record`]; the principal that authentication found; where the
//! call is).

mod cancel;
mod current;
mod headers;
mod own;
mod peer;
mod place;
mod received;
mod trace;
mod travel;
mod tried;
mod values;

use std::borrow::Cow;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use cancel::CancelGuard;
pub use current::Entered;
pub use own::MethodNumber;
pub use peer::{Peer, Principal};
pub use place::LayerName;
pub use received::Received;
pub use trace::{Sampling, TraceContext};
pub use travel::{Baggage, Criticality};

use crate::contract::Route;
use crate::platform::{Random, Task, WallClock};
use crate::record::{Observer, Wire};
use crate::{Code, Error, Metadata, Platform, ResponseMetadata};
use cancel::Cancel;
use own::Own;
use place::Place;
use travel::Travel;
use tried::Tried;
use values::Values;

/// What travels with a call.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use kitfox_core::{Code, Context};
///
/// let cx = Context::background().with_timeout(Duration::from_millis(5));
/// let why = cx.done().await;
/// assert_eq!(why.code(), Code::DeadlineExceeded);
/// # });
/// ```
#[derive(Clone)]
pub struct Context(Arc<Node>);

/// One link of a chain that begins with the call itself.
struct Node {
    parent: Option<Context>,
    cancel: Cancel,
    travel: Travel,
    /// Of the call's first node only.
    call: Option<Call>,
}

/// What all contexts of one call share.
struct Call {
    platform: Option<Platform>,
    peer: Option<Peer>,
    metadata: Metadata,
    idempotency_key: OnceLock<Arc<str>>,
    started: Option<Instant>,
    wire: Wire,
    route: Option<&'static Route>,
    own: Own,
    sampling: Sampling,
    place: Place,
    /// Who is calling, once authentication found out, for whoever stands outside of it.
    principal: OnceLock<Principal>,
    response: Mutex<Option<Box<ResponseMetadata>>>,
    fields: Mutex<Vec<RecordField>>,
    tried: Tried,
}

/// A field of a call's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordField {
    /// What it is: `order`.
    pub name: &'static str,
    /// Its value: `4711`.
    pub value: Cow<'static, str>,
}

/// What a transport knows of a call that comes in, or a test makes up.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Where the call runs.
    pub platform: Option<Platform>,
    /// Who is at the other end of the connection.
    pub peer: Option<Peer>,
    /// Its headers.
    pub metadata: Metadata,
    /// When it came.
    pub started: Option<Instant>,
    /// What carried it.
    pub wire: Wire,
    /// The REST route it came by.
    pub route: Option<&'static Route>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// The caller's span.
    pub trace: Option<TraceContext>,
    /// Who decides whether the trace is recorded.
    pub sampling: Sampling,
    /// The caller's baggage.
    pub baggage: Option<Baggage>,
    /// How many attempts the caller made before this one.
    pub previous_attempts: u32,
    /// The caller's idempotency key.
    pub idempotency_key: Option<Arc<str>>,
    /// What the call is worth.
    pub criticality: Criticality,
}

impl Context {
    /// The context of work that no call asked for: a test, a `main`, a background worker. It has
    /// no deadline and is never cancelled.
    #[must_use]
    pub fn background() -> Self {
        Context::incoming(Incoming::default())
    }

    /// The context of a call that came in.
    #[must_use]
    pub fn incoming(incoming: Incoming) -> Self {
        // Not in the middle of what is made below: it could be moved for it.
        let idempotency_key = once(incoming.idempotency_key);
        let attempt = incoming.previous_attempts.saturating_add(1);
        Context(Arc::new(Node {
            parent: None,
            cancel: Cancel::default(),
            travel: Travel {
                deadline: incoming.deadline,
                trace: incoming.trace,
                traced: false,
                baggage: incoming.baggage,
                principal: None,
                attempt,
                criticality: incoming.criticality,
                values: Values::default(),
                outgoing: None,
                next_key: None,
                received: None,
            },
            // Field by field, where it stands: with the rest of another it would be moved.
            call: Some(Call {
                platform: incoming.platform,
                peer: incoming.peer,
                metadata: incoming.metadata,
                idempotency_key,
                started: incoming.started,
                wire: incoming.wire,
                route: incoming.route,
                own: Own::default(),
                sampling: incoming.sampling,
                place: Place::default(),
                principal: OnceLock::new(),
                response: Mutex::new(None),
                fields: Mutex::new(Vec::new()),
                tried: Tried::default(),
            }),
        }))
    }

    /// The context of a call that this one makes: what goes out with it. It shares deadline,
    /// cancellation, trace, baggage, criticality and values, and has answer, record, principal and
    /// idempotency key of its own, so that nothing of one call leaks into another.
    #[must_use]
    pub fn outgoing(&self) -> Self {
        let mut travel = self.0.travel.clone();
        travel.trace = self.trace();
        travel.traced = false;
        let sent = travel.outgoing.take();
        travel.received = None;
        travel.principal = None;
        travel.attempt = 1;
        let call = Call {
            idempotency_key: once(travel.next_key.take()),
            ..Call::new(
                self.call().platform.clone(),
                None,
                sent.map_or_else(Metadata::new, Arc::unwrap_or_clone),
            )
        };
        self.link(travel, Some(call))
    }

    /// When the call came, where its transport read a clock then.
    #[must_use]
    pub fn started(&self) -> Option<Instant> {
        self.call().started
    }

    /// What carries the call.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.call().wire
    }

    /// The REST route that the call came by.
    #[must_use]
    pub fn route(&self) -> Option<&'static Route> {
        self.call().route
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.travel.deadline
    }

    /// The time left, zero when it is over; `None` without a deadline.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Resolves when the call is over: cancelled, past its deadline, or answered. Says which, as
    /// an error that a method may return.
    pub async fn done(&self) -> Error {
        let cancelled = self.cancelled();
        let Some(deadline) = self.deadline() else {
            cancelled.await;
            return canceled();
        };
        tokio::select! {
            biased;
            () = cancelled => canceled(),
            () = tokio::time::sleep_until(deadline) => expired(),
        }
    }

    /// Why the call is over; `None` while it is not.
    #[must_use]
    pub fn err(&self) -> Option<Error> {
        if self.is_cancelled() {
            return Some(canceled());
        }
        self.deadline().filter(|deadline| *deadline <= Instant::now()).map(|_| expired())
    }

    /// With an earlier deadline; a later one changes nothing.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        let mut travel = self.0.travel.clone();
        travel.deadline = Some(travel.deadline.map_or(deadline, |old| old.min(deadline)));
        self.link(travel, None)
    }

    /// With at most `timeout` from now.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        match Instant::now().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            // Further than the clock reaches is no deadline.
            None => self.clone(),
        }
    }

    /// A context that can be cancelled apart from this one, which happens when the guard is
    /// dropped. Cancelling this one cancels it too. A call made in it fails with `Canceled` then,
    /// or the stream that is its answer does.
    pub fn child(&self) -> (Self, CancelGuard) {
        let child = self.link(self.0.travel.clone(), None);
        let guard = child.guard();
        (child, guard)
    }

    /// Sets headers, trailers or the REST status of the answer, from inside the call.
    ///
    /// ```
    /// # let cx = kitfox_core::Context::background();
    /// cx.respond(|answer| answer.status = Some(201));
    /// cx.respond(|answer| answer.headers.insert("location", "/v1/orders/7")).unwrap();
    /// ```
    pub fn respond<T>(&self, change: impl FnOnce(&mut ResponseMetadata) -> T) -> T {
        change(lock(&self.call().response).get_or_insert_default())
    }

    /// Takes what [`Context::respond`] left, for whoever sends the answer.
    #[must_use]
    pub fn take_response(&self) -> Option<Box<ResponseMetadata>> {
        lock(&self.call().response).take()
    }

    /// Adds a field to the call's record: its log line and its span.
    pub fn record(&self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        lock(&self.call().fields).push(RecordField { name, value: value.into() });
    }

    /// Takes the fields that [`Context::record`] left, for whoever writes the record.
    #[must_use]
    pub fn take_fields(&self) -> Vec<RecordField> {
        std::mem::take(&mut *lock(&self.call().fields))
    }

    /// Who is at the other end of the connection.
    #[must_use]
    pub fn peer(&self) -> Option<&Peer> {
        self.call().peer.as_ref()
    }

    /// Where the call runs; the system, if nobody said.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.call().platform.clone().unwrap_or_else(Platform::system)
    }

    /// Randomness of the platform where the call runs.
    #[must_use]
    pub fn random(&self) -> &Random {
        static SYSTEM: LazyLock<Random> = LazyLock::new(Random::system);
        self.call().platform.as_ref().map_or(&SYSTEM, Platform::random)
    }

    /// The time of day where the call runs.
    #[must_use]
    pub fn clock(&self) -> &WallClock {
        static SYSTEM: LazyLock<WallClock> = LazyLock::new(WallClock::system);
        self.call().platform.as_ref().map_or(&SYSTEM, Platform::clock)
    }

    /// Who is told of the call.
    #[must_use]
    pub fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.call().platform.as_ref()?.observer()
    }

    /// Starts a child of the call: it shares deadline and cancellation, and ends with them.
    ///
    /// Awaiting the task gives its output, or why it ended.
    pub fn spawn<F>(&self, future: F) -> Task<Result<F::Output, Error>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cx = self.clone();
        self.platform().tasks().spawn(self.scope(async move {
            tokio::select! {
                biased;
                why = cx.done() => Err(why),
                output = future => Ok(output),
            }
        }))
    }

    /// Starts work that outlives the call, for at most `limit`. It keeps what travels with the call
    /// (trace, baggage, principal, criticality, values, what goes out with the next call), and
    /// neither its deadline, its headers nor its answer; a host awaits it at drain.
    pub fn detach<F, Fut>(&self, limit: Duration, work: F) -> Task<Result<Fut::Output, Error>>
    where
        F: FnOnce(Context) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let mut travel = self.0.travel.clone();
        travel.trace = self.trace();
        travel.deadline = Instant::now().checked_add(limit);
        let platform = self.call().platform.clone();
        let cx = Context(Arc::new(Node {
            parent: None,
            cancel: Cancel::default(),
            travel,
            call: Some(Call::new(platform, self.peer().cloned(), Metadata::new())),
        }));
        let future = work(cx.clone());
        cx.spawn(future)
    }

    fn link(&self, travel: Travel, call: Option<Call>) -> Self {
        Context(Arc::new(Node {
            parent: Some(self.clone()),
            cancel: Cancel::default(),
            travel,
            call,
        }))
    }

    fn call(&self) -> &Call {
        self.first().0
    }

    /// The call, and what travelled with it when it began.
    fn first(&self) -> (&Call, &Travel) {
        let mut node = &self.0;
        loop {
            match (&node.call, &node.parent) {
                (Some(call), _) => return (call, &node.travel),
                (None, Some(parent)) => node = &parent.0,
                (None, None) => unreachable!("the first node of a chain is a call"),
            }
        }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers and values stay out: they may hold secrets.
        f.debug_struct("Context")
            .field("deadline", &self.deadline())
            .field("trace", &self.trace())
            .field("attempt", &self.attempt())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

impl Call {
    fn new(platform: Option<Platform>, peer: Option<Peer>, metadata: Metadata) -> Self {
        Call {
            platform,
            peer,
            metadata,
            idempotency_key: OnceLock::new(),
            started: None,
            wire: Wire::Local,
            route: None,
            own: Own::default(),
            sampling: Sampling::ByTrace,
            place: Place::default(),
            principal: OnceLock::new(),
            response: Mutex::new(None),
            fields: Mutex::new(Vec::new()),
            tried: Tried::default(),
        }
    }
}

pub(crate) fn canceled() -> Error {
    Error::by_layer("context", Code::Canceled, "the call was cancelled or is over")
}

fn expired() -> Error {
    Error::by_layer("context", Code::DeadlineExceeded, "the deadline of the call has passed")
}

fn once<T>(value: Option<T>) -> OnceLock<T> {
    value.map_or_else(OnceLock::new, OnceLock::from)
}

/// A panic while one of the slots was held leaves it as it was, which is fine to read.
fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
