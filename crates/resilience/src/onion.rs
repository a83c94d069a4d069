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

mod call;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use kitfox_core::contract::Method;
use kitfox_core::layers::ClientRecords;
use kitfox_core::{BoxEndpoint, Endpoint, Error, Layer, Reply, Request};

use crate::breaker::BreakerEndpoint;
use crate::budget::BudgetEndpoint;
use crate::deadline::{AttemptDeadlineEndpoint, Plain, TotalDeadlineEndpoint};
use crate::hedge::HedgeEndpoint;
use crate::idempotency::IdempotencyKeysEndpoint;
use crate::rate_limit::RateLimitEndpoint;
use crate::retry::RetryEndpoint;
use crate::{Breaker, Budget, Deadlines, Hedge, IdempotencyKeys, RateLimit, Retry};
use call::Call;

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

    /// The deadlines of a call of which no layer but the breaker wants to know more before it has failed.
    fn plan(&self) -> Option<Plain> {
        let (total, hedge) = (&self.layers.inner, &self.budget().inner.inner);
        let passes = !total.streams && !hedge.decides() && !hedge.inner.inner.limit.decides();
        if passes { total.deadlines.plain() } else { None }
    }
}

impl<E: Endpoint> Endpoint for Onion<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let send = |request| self.breaker().inner.inner.inner.call(request);
        Call::new(self, send, request)
    }
}

#[cfg(test)]
mod tests;
