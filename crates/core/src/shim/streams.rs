//! Between typed and encoded streams.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::message::{Codec, EncodeError, Message};
use crate::payload::undecodable;
use crate::{Code, DomainError, Error, MessageStream, Payload, Streaming};

/// Encodes messages as they come. On the server, the error that ends the stream is an answer.
pub(super) fn encoded<T: Message, X: DomainError>(
    messages: Streaming<T, X>,
    codec: Codec,
    answer: bool,
) -> MessageStream {
    MessageStream::new(Map(messages, move |message: Result<T, X>| match message {
        Ok(message) => message.encode(codec).map_err(unencodable::<T>),
        Err(error) if answer => Err(error.into_error().into_answer()),
        Err(error) => Err(error.into_error()),
    }))
}

/// Decodes messages as they come.
pub(super) fn decoded<T: Message, X: DomainError>(payload: Payload) -> Streaming<T, X> {
    let codec = payload.codec();
    let decode = move |message: Result<Bytes, Error>| {
        let bytes = message.map_err(X::from_error)?;
        T::decode(codec, &bytes).map_err(|cause| X::from_error(undecodable::<T>(&cause)))
    };
    Streaming::new(Map(payload.into_stream(), decode))
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
