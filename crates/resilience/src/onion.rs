//! The layers of a client in their order, and the short way through them.
//!
//! ```text
//! idempotency key > total deadline > budget > retry > hedge > breaker
//!   > your layers > rate limit > attempt deadline > whatever sends an attempt
//! ```
//!
//! Each layer is a type of its own and knows nothing of the others. Yet nearly all calls pass all of
//! them without a decision: no hedge, no rate limit, a breaker that is closed, one attempt that is
//! answered. For these the layers' parts are called one after the other and their state is in one
//! future, which is half the price: what is in seven is moved seven times. Whatever else a call needs it finds in the layers themselves: they are asked before
//! anything is sent where a setting wants it, and after the first attempt where that has failed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::contract::Method;
use kitfox_core::{Body, BoxEndpoint, Endpoint, Error, Layer, Reply, Request};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::breaker::{BreakerEndpoint, Permit};
use crate::budget::{BudgetEndpoint, InFlight};
use crate::deadline::{AttemptDeadlineEndpoint, TotalDeadlineEndpoint};
use crate::hedge::HedgeEndpoint;
use crate::idempotency::IdempotencyKeysEndpoint;
use crate::rate_limit::RateLimitEndpoint;
use crate::retry::RetryEndpoint;
use crate::way::Way;
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
/// layers.around(method, send)
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
    pub fn around(&self, method: &'static Method, send: impl Endpoint) -> BoxEndpoint {
        BoxEndpoint::new(Onion(self.outer(method, self.inner(method, send))))
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

/// All layers, none of which is the user's.
struct Onion<E>(Layers<Inner<E>>);

impl<E: Endpoint> Onion<E> {
    fn budget(&self) -> &BudgetEndpoint<RetryEndpoint<HedgeEndpoint<BreakerEndpoint<Inner<E>>>>> {
        &self.0.inner.inner
    }

    fn breaker(&self) -> &BreakerEndpoint<Inner<E>> {
        &self.budget().inner.inner.inner
    }

    /// Whether no layer wants to say anything about a call before it has failed.
    fn is_short(&self) -> bool {
        let hedge = &self.budget().inner.inner;
        self.0.inner.deadlines.is_plain()
            && !hedge.decides()
            && hedge.inner.breaker.is_plain()
            && !hedge.inner.inner.limit.decides()
    }

    /// An attempt fails before it is sent.
    #[cold]
    fn refused<'a>(
        &'a self,
        error: Error,
        spare: Option<Request>,
        in_flight: InFlight<'a>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async move {
            let _in_flight = in_flight;
            match spare {
                Some(spare) => self.budget().inner.again(spare, error).await,
                None => Err(error),
            }
        })
    }
}

impl<E: Endpoint> Endpoint for Onion<E> {
    fn call(&self, mut request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        if !self.is_short() {
            return Way::Round { call: Box::pin(self.0.call(request)) };
        }
        let (total, budget, breaker) = (&self.0.inner, self.budget(), self.breaker());
        self.0.begin(&request.context);
        let plan = total.deadlines.plan_first(&request.context);
        if let (Ok((Some(deadline), _)), false) = (&plan, total.streams) {
            request.context = request.context.with_deadline(*deadline);
        }
        let in_flight = budget.budget.begin(&request.context);
        let spare = budget.inner.spare(&request);
        let permit = match breaker.breaker.admit(&breaker.circuit, &request.context) {
            Ok(permit) => permit,
            Err(error) => return Way::Round { call: self.refused(error, spare, in_flight) },
        };
        let (deadline, limit) = match plan {
            Ok(plan) => plan,
            Err(error) => {
                breaker.settle(permit, &error);
                return Way::Round { call: self.refused(error, spare, in_flight) };
            }
        };
        let attempt = &breaker.inner.inner;
        Way::On {
            call: Short {
                onion: self,
                call: attempt.inner.call(request),
                permit,
                spare,
                again: None,
                in_flight: Some(in_flight),
                deadline,
                limit,
                timer: None,
            },
        }
    }
}

pin_project! {
    /// A call on the short way.
    struct Short<'a, E, F> {
        onion: &'a Onion<E>,
        // The first attempt.
        #[pin]
        call: F,
        permit: Option<Permit<'a>>,
        // What would be sent again.
        spare: Option<Request>,
        // In boxes, which only a call that failed, or waits, pays for: every call is as large as its
        // future.
        again: Option<BoxFuture<'a, Result<Reply, Error>>>,
        timer: Option<Pin<Box<Sleep>>>,
        in_flight: Option<InFlight<'a>>,
        deadline: Option<Instant>,
        limit: Duration,
    }
}

impl<E: Endpoint, F: Future<Output = Result<Reply, Error>>> Future for Short<'_, E, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.again.is_none()
            && let Poll::Ready(answer) = this.call.poll(cx)
        {
            let breaker = this.onion.breaker();
            let error = match breaker.judge(this.permit.take(), answer) {
                Ok(mut reply) => {
                    let in_flight = this.in_flight.take();
                    if let Body::Stream(_) = reply.payload().body() {
                        reply.hold(in_flight.map(InFlight::keep));
                    }
                    return Poll::Ready(Ok(reply));
                }
                Err(error) => error,
            };
            match this.spare.take() {
                Some(spare) => {
                    *this.again = Some(Box::pin(this.onion.budget().inner.again(spare, error)));
                }
                None => return Poll::Ready(Err(error)),
            }
        }
        if let Some(again) = this.again
            && let Poll::Ready(answer) = again.as_mut().poll(cx)
        {
            return Poll::Ready(answer);
        }
        let Some(deadline) = *this.deadline else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        let deadlines = &this.onion.0.inner.deadlines;
        timer.as_mut().poll(cx).map(|()| Err(deadlines.total_expired(*this.limit)))
    }
}

#[cfg(test)]
mod tests;
