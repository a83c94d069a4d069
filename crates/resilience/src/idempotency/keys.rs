//! The client's half: a key for each call of a method that asks for one.

use std::future::Future;

use kitfox_core::contract::{Idempotency, Method};
use kitfox_core::{Context, Endpoint, Error, Layer, Reply, Request};

/// Gives each call of a method under `#[endpoint(idempotency_key)]` a key of its own, where its caller
/// gave none. It stands outside of what tries again, so that all attempts have the same key.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdempotencyKeys;

impl<E: Endpoint> Layer<E> for IdempotencyKeys {
    type Endpoint = IdempotencyKeysEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> IdempotencyKeysEndpoint<E> {
        IdempotencyKeysEndpoint { keyed: method.idempotency == Idempotency::Keyed, inner }
    }
}

/// An endpoint whose calls have [`IdempotencyKeys`].
#[derive(Debug)]
pub struct IdempotencyKeysEndpoint<E> {
    keyed: bool,
    pub(crate) inner: E,
}

impl<E> IdempotencyKeysEndpoint<E> {
    /// A call begins.
    #[inline]
    pub(crate) fn begin(&self, context: &Context) {
        if self.keyed && context.idempotency_key().is_none() {
            begin_key(context);
        }
    }
}

#[inline(never)]
fn begin_key(context: &Context) {
    let random = context.random();
    let key = format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
    context.begin_idempotency_key(key);
}

impl<E: Endpoint> Endpoint for IdempotencyKeysEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.begin(&request.context);
        self.inner.call(request)
    }
}
