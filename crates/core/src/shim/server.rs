//! Decode, call the trait, encode.

use std::any::type_name;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::streams::{decoded, encoded};
use crate::message::{Codec, Message};
use crate::payload::decode;
use crate::record::Stage;
use crate::stream::{Source, Trailers};
use crate::{
    Batch, BoxEndpoint, Code, Context, DomainError, Endpoint, Error, MessageStream, Origin,
    Payload, Reply, Request, ResponseMetadata, Streaming,
};

/// One message in, one out.
pub fn unary<S, I, O, E, F, Fut>(service: &Arc<S>, method: F) -> BoxEndpoint
where
    S: Send + Sync + 'static,
    I: Message,
    O: Message,
    E: DomainError,
    F: Fn(Arc<S>, Context, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send,
{
    shim(service, method, |payload| payload.decode(), |output, answering| one(&output, answering))
}

/// One message in, many out.
pub fn server_stream<S, I, O, X, E, F, Fut>(service: &Arc<S>, method: F) -> BoxEndpoint
where
    S: Send + Sync + 'static,
    I: Message,
    O: Message,
    X: DomainError,
    E: DomainError,
    F: Fn(Arc<S>, Context, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Streaming<O, X>, E>> + Send,
{
    shim(service, method, |payload| payload.decode(), many)
}

/// Many messages in, one out.
pub fn client_stream<S, I, X, O, E, F, Fut>(service: &Arc<S>, method: F) -> BoxEndpoint
where
    S: Send + Sync + 'static,
    I: Message,
    X: DomainError,
    O: Message,
    E: DomainError,
    F: Fn(Arc<S>, Context, Streaming<I, X>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send,
{
    shim(
        service,
        method,
        |payload| Ok(requests(payload)),
        |output, answering| one(&output, answering),
    )
}

/// Many messages in, many out.
pub fn both_stream<S, I, X, O, Y, E, F, Fut>(service: &Arc<S>, method: F) -> BoxEndpoint
where
    S: Send + Sync + 'static,
    I: Message,
    X: DomainError,
    O: Message,
    Y: DomainError,
    E: DomainError,
    F: Fn(Arc<S>, Context, Streaming<I, X>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Streaming<O, Y>, E>> + Send,
{
    shim(service, method, |payload| Ok(requests(payload)), many)
}

fn requests<I: Message, X: DomainError>(payload: Payload) -> Streaming<I, X> {
    let codec = payload.codec();
    // Whatever is wrong with it is the caller's, and the caller may be told.
    let fail = |error: Error| error.with_origin(Origin::Caller);
    decoded(payload.into_stream(), move |bytes| decode(codec, bytes), fail)
}

fn one<O: Message>(output: &O, answering: &Answering<'_>) -> Result<Payload, Error> {
    let Answering { codec, place, context } = *answering;
    match output.encode(codec) {
        Ok(bytes) => Ok(Payload::unary(codec, bytes)),
        Err(cause) => {
            let error = super::streams::unencodable::<O>(cause);
            place.log(context, &error, false);
            Err(error)
        }
    }
}

fn many<O: Message, X: DomainError>(
    output: Streaming<O, X>,
    answering: &Answering<'_>,
) -> Result<Payload, Error> {
    let Answering { codec, place, context } = *answering;
    let cx = context.clone();
    let fail = move |error| place.answer_with(&cx, error, cx.take_response());
    let messages = Answers {
        messages: encoded(output, codec, fail),
        context: context.clone(),
        trailers: Trailers::default(),
    };
    let trailers = messages.trailers.clone();
    let messages = MessageStream::of(Box::pin(messages)).with_trailers(trailers);
    Ok(Payload::stream(codec, messages))
}

/// What an answer is encoded with.
struct Answering<'a> {
    codec: Codec,
    context: &'a Context,
    place: Place,
}

/// The messages of an answer, and the trailers that the method set on the way.
struct Answers<S> {
    messages: S,
    context: Context,
    trailers: Trailers,
}

impl<S> Answers<S> {
    /// The stream has ended: what the method set on the way is complete.
    fn end(&self) {
        if let Some(metadata) = self.context.take_response() {
            self.trailers.add(metadata.trailers);
        }
    }
}

impl<S: Stream<Item = Result<Bytes, Error>> + Unpin> Stream for Answers<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.messages).poll_next(cx));
        if next.is_none() {
            self.end();
        }
        Poll::Ready(next)
    }
}

impl<S: Source + Unpin> Source for Answers<S> {
    fn poll_batch(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let next = ready!(Pin::new(&mut self.messages).poll_batch(cx, batch));
        if next.is_none() {
            self.end();
        }
        Poll::Ready(next)
    }
}

fn shim<S, I, O, E, F, Fut, D, N>(service: &Arc<S>, method: F, decode: D, encode: N) -> BoxEndpoint
where
    S: Send + Sync + 'static,
    I: Send + 'static,
    O: Send + 'static,
    E: DomainError,
    F: Fn(Arc<S>, Context, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send,
    D: Fn(Payload) -> Result<I, Error> + Send + Sync + 'static,
    N: Fn(O, &Answering<'_>) -> Result<Payload, Error> + Send + Sync + 'static,
{
    let service = Arc::clone(service);
    BoxEndpoint::new(Shim { service, method, decode, encode, types: PhantomData })
}

struct Shim<S, I, O, E, F, D, N> {
    service: Arc<S>,
    method: F,
    decode: D,
    encode: N,
    types: PhantomData<fn(I) -> Result<O, E>>,
}

impl<S, I, O, E, F, Fut, D, N> Endpoint for Shim<S, I, O, E, F, D, N>
where
    S: Send + Sync + 'static,
    I: Send + 'static,
    O: Send + 'static,
    E: DomainError,
    F: Fn(Arc<S>, Context, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + Send,
    D: Fn(Payload) -> Result<I, Error> + Send + Sync + 'static,
    N: Fn(O, &Answering<'_>) -> Result<Payload, Error> + Send + Sync + 'static,
{
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Request { context, payload } = request;
        let codec = payload.codec();
        let input = (self.decode)(payload)?;
        let service = Arc::clone(&self.service);
        context.enter_stage(Stage::Method);
        let answer = (self.method)(service, context.clone(), input).await;
        let metadata = context.take_response();
        match answer {
            Ok(output) => {
                let answering = Answering { codec, context: &context, place: Place::of::<S, I>() };
                let payload = (self.encode)(output, &answering)?;
                Ok(Reply::new(payload).with_metadata(metadata))
            }
            Err(error) => {
                let place = Place::of::<S, I>();
                Err(place.answer_with(&context, error.into_error(), metadata))
            }
        }
    }
}

/// Where a call failed. A shim does not know its method: the types of the service and of the input
/// tell which one it is.
#[derive(Clone, Copy)]
struct Place {
    service: &'static str,
    input: &'static str,
}

impl Place {
    fn of<S, I>() -> Self {
        Place { service: type_name::<S>(), input: type_name::<I>() }
    }

    /// What the caller is told of a failure, with what the method set; the log learns the rest.
    #[cold]
    fn answer_with(
        &self,
        context: &Context,
        error: Error,
        metadata: Option<Box<ResponseMetadata>>,
    ) -> Error {
        // A call that was cancelled did not fail.
        let masked = !error.origin().is_answer() && error.code() != Code::Canceled;
        let mut answer = error.into_answer();
        self.log(context, &answer, masked);
        if let Some(metadata) = metadata {
            answer.metadata_mut().extend(*metadata);
        }
        answer
    }

    /// Logs what the caller cannot mend or is not told. Headers and messages stay out: they may
    /// hold secrets.
    #[cold]
    fn log(&self, context: &Context, answer: &Error, masked: bool) {
        if context.observer().is_some() {
            // The record of the call says all that, and more.
            return;
        }
        let Place { service, input } = self;
        let (code, message) = (answer.code(), answer.message());
        if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss) {
            let cause = answer.causes();
            tracing::error!(service, input, %code, message, cause, "a call failed");
        } else if masked {
            let cause = answer.causes();
            tracing::warn!(service, input, %code, message, cause, "a call made on the way failed");
        }
    }
}

#[cfg(test)]
mod tests;
