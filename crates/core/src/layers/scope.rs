//! A call's children end when the call does.
//!
//! The scope cancels the call's context when the call is answered, or dropped by whoever runs it:
//! a caller that hung up, a connection that broke. A *detached* method is finished all the same,
//! as a background task of the platform.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use futures_core::future::BoxFuture;
use pin_project_lite::pin_project;

use crate::contract::Method;
use crate::payload::Body;
use crate::{CancelGuard, Endpoint, Error, Layer, Reply, Request};

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
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        if !self.detached {
            return InScope::Attached { scoped: scoped(&*self.inner, request) };
        }
        let inner = Arc::clone(&self.inner);
        let tasks = request.context.platform().tasks().clone();
        let finished = async move { scoped(&*inner, request).await };
        InScope::Detached { task: Box::pin(async move { tasks.spawn(finished).await? }) }
    }
}

fn scoped<E: Endpoint>(
    inner: &E,
    request: Request,
) -> Scoped<impl Future<Output = Result<Reply, Error>> + Send + use<'_, E>> {
    let guard = Some(request.context.runner());
    Scoped { inner: inner.call(request), guard }
}

pin_project! {
    #[project = InScopeProjection]
    enum InScope<'a, F> {
        Attached { #[pin] scoped: Scoped<F> },
        Detached { task: BoxFuture<'a, Result<Reply, Error>> },
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for InScope<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        match self.project() {
            InScopeProjection::Attached { scoped } => scoped.poll(cx),
            InScopeProjection::Detached { task } => task.as_mut().poll(cx),
        }
    }
}

pin_project! {
    struct Scoped<F> {
        #[pin]
        inner: F,
        // After the call itself, so that a dropped call is gone before its children learn of it.
        guard: Option<CancelGuard>,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        let guard = this.guard.take();
        if let Ok(reply) = &mut answer
            && let Body::Stream(_) = reply.payload().body()
        {
            reply.hold(guard);
        }
        Poll::Ready(answer)
    }
}
