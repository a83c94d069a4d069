//! Decode, call the trait, encode.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::streams::{decoded, encoded};
use crate::message::{Codec, Message};
use crate::{
    BoxEndpoint, Context, DomainError, Endpoint, Error, Payload, Reply, Request, Streaming,
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
    shim(service, method, |payload| payload.decode(), |output, codec| one(&output, codec))
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
    shim(service, method, |payload| Ok(decoded(payload)), |output, codec| one(&output, codec))
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
    shim(service, method, |payload| Ok(decoded(payload)), many)
}

fn one<O: Message>(output: &O, codec: Codec) -> Result<Payload, Error> {
    match output.encode(codec) {
        Ok(bytes) => Ok(Payload::unary(codec, bytes)),
        Err(cause) => Err(super::streams::unencodable::<O>(cause)),
    }
}

fn many<O: Message, X: DomainError>(
    output: Streaming<O, X>,
    codec: Codec,
) -> Result<Payload, Error> {
    Ok(Payload::stream(codec, encoded(output, codec, true)))
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
    N: Fn(O, Codec) -> Result<Payload, Error> + Send + Sync + 'static,
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
    N: Fn(O, Codec) -> Result<Payload, Error> + Send + Sync + 'static,
{
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Request { context, payload } = request;
        let codec = payload.codec();
        let input = (self.decode)(payload)?;
        let service = Arc::clone(&self.service);
        let answer = (self.method)(service, context.clone(), input).await;
        let metadata = context.take_response();
        match answer {
            Ok(output) => {
                let payload = (self.encode)(output, codec)?;
                Ok(Reply::new(payload).with_metadata(metadata))
            }
            Err(error) => {
                let mut error = error.into_error().into_answer();
                if let Some(metadata) = metadata {
                    error.metadata_mut().extend(*metadata);
                }
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Code;

    #[tokio::test]
    async fn a_failure_keeps_its_own_metadata_beside_those_of_the_context() {
        let endpoint = unary(&Arc::new(()), |_, cx: Context, (): ()| async move {
            cx.respond(|answer| {
                answer.headers.insert("x-request-id", "7").unwrap();
                answer.headers.insert("x-both", "context").unwrap();
            });
            let mut error = Error::new(Code::Unauthenticated, "who are you?");
            let headers = &mut error.metadata_mut().headers;
            headers.insert("www-authenticate", "Bearer").unwrap();
            headers.insert("x-both", "error").unwrap();
            Err::<(), Error>(error)
        });
        let payload = Payload::unary(Codec::Protobuf, Bytes::new());
        let error = endpoint.call(Request::new(Context::background(), payload)).await.unwrap_err();
        let headers = &error.metadata().unwrap().headers;
        assert_eq!(headers.text("x-request-id"), Some("7"));
        assert_eq!(headers.text("www-authenticate"), Some("Bearer"));
        assert_eq!(headers.all("x-both").collect::<Vec<_>>(), ["context"]);
    }
}
