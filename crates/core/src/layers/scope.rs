//! A call's children end when the call does.
//!
//! The scope cancels the call's context when the call is answered, or dropped by whoever runs it:
//! a caller that hung up, a connection that broke. A *detached* method is finished all the same,
//! as a background task of the platform.

use std::sync::Arc;

use crate::contract::Method;
use crate::payload::Body;
use crate::{Endpoint, Error, Layer, Reply, Request};

/// Ends what a call started when the call ends; the outermost layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope;

impl<E: Endpoint> Layer<E> for Scope {
    type Endpoint = ScopeEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> ScopeEndpoint<E> {
        ScopeEndpoint { inner: Arc::new(inner), detached: method.detached }
    }
}

/// An endpoint within a [`Scope`].
#[derive(Debug)]
pub struct ScopeEndpoint<E> {
    inner: Arc<E>,
    detached: bool,
}

impl<E: Endpoint> Endpoint for ScopeEndpoint<E> {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        if !self.detached {
            return scoped(&*self.inner, request).await;
        }
        let inner = Arc::clone(&self.inner);
        let tasks = request.context.platform().tasks().clone();
        tasks.spawn(async move { scoped(&*inner, request).await }).await?
    }
}

async fn scoped<E: Endpoint>(inner: &E, request: Request) -> Result<Reply, Error> {
    let guard = request.context.guard();
    let mut reply = inner.call(request).await?;
    if let Body::Stream(_) = reply.payload().body() {
        reply.hold(guard);
    }
    Ok(reply)
}
