//! The record of a guarded call, like that of a call to a service.

use std::sync::{Arc, OnceLock};

use kitfox_core::contract::Method;
use kitfox_core::moment::{self, Moment};
use kitfox_core::record::{Observer, Outcome, Record, Recorder, Side, Ticket, Volume};
use kitfox_core::{Context, Error, MethodNumber};
use tokio::time::Instant;

/// What records the calls of one guard.
pub(super) struct Recording {
    method: &'static Method,
    number: MethodNumber,
    bound: OnceLock<Bound>,
}

struct Bound {
    observer: Arc<dyn Observer>,
    recorder: Arc<dyn Recorder>,
}

/// What is called so, as a method. Layers and observers know methods of contracts, which are there
/// for as long as the process is; so is this one, of which there is one for each guard.
pub(super) fn method(name: &'static str) -> &'static Method {
    let path = Box::leak(format!("/guard/{name}").into_boxed_str());
    Box::leak(Box::new(Method::unary("guard", name, path)))
}

impl Recording {
    fn bind(&self, observer: &Arc<dyn Observer>) -> Bound {
        let recorder = observer.method(Side::Client, self.method).into();
        Bound { observer: Arc::clone(observer), recorder }
    }

    fn recorder(&self, observer: &Arc<dyn Observer>) -> Arc<dyn Recorder> {
        let bound = self.bound.get_or_init(|| self.bind(observer));
        if Arc::ptr_eq(&bound.observer, observer) {
            return Arc::clone(&bound.recorder);
        }
        // Called from another host as well, which has handles of its own.
        self.bind(observer).recorder
    }
}

/// A call that is not over. Dropping it says that nobody waited for the end.
pub(super) struct Open {
    recorder: Arc<dyn Recorder>,
    pub(super) context: Context,
    ticket: Ticket,
    begun: Moment,
    sampled: bool,
    over: bool,
}

impl Recording {
    pub(super) fn new(method: &'static Method) -> Self {
        Recording { method, number: MethodNumber::of(method), bound: OnceLock::new() }
    }

    /// A call begins; nothing where nobody observes it.
    pub(super) fn begin(&self, context: &Context) -> Option<Open> {
        let recorder = self.recorder(context.observer()?);
        let context = context.outgoing();
        context.enter_method(self.number);
        let begun = Moment::of(Instant::now());
        let ticket = recorder.begin(&context, begun.instant);
        let sampled = context.is_sampled();
        Some(Open { recorder, context, ticket, begun, sampled, over: false })
    }
}

impl Open {
    pub(super) fn end(mut self, failure: Option<&Error>) {
        self.tell(failure.map_or(Outcome::Answered(None), Outcome::Failed));
    }

    fn tell(&mut self, outcome: Outcome<'_>) {
        self.over = true;
        let ended = moment::nanos_of(Instant::now());
        self.recorder.end(&Record {
            context: &self.context,
            ticket: self.ticket,
            started: self.begun.instant,
            nanos: ended.saturating_sub(self.begun.nanos),
            sampled: self.sampled,
            outcome,
            received: Volume::default(),
            sent: Volume::default(),
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.over {
            self.tell(Outcome::Dropped);
        }
    }
}
