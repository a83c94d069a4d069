//! Not more than so many calls at the same time.
//!
//! A *fixed* limit is a bulkhead: the number is yours. An *adaptive* one finds the number by how long
//! calls take (after Netflix's `Gradient2`, see `concurrency/gradient.rs`). Where it is reached, calls wait in a queue:
//! a bounded number of them, for a bounded time, those that matter most first and within a criticality
//! in the order they came. What [`shedding`](crate::SheddingSettings) does to the queue has its own
//! settings.
//!
//! A call has its place until its answer is out, which of a stream is its last message. While there is
//! room a call costs two atomic additions.

mod count;
mod counts;
mod gate;
mod gradient;
mod permit;
mod queue;
mod sampler;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use kitfox_core::contract::Method;
use kitfox_core::meter::Owner;
use kitfox_core::setting::{DURATION, Form, Key, Keyed, NUMBER, REAL, key};
use kitfox_core::{
    Body, Code, Context, Criticality, Endpoint, Error, Layer, LayerName, Origin, Reply, Request,
};
use pin_project_lite::pin_project;

use crate::mode::MODE;
use crate::way::Way;
use crate::{Glance, Live, Mode, SheddingSettings};
use count::{MOST_RUNNING, MOST_WAITING};
use gate::{Arrival, Gate};
use gradient::Bounds;
use permit::Permit;

/// The name of this layer in errors.
pub const CONCURRENCY: &str = "concurrency";

/// How many calls may run at the same time, and how many may wait for that.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::{ConcurrencyKind, ConcurrencySettings, Mode};
///
/// let bulkhead = ConcurrencySettings {
///     mode: Mode::On,
///     kind: ConcurrencyKind::Fixed,
///     limit: 50,
///     ..Default::default()
/// };
/// assert!(bulkhead.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConcurrencySettings {
    /// Off by default: open streams count, and nobody but you knows how many are too many.
    pub mode: Mode,
    /// Who finds the limit; adaptive by default.
    pub kind: ConcurrencyKind,
    /// The limit where it is fixed, 100 by default.
    pub limit: usize,
    /// The adaptive limit to begin with, 20 by default. This and the next three are the defaults of
    /// Netflix's `Gradient2Limit`.
    pub initial: usize,
    /// The lowest that an adaptive limit goes, 20 by default.
    pub min: usize,
    /// The highest, 200 by default.
    pub max: usize,
    /// How many times longer than in the long run calls may take before the adaptive limit shrinks,
    /// 1.5 by default.
    pub tolerance: f64,
    /// How many calls may wait, 100 by default; with 0 none does.
    pub queue: usize,
    /// How long a call may wait, 1 s by default; never past its deadline.
    pub wait: Duration,
}

/// Who finds the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConcurrencyKind {
    /// You.
    Fixed,
    /// The layer, by how long calls take.
    #[default]
    Adaptive,
}

impl Default for ConcurrencySettings {
    fn default() -> Self {
        ConcurrencySettings {
            mode: Mode::Off,
            kind: ConcurrencyKind::Adaptive,
            limit: 100,
            initial: 20,
            min: 20,
            max: 200,
            tolerance: 1.5,
            queue: 100,
            wait: Duration::from_secs(1),
        }
    }
}

const KIND: Form<ConcurrencyKind> = Form {
    expects: "`fixed` or `adaptive`",
    parse: |text| match text {
        "fixed" => Some(ConcurrencyKind::Fixed),
        "adaptive" => Some(ConcurrencyKind::Adaptive),
        _ => None,
    },
    show: |kind| format!("{kind:?}").to_lowercase(),
};

impl Glance for ConcurrencySettings {}

impl Keyed for ConcurrencySettings {
    const NAME: &'static str = "concurrency";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls are held to the limit."),
        key!(KIND, kind, "Who finds the limit: you, or the layer by how long calls take."),
        key!(NUMBER, limit, "The limit where it is fixed."),
        key!(NUMBER, initial, "The adaptive limit to begin with."),
        key!(NUMBER, min, "The lowest that an adaptive limit goes."),
        key!(NUMBER, max, "The highest that an adaptive limit goes."),
        key!(REAL, tolerance, "How many times longer than in the long run calls may take before the adaptive limit shrinks."),
        key!(NUMBER, queue, "How many calls may wait for a place."),
        key!(DURATION, wait, "How long a call may wait for a place; never past its deadline."),
    ];

    fn check(&self) -> Result<(), String> {
        let ConcurrencySettings { limit, initial, min, max, queue, .. } = self;
        let fixed = self.kind == ConcurrencyKind::Fixed;
        Err(if fixed && *limit == 0 {
            "a `limit` of 0 would let nothing through: give 1 or more".to_owned()
        } else if fixed && *limit > MOST_RUNNING {
            format!("a `limit` of {limit} is none: give at most {MOST_RUNNING}")
        } else if !fixed && (*min == 0 || initial < min || max < initial || *max > MOST_RUNNING) {
            format!(
                "`min` {min}, `initial` {initial} and `max` {max} must stand in this order, from 1 to {MOST_RUNNING}"
            )
        } else if !fixed && self.tolerance < 1.0 {
            "a `tolerance` below 1 would shrink the limit however quick calls are: give `1.5` or so"
                .to_owned()
        } else if *queue > MOST_WAITING {
            format!("a `queue` of {queue} is none: give at most {MOST_WAITING}")
        } else if *queue > 0 && self.wait.is_zero() {
            "calls stand in a `queue` and may not `wait` in it: give a longer `wait`, or no queue"
                .to_owned()
        } else {
            return Ok(());
        })
    }
}

impl ConcurrencySettings {
    fn bounds(&self) -> Bounds {
        let ConcurrencySettings { initial, min, max, tolerance, .. } = *self;
        Bounds { initial, min, max, tolerance }
    }
}

/// Holds calls to a number at the same time. Cloning shares the limit, and so do all methods of one
/// layer.
#[derive(Clone)]
pub struct Concurrency(Arc<Gate>);

impl Concurrency {
    /// A limit of these settings, which may be replaced while calls run.
    #[must_use]
    pub fn new(settings: Live<ConcurrencySettings>, shedding: Live<SheddingSettings>) -> Self {
        Concurrency(Arc::new(Gate::new(settings, shedding)))
    }

    /// The same, and so does shedding: their measures say what they belong to. All its clones do from then on.
    #[must_use]
    pub fn of(self, owner: &Owner) -> Self {
        self.0.counts.measures.belong(owner);
        self
    }

    /// How many calls run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.now().running()
    }

    /// How many calls wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.now().waiting()
    }

    /// The limit as it is now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit(&self.0.settings.load())
    }

    /// One line for whoever asks what the layer does.
    #[must_use]
    pub fn describe(&self) -> String {
        let settings = self.0.settings.load();
        let (running, waiting) = (self.running(), self.waiting());
        let limit = self.0.limit(&settings);
        let limit = match settings.kind {
            ConcurrencyKind::Fixed => format!("at most {limit}"),
            ConcurrencyKind::Adaptive => {
                format!("at most {limit} now ({} to {})", settings.min, settings.max)
            }
        };
        let queue = settings.queue;
        format!("{}: {limit}, {running} run; {waiting} of {queue} wait", settings.mode)
    }

    /// The same of shedding.
    #[must_use]
    pub fn describe_shedding(&self) -> String {
        let settings = self.0.shedding.load();
        let shed = match self.0.level() {
            0 => "nothing".to_owned(),
            level => format!("{} and below", Criticality::ALL[level - 1].name()),
        };
        let SheddingSettings { mode, target, interval } = &**settings;
        format!("{mode}: waits above {target:?} for {interval:?}; sheds {shed} now")
    }
}

/// The place of a call that is not made by an endpoint, until it is dropped.
pub(crate) struct Place<'a>(Option<Permit<&'a Gate>>);

impl Place<'_> {
    /// The call is answered. What is not is given up.
    pub(crate) fn answered(self) {
        if let Some(permit) = self.0 {
            permit.answered();
        }
    }
}

impl Concurrency {
    /// Waits for a place, for whoever is no endpoint.
    pub(crate) async fn enter(&self, context: &Context) -> Result<Place<'_>, Error> {
        Ok(Place(match self.0.arrive(context) {
            Arrival::Off => None,
            Arrival::In(permit) => Some(permit),
            Arrival::Wait => Some(Box::pin(self.0.wait(context)).await?),
        }))
    }
}

impl<E: Endpoint> Layer<E> for Concurrency {
    type Endpoint = ConcurrencyEndpoint<E>;

    fn layer(&self, _: &'static Method, inner: E) -> ConcurrencyEndpoint<E> {
        ConcurrencyEndpoint { limit: self.clone(), inner }
    }
}

/// An endpoint behind a [`Concurrency`] limit.
#[derive(Debug)]
pub struct ConcurrencyEndpoint<E> {
    limit: Concurrency,
    inner: E,
}

impl<E: Endpoint> Endpoint for ConcurrencyEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let permit = match self.limit.0.arrive(&request.context) {
            Arrival::Off => None,
            Arrival::In(permit) => Some(permit),
            Arrival::Wait => return Way::Round { call: Box::pin(self.wait(request)) },
        };
        Way::On { call: Entered { call: self.inner.call(request), permit, endpoint: self } }
    }
}

impl<E: Endpoint> ConcurrencyEndpoint<E> {
    /// Waits for a place.
    async fn wait(&self, request: Request) -> Result<Reply, Error> {
        request.context.enter_layer(LayerName::of(CONCURRENCY));
        let permit = Box::pin(self.limit.0.wait(&request.context)).await?;
        let answer = self.inner.call(request).await;
        self.settle(permit, answer)
    }
}

pin_project! {
    /// A call that has its place.
    struct Entered<'a, E, F> {
        #[pin]
        call: F,
        // After the call, so that what that does while it is dropped comes first.
        permit: Option<Permit<&'a Gate>>,
        endpoint: &'a ConcurrencyEndpoint<E>,
    }
}

impl<E, F: Future<Output = Result<Reply, Error>>> Future for Entered<'_, E, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.call.poll(cx));
        Poll::Ready(match this.permit.take() {
            Some(permit) => this.endpoint.settle(permit, answer),
            None => answer,
        })
    }
}

impl<E> ConcurrencyEndpoint<E> {
    /// A call of one message is over here; a stream keeps its place.
    fn settle(&self, permit: Permit<&Gate>, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        match answer {
            Ok(mut reply) => {
                match reply.payload().body() {
                    Body::Unary(_) => permit.answered(),
                    Body::Stream(_) => reply.hold(permit.of_stream(Arc::clone(&self.limit.0))),
                }
                Ok(reply)
            }
            Err(error) => {
                if is_answer(&error) {
                    permit.answered();
                }
                Err(error)
            }
        }
    }
}

/// Whether how long it took to fail says how long calls take: a failure may be quicker, and would teach
/// the limit that the server is.
fn is_answer(error: &Error) -> bool {
    let answers = !matches!(error.origin(), Origin::Layer(_) | Origin::Transport);
    answers
        && !matches!(
            error.code(),
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Canceled
                | Code::Internal
                | Code::Unknown
        )
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Concurrency").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
