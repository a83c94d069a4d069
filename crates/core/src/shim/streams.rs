//! Between typed and encoded streams.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use crate::message::{Codec, EncodeError, Message};
use crate::stream::{Source, fill, too_long};
use crate::{Batch, Code, DomainError, Error, Streaming};

/// Encodes messages as they come; `fail` says what is told of an error that ends them.
pub(super) fn encoded<T: Message, X: DomainError>(
    messages: Streaming<T, X>,
    codec: Codec,
    fail: impl FnMut(Error) -> Error + Send + Unpin + 'static,
) -> impl Source + Unpin + 'static {
    Encoded { messages, codec, fail }
}

struct Encoded<T, X, F> {
    messages: Streaming<T, X>,
    codec: Codec,
    fail: F,
}

impl<T, X, F> Stream for Encoded<T, X, F>
where
    T: Message,
    X: DomainError,
    F: FnMut(Error) -> Error + Unpin,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Encoded { messages, codec, fail } = &mut *self;
        Pin::new(messages).poll_next(cx).map(|next| {
            next.map(|message| match message {
                Ok(message) => {
                    message.encode(*codec).map_err(|cause| fail(unencodable::<T>(cause)))
                }
                Err(error) => Err(fail(error.into_error())),
            })
        })
    }
}

impl<T, X, F> Source for Encoded<T, X, F>
where
    T: Message,
    X: DomainError,
    F: FnMut(Error) -> Error + Send + Unpin,
{
    fn poll_batch(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let Encoded { messages, codec, fail } = &mut *self;
        fill(batch, |batch| {
            Pin::new(&mut *messages).poll_next(cx).map(|next| {
                next.map(|message| match message {
                    Ok(message) => match batch.encode(&message, *codec) {
                        Ok(put) => put.map_err(|_| fail(too_long())),
                        Err(cause) => Err(fail(unencodable::<T>(cause))),
                    },
                    Err(error) => Err(fail(error.into_error())),
                })
            })
        })
    }
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
        let messages = crate::MessageStream::new(futures_util::stream::iter(bytes));
        let decode = |bytes: &Bytes| crate::payload::decode::<()>(Codec::Json, bytes);
        let mut messages: Streaming<(), Error> = decoded(messages, decode, |error| error);
        assert!(messages.next().await.unwrap().is_ok());
        assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::InvalidArgument);
        assert!(messages.next().await.is_none());
    }
}
