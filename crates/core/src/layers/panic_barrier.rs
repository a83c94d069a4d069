//! A panic in a method is one failed call.
//!
//! The caller learns that the call failed, and nothing of why; the log has the message.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::contract::Method;
use crate::stream::Source;
use crate::{Batch, Code, Endpoint, Error, Layer, Reply, Request};

/// The name of this layer in errors.
pub(crate) const PANIC_BARRIER: &str = "panic barrier";

/// Turns a panic into a failed call.
#[derive(Clone, Copy, Debug, Default)]
pub struct PanicBarrier;

impl<E: Endpoint> Layer<E> for PanicBarrier {
    type Endpoint = PanicBarrierEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> PanicBarrierEndpoint<E> {
        PanicBarrierEndpoint { method, inner }
    }
}

/// An endpoint behind a [`PanicBarrier`].
#[derive(Debug)]
pub struct PanicBarrierEndpoint<E> {
    method: &'static Method,
    inner: E,
}

impl<E: Endpoint> Endpoint for PanicBarrierEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let method = self.method;
        // A layer that is written by hand may panic before there is a future.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(inner) => Call::Begun { barrier: Barrier { method, inner } },
            Err(panic) => Call::Failed { error: Some(failed(method, &*panic)) },
        }
    }
}

pin_project! {
    #[project = CallProjection]
    enum Call<F> {
        Begun {
            #[pin]
            barrier: Barrier<F>,
        },
        Failed { error: Option<Error> },
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Call<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        match self.project() {
            CallProjection::Begun { barrier } => barrier.poll(cx),
            CallProjection::Failed { error } => {
                Poll::Ready(Err(error.take().expect("polled once more after its end")))
            }
        }
    }
}

pin_project! {
    struct Barrier<T> {
        method: &'static Method,
        #[pin]
        inner: T,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Barrier<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let method = *this.method;
        // What the panic left half done is dropped with the call.
        let answer = match catch_unwind(AssertUnwindSafe(|| this.inner.poll(cx))) {
            Ok(answer) => ready!(answer),
            Err(panic) => Err(failed(method, &*panic)),
        };
        Poll::Ready(
            answer.map(|reply| reply.wrap_stream(|messages| Barrier { method, inner: messages })),
        )
    }
}

impl Stream for Barrier<Pin<Box<dyn Source>>> {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        catch_unwind(AssertUnwindSafe(|| this.inner.poll_next(cx)))
            .unwrap_or_else(|panic| Poll::Ready(Some(Err(failed(this.method, &*panic)))))
    }
}

impl Source for Barrier<Pin<Box<dyn Source>>> {
    fn poll_batch(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let this = self.project();
        catch_unwind(AssertUnwindSafe(|| this.inner.get_mut().as_mut().poll_batch(cx, batch)))
            .unwrap_or_else(|panic| Poll::Ready(Some(Err(failed(this.method, &*panic)))))
    }
}

#[cold]
fn failed(method: &Method, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("(the panic carries no text)");
    tracing::error!(method = method.path, panic = text, "a method panicked");
    Error::by_layer(PANIC_BARRIER, Code::Internal, "the method panicked")
}
