//! Between typed and encoded streams.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

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
    MessageStream::new(Map(messages, move |message: Result<T, X>| match message {
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
    Streaming::new(Map(messages, move |message: Result<Bytes, Error>| {
        message.and_then(|bytes| decode(&bytes)).map_err(|error| X::from_error(fail(error)))
    }))
}

pub(super) fn unencodable<T: Message>(cause: EncodeError) -> Error {
    let message = format!("a {} cannot be encoded: {cause}", T::NAME);
    Error::by_layer("encode", Code::Internal, message).with_source(cause)
}

struct Map<S, F>(S, F);

impl<S, F, T> Stream for Map<S, F>
where
    S: Stream + Unpin,
    F: FnMut(S::Item) -> T + Unpin,
{
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        let Map(stream, map) = &mut *self;
        Pin::new(stream).poll_next(cx).map(|next| next.map(map))
    }
}
