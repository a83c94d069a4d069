//! Encode, call the stack, decode.

use std::pin::pin;

use bytes::Bytes;

use super::receiving::Receiving;
use super::streams::{decoded, encoded, unencodable};
use crate::context::canceled;
use crate::message::{Codec, Message};
use crate::{
    Body, Client, Code, Context, DomainError, Endpoint, Error, MessageStream, Origin, Payload,
    Reply, Request, Streaming,
};

/// One message in, one out.
pub async fn call_unary<I, O, E>(
    client: &Client,
    index: usize,
    cx: &Context,
    input: I,
) -> Result<O, E>
where
    I: Message,
    O: Message,
    E: DomainError,
{
    let payload = single(client, &input).map_err(E::from_error)?;
    // The input is not kept while the call is out.
    drop(input);
    let reply = send(client, index, cx, payload).await.map_err(E::from_error)?;
    last(&reply).map_err(E::from_error)
}

/// One message in, many out.
pub async fn call_server_stream<I, O, X, E>(
    client: &Client,
    index: usize,
    cx: &Context,
    input: I,
) -> Result<Streaming<O, X>, E>
where
    I: Message,
    O: Message,
    X: DomainError,
    E: DomainError,
{
    let payload = single(client, &input).map_err(E::from_error)?;
    drop(input);
    let reply = send(client, index, cx, payload).await.map_err(E::from_error)?;
    Ok(answers(reply, cx))
}

/// Many messages in, one out.
pub async fn call_client_stream<I, X, O, E>(
    client: &Client,
    index: usize,
    cx: &Context,
    input: Streaming<I, X>,
) -> Result<O, E>
where
    I: Message,
    X: DomainError,
    O: Message,
    E: DomainError,
{
    let payload = stream(client, input);
    let reply = send(client, index, cx, payload).await.map_err(E::from_error)?;
    last(&reply).map_err(E::from_error)
}

/// Many messages in, many out.
pub async fn call_both_stream<I, X, O, Y, E>(
    client: &Client,
    index: usize,
    cx: &Context,
    input: Streaming<I, X>,
) -> Result<Streaming<O, Y>, E>
where
    I: Message,
    X: DomainError,
    O: Message,
    Y: DomainError,
    E: DomainError,
{
    let payload = stream(client, input);
    let reply = send(client, index, cx, payload).await.map_err(E::from_error)?;
    Ok(answers(reply, cx))
}

fn single<I: Message>(client: &Client, input: &I) -> Result<Payload, Error> {
    let codec = client.codec();
    let bytes = input.encode(codec).map_err(unencodable::<I>)?;
    Ok(Payload::unary(codec, bytes))
}

fn stream<I: Message, X: DomainError>(client: &Client, input: Streaming<I, X>) -> Payload {
    let codec = client.codec();
    Payload::stream(codec, MessageStream::of(Box::pin(encoded(input, codec, |error| error))))
}

async fn send(
    client: &Client,
    index: usize,
    cx: &Context,
    payload: Payload,
) -> Result<Reply, Error> {
    let context = cx.outgoing();
    let guard = context.runner();
    let received = cx.received();
    // Pinned first: what is moved twice is copied twice.
    let call = pin!(client.endpoint(index).call(Request::new(context, payload)));
    match unless_cancelled(cx, call).await {
        Ok(mut reply) => {
            if let Body::Stream(_) = reply.payload().body() {
                reply.hold(guard);
            }
            if let Some(received) = received {
                received.set(reply.metadata());
            }
            Ok(reply)
        }
        Err(error) => {
            if let Some(received) = received {
                received.set(error.metadata());
            }
            Err(from_peer(error))
        }
    }
}

/// Drops a call whose context is cancelled; looks for that only where somebody may do so, and the
/// call has to wait.
async fn unless_cancelled(
    cx: &Context,
    call: impl Future<Output = Result<Reply, Error>>,
) -> Result<Reply, Error> {
    if cx.is_cancelled() {
        return Err(canceled());
    }
    if !cx.is_cancellable() {
        return call.await;
    }
    tokio::select! {
        biased;
        outcome = call => outcome,
        () = cx.cancelled() => Err(canceled()),
    }
}

/// Of a service in this process, too, the caller sees a peer.
fn from_peer(error: Error) -> Error {
    match error.origin() {
        Origin::Domain | Origin::Caller => error.with_origin(Origin::Peer),
        _ => error,
    }
}

fn last<O: Message>(reply: &Reply) -> Result<O, Error> {
    let Body::Unary(bytes) = reply.payload().body() else {
        return Err(crate::payload::wrong_shape());
    };
    answer(reply.payload().codec(), bytes)
}

fn answers<O: Message, X: DomainError>(reply: Reply, cx: &Context) -> Streaming<O, X> {
    let payload = reply.into_parts().0;
    let codec = payload.codec();
    let messages = Receiving::new(payload.into_stream(), cx);
    decoded(messages, move |bytes| answer(codec, bytes), from_peer)
}

fn answer<O: Message>(codec: Codec, bytes: &Bytes) -> Result<O, Error> {
    O::decode(codec, bytes).map_err(|cause| {
        let message = format!("the answer is no {}: {cause}", O::NAME);
        Error::new(Code::Internal, message).with_origin(Origin::Transport)
    })
}
