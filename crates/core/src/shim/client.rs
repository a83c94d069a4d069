//! Encode, call the stack, decode.

use super::streams::{decoded, encoded, unencodable};
use crate::message::Message;
use crate::{
    Body, Client, Code, Context, DomainError, Endpoint, Error, Origin, Payload, Reply, Request,
    Streaming,
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
    Ok(decoded(reply.into_parts().0))
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
    Ok(decoded(reply.into_parts().0))
}

fn single<I: Message>(client: &Client, input: &I) -> Result<Payload, Error> {
    let codec = client.codec();
    let bytes = input.encode(codec).map_err(unencodable::<I>)?;
    Ok(Payload::unary(codec, bytes))
}

fn stream<I: Message, X: DomainError>(client: &Client, input: Streaming<I, X>) -> Payload {
    let codec = client.codec();
    Payload::stream(codec, encoded(input, codec, false))
}

async fn send(
    client: &Client,
    index: usize,
    cx: &Context,
    payload: Payload,
) -> Result<Reply, Error> {
    let context = cx.outgoing();
    let guard = context.guard();
    match client.endpoint(index).call(Request::new(context, payload)).await {
        Ok(mut reply) => {
            if let Body::Stream(_) = reply.payload().body() {
                reply.hold(guard);
            }
            Ok(reply)
        }
        // Of a service in this process, too, the caller sees a peer.
        Err(error) if error.origin() == Origin::Domain => Err(error.with_origin(Origin::Peer)),
        Err(error) => Err(error),
    }
}

fn last<O: Message>(reply: &Reply) -> Result<O, Error> {
    let Body::Unary(bytes) = reply.payload().body() else {
        return Err(crate::payload::wrong_shape());
    };
    O::decode(reply.payload().codec(), bytes).map_err(|cause| {
        let message = format!("the answer is no {}: {cause}", O::NAME);
        Error::new(Code::Internal, message).with_origin(Origin::Transport)
    })
}
