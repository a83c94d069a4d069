//! Not to call a service that fails anyway: it is left alone until it works again, and its callers
//! fail at once instead of waiting.
//!
//! *Closed*, calls pass and are counted; too many failures, in a row or as a share of a window, or
//! too many slow calls, *open* it. Open, calls are refused. After a while it is *half-open*: a few
//! calls probe, and close it again or open it for longer. (Nygard, "Release It!", 2007.)
//!
//! What counts is [`is_failure_of`]: an answer of the business logic never does, nor a refusal of a layer
//! on this side, nor a call that its caller gave up before its deadline.
//!
//! A refusal says when the next probe passes ([`Recovery::After`]), and is not
//! [`Recovery::Exhausted`]: nobody has tried again, and another instance of the caller may have a
//! better way. The retry layer around it does not wait for that moment, since to fail at once is
//! the point; a call that it had tried before that goes up marked.

mod circuit;
mod permit;
mod recent;
mod settings;
mod state;
mod watched;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, ready};

use kitfox_core::contract::Method;
use kitfox_core::live::LOOK;
use kitfox_core::meter::{Level, Measure, Measures, Owner, Reading, Tally};
use kitfox_core::{Body, Code, Context, Endpoint, Error, Layer, Origin, Recovery, Reply, Request};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::way::Way;
use crate::{Glance, Live, Mode, is_failure_of};
pub(crate) use circuit::Circuit;
use circuit::{Pass, refuse};
pub(crate) use permit::Permit;
pub use settings::{BreakerForce, BreakerScope, BreakerSettings, BreakerWindow};
pub(crate) use state::Verdict;
use watched::Watched;

/// The name of this layer in errors.
pub const BREAKER: &str = "breaker";

/// Of a glance: nothing is decided.
const OFF: u64 = 0;

/// Of a glance: one breaker for the service, which looks at nothing but failures in a time.
const PLAIN: u64 = 1;

impl Glance for BreakerSettings {
    fn glance(&self) -> [u64; 2] {
        let plain = self.scope == BreakerScope::Service
            && self.slow.is_zero()
            && self.force.is_none()
            && matches!(self.window, BreakerWindow::Time(_));
        let word = match self.mode {
            Mode::Off => OFF,
            Mode::On if plain => PLAIN,
            _ => LOOK,
        };
        [word, 0]
    }
}

/// Refuses calls of a service that fails. Cloning shares its state; whether its methods do is a
/// setting.
#[derive(Clone)]
pub struct Breaker(Arc<Shared>);

struct Shared {
    settings: Live<BreakerSettings>,
    service: Arc<Circuit>,
    methods: Mutex<Vec<(&'static Method, Arc<Circuit>)>>,
    counts: Counts,
    measures: Measures,
}

impl Shared {
    /// The breaker of a call of a method, which has one of its own.
    fn circuit<'a>(&'a self, scope: BreakerScope, method: &'a Circuit) -> &'a Circuit {
        match scope {
            BreakerScope::Service => &self.service,
            BreakerScope::Method => method,
        }
    }
}

#[derive(Default)]
pub(crate) struct Counts {
    refused: Tally,
    /// What would have been refused where the layer is dark.
    dark: Tally,
    opened: Tally,
    closed: Tally,
    /// How many are not closed.
    open: Level,
}

impl Counts {
    fn measures(&self) -> Measures {
        let measure = |decision: &str, tally: &Tally| Measure {
            name: "kitfox.breaker.decisions",
            help: "Calls that a breaker refused or would have refused were it not dark, and how often \
                   one opened or closed.",
            labels: vec![("decision", decision.to_owned())],
            reading: Reading::Tally(tally.clone()),
        };
        Measures::new(vec![
            measure("refused", &self.refused),
            measure("dark", &self.dark),
            measure("opened", &self.opened),
            measure("closed", &self.closed),
            Measure {
                name: "kitfox.breaker.open",
                help: "Breakers that are open or half-open.",
                labels: Vec::new(),
                reading: Reading::Level(self.open.clone()),
            },
        ])
    }

    fn refused(&self, settings: &BreakerSettings) {
        let tally = if settings.mode == Mode::Dark { &self.dark } else { &self.refused };
        tally.increment();
    }

    fn opened(&self) {
        self.opened.increment();
        self.open.add(1);
    }

    fn reopened(&self) {
        self.opened.increment();
    }

    fn closed(&self) {
        self.closed.increment();
        self.open.add(-1);
    }
}

impl Breaker {
    /// A breaker of these settings, which may be replaced while calls run.
    #[must_use]
    pub fn new(settings: Live<BreakerSettings>) -> Self {
        let counts = Counts::default();
        let measures = counts.measures();
        let service = Arc::new(Circuit::new(settings.load().window));
        let methods = Mutex::default();
        Breaker(Arc::new(Shared { settings, service, methods, counts, measures }))
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
        let states = match settings.scope {
            BreakerScope::Service => self.0.service.describe(&settings),
            BreakerScope::Method => {
                let methods = self.methods();
                let states = methods.iter().map(|(_, circuit)| circuit.describe(&settings));
                states.collect::<Vec<_>>().join(", ")
            }
        };
        let forced = match settings.force {
            Some(BreakerForce::Open) => ", held open",
            Some(BreakerForce::Closed) => ", held closed",
            None => "",
        };
        format!("{}: {states}{forced}", settings.mode)
    }

    fn methods(&self) -> MutexGuard<'_, Vec<(&'static Method, Arc<Circuit>)>> {
        self.0.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The breaker of one method, which all clones share.
    fn of_method(&self, method: &'static Method) -> Arc<Circuit> {
        self.0.service.named(method.service);
        let mut methods = self.methods();
        if let Some((_, known)) = methods.iter().find(|(known, _)| known.path == method.path) {
            return Arc::clone(known);
        }
        let circuit = Arc::new(Circuit::new(self.0.settings.load().window));
        circuit.named(method.path);
        methods.push((method, Arc::clone(&circuit)));
        circuit
    }

    /// The breaker before anything but a service, which is called so.
    pub(crate) fn of_service(&self, name: &'static str) -> Arc<Circuit> {
        self.0.service.named(name);
        Arc::clone(&self.0.service)
    }

    /// Whether a call passes; nothing where its outcome does not matter.
    ///
    /// # Errors
    /// Where it does not.
    #[inline]
    pub(crate) fn admit<'a>(
        &'a self,
        method: &'a Circuit,
        context: &Context,
    ) -> Result<Option<Permit<'a>>, Error> {
        match self.0.settings.word() {
            OFF => return Ok(None),
            PLAIN => {
                let circuit = &*self.0.service;
                if let Some(pass) = circuit.pass() {
                    self.0.measures.tell(context);
                    let deadline = context.deadline();
                    let (pass, began) = (Some(pass), None);
                    return Ok(Some(Permit { breaker: self, circuit, pass, began, deadline }));
                }
            }
            _ => {}
        }
        self.look(method, context)
    }

    #[inline(never)]
    fn look<'a>(
        &'a self,
        method: &'a Circuit,
        context: &Context,
    ) -> Result<Option<Permit<'a>>, Error> {
        let settings = self.0.settings.load();
        if settings.mode == Mode::Off {
            return Ok(None);
        }
        self.0.measures.tell(context);
        let counts = &self.0.counts;
        let admitted = match settings.force {
            None => {
                let circuit = self.0.circuit(settings.scope, method);
                let began = (!settings.slow.is_zero()).then(Instant::now);
                let deadline = context.deadline();
                circuit.admit(&settings, counts).map(|pass| {
                    Some(Permit { breaker: self, circuit, pass: Some(pass), began, deadline })
                })
            }
            Some(BreakerForce::Closed) => Ok(None),
            Some(BreakerForce::Open) => {
                counts.refused(&settings);
                Err(refuse(Recovery::No, "breaker held open by hand".to_owned()))
            }
        };
        match admitted {
            Err(error) if settings.mode == Mode::Dark => {
                context.record(BREAKER, format!("would have refused it: {}", error.message()));
                Ok(None)
            }
            admitted => admitted,
        }
    }
}

/// What a call that failed says of the service.
fn verdict(method: &Method, error: &Error) -> Verdict {
    if is_failure_of(method, error) {
        return Verdict::Bad;
    }
    match (error.origin(), error.code()) {
        // Whoever answers lives.
        (Origin::Domain | Origin::Peer, code) if code != Code::Canceled => Verdict::Good,
        _ => Verdict::None,
    }
}

impl<E: Endpoint> Layer<E> for Breaker {
    type Endpoint = BreakerEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> BreakerEndpoint<E> {
        let circuit = self.of_method(method);
        BreakerEndpoint { breaker: self.clone(), method, circuit, inner }
    }
}

/// An endpoint behind a [`Breaker`].
#[derive(Debug)]
pub struct BreakerEndpoint<E> {
    pub(crate) breaker: Breaker,
    method: &'static Method,
    /// The method's own.
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) inner: E,
}

impl<E: Endpoint> Endpoint for BreakerEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        match self.breaker.admit(&self.circuit, &request.context) {
            Ok(permit) => {
                Way::On { call: Passed { call: self.inner.call(request), permit, endpoint: self } }
            }
            Err(error) => Way::refused(error),
        }
    }
}

pin_project! {
    /// A call that passed, until its verdict.
    struct Passed<'a, E, F> {
        #[pin]
        call: F,
        // After the call, so that what that does while it is dropped comes first.
        permit: Option<Permit<'a>>,
        endpoint: &'a BreakerEndpoint<E>,
    }
}

impl<E, F: Future<Output = Result<Reply, Error>>> Future for Passed<'_, E, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.call.poll(cx));
        Poll::Ready(this.endpoint.judge(this.permit.take(), answer))
    }
}

impl<E> BreakerEndpoint<E> {
    /// A call that passed has failed.
    pub(crate) fn settle(&self, permit: Option<Permit<'_>>, error: &Error) {
        if let Some(permit) = permit {
            permit.settle(verdict(self.method, error));
        }
    }

    /// A call that passed is over.
    fn judge(
        &self,
        mut permit: Option<Permit<'_>>,
        answer: Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        match answer {
            Ok(reply) => Ok(self.well(&mut permit, reply)),
            Err(error) => {
                self.settle(permit, &error);
                Err(error)
            }
        }
    }

    /// A call that passed was answered.
    #[inline]
    pub(crate) fn well(&self, permit: &mut Option<Permit<'_>>, reply: Reply) -> Reply {
        let Some(permit) = permit else { return reply };
        let pass = permit.pass;
        permit.well();
        match (reply.payload().body(), pass) {
            (Body::Stream(_), Some(pass)) => self.watched(reply, pass),
            _ => reply,
        }
    }

    /// A stream has begun well, and may still break.
    fn watched(&self, reply: Reply, pass: Pass) -> Reply {
        let (breaker, circuit) = (self.breaker.clone(), Arc::clone(&self.circuit));
        let method = self.method;
        reply.map_stream(|messages| Watched { messages, breaker, method, circuit, pass })
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaker").field(&self.describe()).finish()
    }
}

#[cfg(test)]
mod tests;
