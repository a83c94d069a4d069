//! Between typed and encoded streams.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::message::{Codec, EncodeError, Message};
use crate::{Code, DomainError, Error, MessageStream, Streaming};

/// Encodes messages as they come; `fail` says what is told of an error that ends them.
pub(super) fn encoded<T: Message, X: DomainError>(
    messages: Streaming<T, X>,
    codec: Codec,
    mut fail: impl FnMut(Error) -> Error + Send + Unpin + 'static,
) -> MessageStream {
    MessageStream::new(Map::new(messages, move |message: Result<T, X>| match message {
        Ok(message) => message.encode(codec).map_err(|cause| fail(unencodable::<T>(cause))),
        Err(error) => Err(fail(error.into_error())),
    }))
}

/// Decodes messages as they come; `fail` says what is told of an error, of the stream or of a
/// message in it.
pub(super) fn decoded<T: Message, X: DomainError>(
    messages: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
    decode: impl Fn(&Bytes) -> Result<T, Error> + Send + Unpin + 'static,
    fail: impl Fn(Error) -> Error + Send + Unpin + 'static,
) -> Streaming<T, X> {
    Streaming::new(Map::new(messages, move |message: Result<Bytes, Error>| {
        message.and_then(|bytes| decode(&bytes)).map_err(|error| X::from_error(fail(error)))
    }))
}

pub(super) fn unencodable<T: Message>(cause: EncodeError) -> Error {
    let message = format!("a {} cannot be encoded: {cause}", T::NAME);
    Error::by_layer("encode", Code::Internal, message).with_source(cause)
}

/// Items of a stream, mapped; the first failure is the last item, whoever failed.
struct Map<S, F> {
    stream: S,
    map: F,
    failed: bool,
}

impl<S, F> Map<S, F> {
    fn new(stream: S, map: F) -> Self {
        Map { stream, map, failed: false }
    }
}

impl<S, F, T, E> Stream for Map<S, F>
where
    S: Stream + Unpin,
    F: FnMut(S::Item) -> Result<T, E> + Unpin,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Map { stream, map, failed } = &mut *self;
        if *failed {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(stream).poll_next(cx)).map(map);
        *failed = matches!(next, Some(Err(_)));
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_cannot_be_read_is_the_last_one() {
        let bytes = [&b"{}"[..], b"[]", b"{}"].map(|json| Ok(Bytes::from_static(json)));
        let messages = MessageStream::new(futures_util::stream::iter(bytes));
        let decode = |bytes: &Bytes| crate::payload::decode::<()>(Codec::Json, bytes);
        let mut messages: Streaming<(), Error> = decoded(messages, decode, |error| error);
        assert!(messages.next().await.unwrap().is_ok());
        assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::InvalidArgument);
        assert!(messages.next().await.is_none());
    }
}
