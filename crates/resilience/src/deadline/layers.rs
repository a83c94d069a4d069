//! The two layers, and a call within one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use kitfox_core::contract::Method;
use kitfox_core::{Code, Endpoint, Error, Layer, Origin, Recovery, Reply, Request};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::Deadlines;
use super::limited::{Limited, limited};
use super::plan::{Plan, Watch};
use crate::way::Way;

/// The [`Deadlines`] of whole calls, as a layer around retries.
#[derive(Clone, Debug)]
pub struct TotalDeadline(pub(super) Deadlines);

/// The [`Deadlines`] of attempts, as a layer within retries and breakers.
#[derive(Clone, Debug)]
pub struct AttemptDeadline(pub(super) Deadlines);

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
    struct Timed<'a, F> {
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
    fn new(
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
