//! Bodies: what goes out of the wires, and what a mounted application gets.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};

use crate::names::GRPC_STATUS;

/// Any error of a body.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request, as a mounted application gets it.
pub struct WireBody(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>);

impl WireBody {
    /// Hides the type of `body`.
    pub(super) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        WireBody(Box::pin(http_body_util::BodyExt::map_err(body, Into::into)))
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for WireBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireBody").finish_non_exhaustive()
    }
}

/// The body of an answer.
pub struct AnswerBody(Kind);

enum Kind {
    /// One piece of known length; empty when it is out.
    Full(Bytes),
    /// A message of gRPC and its trailers. The message is in two pieces where copying it behind
    /// its prefix would cost more than a second frame.
    Grpc { head: Bytes, message: Bytes, trailers: Trailers },
    /// Somebody else's.
    Boxed(WireBody),
}

/// Trailers that are still to be sent.
pub(super) enum Trailers {
    /// Success and nothing else.
    Ok,
    /// With something of the method's own.
    Of(Box<HeaderMap>),
    /// They are out.
    Sent,
}

/// From this size on a message of gRPC is not copied.
const COPIED_BELOW: usize = 8 * 1024;

impl AnswerBody {
    /// One piece.
    pub(super) fn full(bytes: Bytes) -> Self {
        AnswerBody(Kind::Full(bytes))
    }

    /// Nothing at all.
    pub(super) fn empty() -> Self {
        AnswerBody::full(Bytes::new())
    }

    /// Trailers and nothing before them.
    pub(super) fn trailers(trailers: HeaderMap) -> Self {
        let trailers = Trailers::Of(Box::new(trailers));
        AnswerBody(Kind::Grpc { head: Bytes::new(), message: Bytes::new(), trailers })
    }

    /// A message of gRPC behind its prefix; `None` where it is too long for one.
    pub(super) fn grpc(flags: u8, message: Bytes, trailers: Trailers) -> Option<Self> {
        let length = u32::try_from(message.len()).ok()?;
        let copied = message.len() < COPIED_BELOW;
        let mut head = BytesMut::with_capacity(if copied { 5 + message.len() } else { 5 });
        head.put_u8(flags);
        head.put_u32(length);
        let message = if copied {
            head.put_slice(&message);
            Bytes::new()
        } else {
            message
        };
        Some(AnswerBody(Kind::Grpc { head: head.freeze(), message, trailers }))
    }

    /// Another body.
    pub(super) fn boxed<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        AnswerBody(Kind::Boxed(WireBody::new(body)))
    }
}

impl Trailers {
    fn take(&mut self) -> Option<HeaderMap> {
        match std::mem::replace(self, Trailers::Sent) {
            Trailers::Ok => {
                let mut trailers = HeaderMap::with_capacity(1);
                let zero = const { HeaderValue::from_static("0") };
                trailers.insert(&GRPC_STATUS, zero);
                Some(trailers)
            }
            Trailers::Of(trailers) => Some(*trailers),
            Trailers::Sent => None,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let data = |bytes: &mut Bytes| {
            let bytes = std::mem::take(bytes);
            (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)))
        };
        match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(data(bytes)),
            Kind::Grpc { head, message, trailers } => Poll::Ready(
                data(head)
                    .or_else(|| data(message))
                    .or_else(|| trailers.take().map(|map| Ok(Frame::trailers(map)))),
            ),
            Kind::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Grpc { trailers, .. } => matches!(trailers, Trailers::Sent),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            // Not exact: gRPC wants no content-length beside trailers.
            Kind::Grpc { .. } => SizeHint::default(),
            Kind::Boxed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_message_is_framed_whether_it_is_copied_or_not() {
        for size in [0, 1, COPIED_BELOW - 1, COPIED_BELOW, 3 * COPIED_BELOW] {
            let message = Bytes::from(vec![7; size]);
            let body = AnswerBody::grpc(0, message.clone(), Trailers::Ok).unwrap();
            let collected = body.collect().await.unwrap();
            assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
            let bytes = collected.to_bytes();
            assert_eq!(bytes[0], 0);
            assert_eq!(bytes[1..5], u32::try_from(size).unwrap().to_be_bytes());
            assert_eq!(bytes[5..], message);
        }
    }

    #[test]
    fn a_full_body_knows_its_length_and_an_empty_one_its_end() {
        assert_eq!(AnswerBody::full("four".into()).size_hint().exact(), Some(4));
        assert!(AnswerBody::empty().is_end_stream());
    }
}
