//! The layers of a client in their order, and the short way through them.
//!
//! ```text
//! idempotency key > total deadline > budget > retry > hedge > breaker
//!   > your layers > rate limit > attempt deadline > whatever sends an attempt
//! ```
//!
//! Each layer is a type of its own and knows nothing of the others. Yet nearly all calls pass all of
//! them without a decision: no hedge, no rate limit, a breaker that is closed, one attempt that is
//! answered. For these the layers' parts are called one after the other, and what they hold is in one
//! future with the call's record, where it is written once and never moved: that is a third of the price.
//! Whatever else a call needs it finds in the layers themselves: they are asked before anything is sent
//! where a setting wants it, and after the first attempt where that has failed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::contract::Method;
use kitfox_core::layers::{ClientRecords, Deadline, OpenRecord};
use kitfox_core::{BoxEndpoint, Endpoint, Error, Layer, Reply, Request, moment};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::breaker::{BreakerEndpoint, Permit};
use crate::budget::{BudgetEndpoint, InFlight};
use crate::deadline::{AttemptDeadlineEndpoint, Plain, Time, TotalDeadlineEndpoint};
use crate::hedge::HedgeEndpoint;
use crate::idempotency::IdempotencyKeysEndpoint;
use crate::rate_limit::RateLimitEndpoint;
use crate::retry::RetryEndpoint;
use crate::{Breaker, Budget, Deadlines, Hedge, IdempotencyKeys, RateLimit, Retry};

/// The layers of a client.
///
/// ```
/// use kitfox_core::{BoxEndpoint, Method};
/// use kitfox_resilience::{
///     Breaker, Budget, ClientLayers, Deadlines, Hedge, Live, RateLimit, Retry,
/// };
///
/// # fn around(method: &'static Method, send: BoxEndpoint) -> BoxEndpoint {
/// let budget = Budget::new(Live::default());
/// let layers = ClientLayers {
///     deadlines: Deadlines::new(Live::default()),
///     retry: Retry::new(Live::default(), budget.clone()),
///     hedge: Hedge::new(Live::default(), budget.clone()),
///     breaker: Breaker::new(Live::default()),
///     rate_limit: RateLimit::new(Live::default()),
///     budget,
/// };
/// layers.around(method, send).bare()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ClientLayers {
    /// How long calls and attempts may take.
    pub deadlines: Deadlines,
    /// How many retries and hedges there may be.
    pub budget: Budget,
    /// When a call that failed is made again.
    pub retry: Retry,
    /// When a call that takes long is sent once more.
    pub hedge: Hedge,
    /// When the service is left alone.
    pub breaker: Breaker,
    /// How many attempts go out in a time.
    pub rate_limit: RateLimit,
}

type Inner<E> = RateLimitEndpoint<AttemptDeadlineEndpoint<E>>;
type Layers<E> = IdempotencyKeysEndpoint<
    TotalDeadlineEndpoint<BudgetEndpoint<RetryEndpoint<HedgeEndpoint<BreakerEndpoint<E>>>>>,
>;

impl ClientLayers {
    /// All layers around what sends an attempt at `method`.
    pub fn around(&self, method: &'static Method, send: impl Endpoint) -> ClientEndpoints {
        let layers = Arc::new(self.outer(method, self.inner(method, send)));
        ClientEndpoints(Arc::new(move |recorded| {
            let records = recorded.then(|| ClientRecords::of(method));
            BoxEndpoint::new(Onion { records, layers: Arc::clone(&layers) })
        }))
    }

    /// The same with layers of the user's at their place.
    pub fn around_with(
        &self,
        method: &'static Method,
        send: impl Endpoint,
        users: impl FnOnce(BoxEndpoint) -> BoxEndpoint,
    ) -> BoxEndpoint {
        let inner = users(BoxEndpoint::new(self.inner(method, send)));
        BoxEndpoint::new(self.outer(method, inner))
    }

    fn inner<E: Endpoint>(&self, method: &'static Method, send: E) -> Inner<E> {
        self.rate_limit.layer(method, self.deadlines.attempt().layer(method, send))
    }

    fn outer<E: Endpoint>(&self, method: &'static Method, inner: E) -> Layers<E> {
        let inner = self.hedge.layer(method, self.breaker.layer(method, inner));
        let inner = self.budget.layer(method, self.retry.layer(method, inner));
        IdempotencyKeys.layer(method, self.deadlines.total().layer(method, inner))
    }
}

/// A method behind all layers, which hold its calls to the deadlines of their callers as well. Cloning
/// shares them; so do all endpoints.
#[derive(Clone)]
pub struct ClientEndpoints(Arc<dyn Fn(bool) -> BoxEndpoint + Send + Sync>);

impl ClientEndpoints {
    /// As a channel has it.
    #[must_use]
    pub fn bare(&self) -> BoxEndpoint {
        (self.0)(false)
    }

    /// As a client has it: with the record of each call, whose handles are this endpoint's own.
    #[must_use]
    pub fn recorded(&self) -> BoxEndpoint {
        (self.0)(true)
    }
}

impl fmt::Debug for ClientEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEndpoints").finish_non_exhaustive()
    }
}

/// All layers, none of which is the user's.
struct Onion<E> {
    records: Option<ClientRecords>,
    layers: Arc<Layers<Inner<E>>>,
}

impl<E: Endpoint> Onion<E> {
    fn budget(&self) -> &BudgetEndpoint<RetryEndpoint<HedgeEndpoint<BreakerEndpoint<Inner<E>>>>> {
        &self.layers.inner.inner
    }

    fn breaker(&self) -> &BreakerEndpoint<Inner<E>> {
        &self.budget().inner.inner.inner
    }

    /// The deadlines of a call about which no layer wants to say anything before it has failed.
    fn plan(&self) -> Option<Plain> {
        let (total, hedge) = (&self.layers.inner, &self.budget().inner.inner);
        let passes = !total.streams
            && !hedge.decides()
            && hedge.inner.breaker.is_plain()
            && !hedge.inner.inner.limit.decides();
        if passes { total.deadlines.plain() } else { None }
    }
}

impl<E: Endpoint> Endpoint for Onion<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        Call {
            onion: self,
            send: |request| self.breaker().inner.inner.inner.call(request),
            request: Some(request),
            attempt: None,
            round: None,
            timer: None,
            until: None,
            permit: None,
            spare: None,
            in_flight: None,
            record: None,
        }
    }
}

pin_project! {
    /// A call with all that is known of it. Nothing is done before it is polled.
    struct Call<'a, E, S, F> {
        onion: &'a Onion<E>,
        send: S,
        // Until it begins.
        request: Option<Request>,
        // The first attempt, on the short way.
        #[pin]
        attempt: Option<F>,
        // In boxes, which only a call that failed, waits, or goes the long way, pays for.
        round: Option<BoxFuture<'a, Result<Reply, Error>>>,
        timer: Option<Pin<Box<Sleep>>>,
        until: Option<Until>,
        permit: Option<Permit<'a>>,
        // What would be sent again.
        spare: Option<Request>,
        in_flight: Option<InFlight<'a>>,
        // After the call itself, so that what it says while it is dropped is in its record.
        record: Option<OpenRecord<'a>>,
    }

    impl<E, S, F> PinnedDrop for Call<'_, E, S, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(request) = this.request {
                this.onion.unwanted(request);
            }
        }
    }
}

/// When a call must be over.
#[derive(Clone, Copy)]
enum Until {
    /// Says the caller.
    Theirs(Instant),
    /// Says the layer, which allows so much, and the caller, if it does, later.
    Own(Instant, Duration, Option<Instant>),
}

impl<'a, E, S, F> Call<'a, E, S, F>
where
    E: Endpoint,
    S: Fn(Request) -> F,
    F: Future<Output = Result<Reply, Error>>,
{
    /// All that the layers have to say about a call before it is sent.
    #[inline]
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        let (onion, Some(mut request)) = (*this.onion, this.request.take()) else { return };
        let (theirs, now) = (request.context.deadline(), moment::now());
        if let Some(theirs) = theirs {
            *this.until = Some(Until::Theirs(theirs));
            if theirs <= now {
                *this.round = Some(Box::pin(async { Err(Deadline::passed()) }));
                return;
            }
        }
        let Some(plan) = onion.plan() else {
            *this.round = Some(Box::pin(onion.layers.call(request)));
            return;
        };
        let (budget, breaker) = (onion.budget(), onion.breaker());
        onion.layers.begin(&request.context);
        let deadlines = &onion.layers.inner.deadlines;
        let time = deadlines.time(plan, &request.context, now);
        if let Time::Own(own, limit) = time {
            *this.until = Some(Until::Own(own, limit, theirs));
            request.context = request.context.with_deadline(own);
        }
        *this.in_flight = Some(budget.budget.begin(&request.context));
        *this.spare = budget.inner.spare(&request);
        let refused = match breaker.breaker.admit(&breaker.circuit, &request.context) {
            Ok(permit) => {
                *this.permit = permit;
                let late = matches!(time, Time::TooLittle);
                if late { Some(deadlines.too_little(plan, &request.context)) } else { None }
            }
            Err(error) => Some(error),
        };
        match refused {
            None => this.attempt.set(Some((this.send)(request))),
            Some(error) => {
                let permit = this.permit.take();
                *this.round = Some(onion.failed(error, permit, this.spare, this.in_flight));
            }
        }
    }

    /// The first attempt was answered by something else than one message.
    #[cold]
    fn answered(self: Pin<&mut Self>, answer: Result<Reply, Error>) -> Option<Reply> {
        let this = self.project();
        match answer {
            Ok(reply) => {
                let mut reply = this.onion.breaker().well(this.permit, reply);
                if let Some(in_flight) = this.in_flight.take() {
                    in_flight.answered(&mut reply);
                }
                Some(reply)
            }
            Err(error) => {
                let permit = this.permit.take();
                let round = this.onion.failed(error, permit, this.spare, this.in_flight);
                *this.round = Some(round);
                None
            }
        }
    }

    /// The call is over, or is a stream from now on, until the caller's deadline.
    #[cold]
    fn end(self: Pin<&mut Self>, mut answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let this = self.project();
        if let Some(Until::Theirs(theirs) | Until::Own(_, _, Some(theirs))) = *this.until {
            answer = Deadline::hold(answer, theirs, None);
        }
        match this.record {
            Some(record) => record.end(answer),
            None => answer,
        }
    }

    /// Goes on with a call whose first attempt is over, or was not made, and waits for its deadline.
    fn go_on(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<Reply, Error>> {
        let this = self.as_mut().project();
        if let Some(round) = this.round
            && let Poll::Ready(answer) = round.as_mut().poll(cx)
        {
            return Poll::Ready(self.end(answer));
        }
        let Some(Until::Theirs(deadline) | Until::Own(deadline, ..)) = *this.until else {
            return Poll::Pending;
        };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let error = match *this.until {
            Some(Until::Own(_, limit, _)) => this.onion.layers.inner.deadlines.total_expired(limit),
            _ => Deadline::reached(),
        };
        Poll::Ready(self.end(Err(error)))
    }
}

impl<E> Onion<E> {
    /// Nobody waits for a call that has not begun: it leaves a record as well.
    #[cold]
    fn unwanted(&self, request: &mut Request) {
        let mut record = None;
        if let Some(records) = &self.records {
            records.begin(&mut record, request);
        }
    }
}

impl<'a, E: Endpoint> Onion<E> {
    /// An attempt has failed, or was not made.
    #[cold]
    fn failed(
        &'a self,
        error: Error,
        permit: Option<Permit<'a>>,
        spare: &mut Option<Request>,
        in_flight: &mut Option<InFlight<'a>>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        self.breaker().settle(permit, &error);
        let (spare, in_flight) = (spare.take(), in_flight.take());
        Box::pin(async move {
            let Some(spare) = spare else { return Err(error) };
            let mut reply = self.budget().inner.again(spare, error).await?;
            if let Some(in_flight) = in_flight {
                in_flight.answered(&mut reply);
            }
            Ok(reply)
        })
    }
}

impl<E, S, F> Future for Call<'_, E, S, F>
where
    E: Endpoint,
    S: Fn(Request) -> F,
    F: Future<Output = Result<Reply, Error>>,
{
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let first = this.request.is_some();
        if let (Some(request), Some(records)) = (this.request, &this.onion.records) {
            records.begin(this.record, request);
        }
        let _work = this.record.as_ref().map(|record| record.work(first));
        if first {
            self.as_mut().begin();
        }
        let this = self.as_mut().project();
        let attempt = if this.round.is_none() { this.attempt.as_pin_mut() } else { None };
        let Some(attempt) = attempt else { return self.go_on(cx) };
        let answer = attempt.poll(cx);
        match &answer {
            Poll::Pending => return self.go_on(cx),
            Poll::Ready(Ok(reply)) if let Some((bytes, status)) = reply.message() => {
                // The way of nearly all calls.
                if let Some(permit) = this.permit {
                    permit.well();
                }
                drop(this.in_flight.take());
                if let Some(record) = this.record {
                    record.answered(bytes, status);
                }
                return answer;
            }
            Poll::Ready(_) => {}
        }
        let Poll::Ready(answer) = answer else { return Poll::Pending };
        match self.as_mut().answered(answer) {
            Some(reply) => Poll::Ready(self.end(Ok(reply))),
            None => self.go_on(cx),
        }
    }
}

#[cfg(test)]
mod tests;
