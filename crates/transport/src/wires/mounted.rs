//! Wires as a tower service, to stand in somebody's web application.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use kitfox_core::{Endpoint, Peer};
use tower_service::Service;

use super::Wires;
use super::body::{AnswerBody, BoxError};

/// The peer is the [`Peer`] among the request's extensions, if whoever accepted the connection
/// put one there.
impl<E, B> Service<Request<B>> for Wires<E>
where
    E: Endpoint,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<AnswerBody>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let wires = self.clone();
        Box::pin(async move {
            let peer = request.extensions().get::<Peer>().cloned();
            Ok(wires.answer(peer.as_ref(), request).await)
        })
    }
}
