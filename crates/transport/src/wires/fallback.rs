//! What answers where no method and no route is: usually somebody's web application.
//!
//! How much it reads is its own business. But it has the time of a call to begin its answer, and a
//! request's body that goes silent breaks off, as on every wire.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use kitfox_core::{Code, Peer};
use tokio::time::{Sleep, sleep, timeout};
use tower_service::Service;

use super::body::{AnswerBody, BoxError, WireBody};
use super::problem;
use super::refusal::Refusal;
use crate::Limits;

/// An application beside the services; its type is forgotten.
pub(super) trait Fallback: Send + Sync {
    fn answer(
        &self,
        request: Request<WireBody>,
        limits: &Limits,
    ) -> BoxFuture<'static, Response<AnswerBody>>;
}

/// `request` with who sent it among its extensions, where an application looks for it. What is
/// there already stays where nobody knows better.
pub(super) fn with_peer<B>(peer: Option<&Peer>, mut request: Request<B>) -> Request<B> {
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer.clone());
    }
    request
}

/// Any tower service.
pub(super) struct Mounted<S>(pub(super) S);

impl<S, B> Fallback for Mounted<S>
where
    S: Service<
            Request<WireBody>,
            Response = Response<B>,
            Error: Into<BoxError>,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn answer(
        &self,
        request: Request<WireBody>,
        limits: &Limits,
    ) -> BoxFuture<'static, Response<AnswerBody>> {
        let mut service = self.0.clone();
        let (patience, cap) = (limits.body_timeout, limits.call_timeout);
        let request = request.map(|body| WireBody::new(Patient { body, patience, timer: None }));
        Box::pin(async move {
            match timeout(cap, call(&mut service, request)).await {
                Ok(Ok(response)) => response.map(AnswerBody::boxed),
                Ok(Err(cause)) => failed(&cause),
                Err(_) => late(),
            }
        })
    }
}

async fn call<S>(service: &mut S, request: Request<WireBody>) -> Result<S::Response, BoxError>
where
    S: Service<Request<WireBody>, Error: Into<BoxError>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
    service.call(request).await.map_err(Into::into)
}

/// A body whose every piece comes within a while.
struct Patient {
    body: WireBody,
    patience: Duration,
    /// Set while a piece is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Body for Patient {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Patient { body, patience, timer } = &mut *self;
        if let Poll::Ready(next) = Pin::new(body).poll_frame(cx) {
            *timer = None;
            return Poll::Ready(next);
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(*patience)));
        timer.as_mut().poll(cx).map(|()| Some(Err("the request's body went silent".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cold]
fn late() -> Response<AnswerBody> {
    let why = "the application took longer than the port's limit for calls";
    problem::refuse(&Refusal::new(Code::DeadlineExceeded, why).closing())
}

#[cold]
fn failed(cause: &BoxError) -> Response<AnswerBody> {
    tracing::error!(%cause, "the application beside the services failed");
    problem::refuse(&Refusal::new(Code::Internal, "the application failed"))
}
