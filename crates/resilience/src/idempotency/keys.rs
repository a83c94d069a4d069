//! The client's half: a key for each call of a method that asks for one.

use std::future::Future;

use kitfox_core::contract::{Idempotency, Method};
use kitfox_core::{Endpoint, Error, Layer, Reply, Request};

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
    inner: E,
}

impl<E: Endpoint> Endpoint for IdempotencyKeysEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let context = &request.context;
        if self.keyed && context.idempotency_key().is_none() {
            let random = context.random();
            let key = format!("{:016x}{:016x}", random.next_u64(), random.next_u64());
            context.begin_idempotency_key(key);
        }
        self.inner.call(request)
    }
}
