//! What a port hands its requests to.

use std::future::Future;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use kitfox_core::Peer;

/// Answers HTTP requests: the wires of a host, or its admin pages.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static;

    /// Answers one request of `peer`. Dropping the future cancels what it started.
    fn handle<B>(
        &self,
        peer: &Peer,
        request: Request<B>,
    ) -> impl Future<Output = Response<Self::Body>> + Send
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static;

    /// The peer sent something that is no request, and was answered `status` without anybody's help.
    fn garbled(&self, peer: &Peer, status: u16) {
        let _ = (peer, status);
    }
}
