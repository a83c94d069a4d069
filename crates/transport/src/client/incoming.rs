//! The body of an answer on its way in, over either version of HTTP.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use kitfox_core::Error;

use super::answer::{Answer, Gather, TooLarge};
use super::failure::Failure;
use super::{http1, http2};

/// The body of an answer. Dropping it before its end ends the call on the wire.
#[derive(Debug)]
pub(super) enum Incoming {
    Http1(http1::Incoming),
    Http2(http2::Incoming),
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Incoming::Http1(body) => body.poll_frame(cx),
            Incoming::Http2(body) => body.poll_frame(cx),
        }
    }
}

/// Reads an answer to its end, up to `limit` bytes of its body.
pub(super) async fn whole(
    response: Response<Incoming>,
    limit: usize,
    peer: &str,
) -> Result<Answer, Error> {
    let (parts, mut body) = response.into_parts();
    let mut gather = Gather::new(limit);
    let mut trailers = HeaderMap::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame?.into_data() {
            Ok(chunk) => {
                gather.push(chunk).map_err(|TooLarge| Failure::too_large(peer, limit).error)?;
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    Ok(Answer { status: parts.status, headers: parts.headers, body: gather.whole(), trailers })
}
