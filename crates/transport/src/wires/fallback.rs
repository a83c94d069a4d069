//! What answers where no method and no route is: usually somebody's web application.

use std::future::poll_fn;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use kitfox_core::{Code, Peer};
use tower_service::Service;

use super::body::{AnswerBody, BoxError, WireBody};
use super::problem;
use super::refusal::Refusal;

/// An application beside the services; its type is forgotten.
pub(super) trait Fallback: Send + Sync {
    fn answer(&self, request: Request<WireBody>) -> BoxFuture<'static, Response<AnswerBody>>;
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
    fn answer(&self, request: Request<WireBody>) -> BoxFuture<'static, Response<AnswerBody>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            match call(&mut service, request).await {
                Ok(response) => response.map(AnswerBody::boxed),
                Err(cause) => failed(&cause),
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

#[cold]
fn failed(cause: &BoxError) -> Response<AnswerBody> {
    tracing::error!(%cause, "the application beside the services failed");
    problem::refuse(&Refusal::new(Code::Internal, "the application failed"))
}
