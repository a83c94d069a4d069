//! A method of a service at the other end of a wire.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use kitfox_core::contract::{Idempotency, Shape};
use kitfox_core::{
    Body, Code, Context, Endpoint, Error, MessageStream, Method, Payload, Recovery, Reply,
    Request as Call, ResponseMetadata,
};
use tokio::time::{sleep, timeout};

use super::channel::Wire;
use super::head::{Form, Head};
use super::http1::Http1;
use super::http2::Http2;
use super::incoming::{Incoming, whole};
use super::messages::Messages;
use super::outgoing::Outgoing;
use super::sending::{Sending, Sent, Watch};
use super::{HttpVersion, Protocol, connect, get, grpc};
use crate::frames::PREFIX;

/// The name of this layer in its refusals.
const NAME: &str = "channel";

/// How requests get there.
#[derive(Debug)]
pub(super) enum Way {
    Http1(Http1),
    Http2(Http2),
}

/// Sends the calls of one method.
#[derive(Debug)]
pub(super) struct HttpEndpoint {
    wire: Arc<Wire>,
    method: &'static Method,
    head: Head,
    /// The answer is one message, which is read as a whole.
    plain: bool,
}

impl Way {
    pub(super) async fn open(
        &self,
        head: impl Fn() -> Request<()>,
        sent: Sent,
    ) -> Result<Response<Incoming>, Error> {
        match self {
            Way::Http1(way) => Ok(way.open(head, sent).await?.map(Incoming::Http1)),
            Way::Http2(way) => Ok(way.open(head, sent).await?.map(Incoming::Http2)),
        }
    }
}

impl HttpEndpoint {
    pub(super) fn new(wire: Arc<Wire>, method: &'static Method) -> Self {
        let unary = method.shape == Shape::Unary;
        let http = match wire.way {
            Way::Http1(_) => HttpVersion::Http1,
            Way::Http2(_) => HttpVersion::Http2,
        };
        let Wire { address, protocol, codec, compressing, .. } = &*wire;
        let compression = compressing.map(|compressing| compressing.with);
        let head = Head::new(address, method.path, *protocol, *codec, http, !unary, compression)
            .with_b3(wire.b3);
        // The trailers of gRPC-Web are a frame.
        let plain = unary && *protocol != Protocol::GrpcWeb;
        HttpEndpoint { wire, method, head, plain }
    }

    /// One message there and one back, each whole.
    async fn exchange(&self, context: &Context, message: Bytes) -> Result<Reply, Error> {
        let Wire { way, protocol, codec, address, limits, .. } = &*self.wire;
        let (form, body) = self.form(message)?;
        let head = || self.head.of(context, &form);
        let response = way.open(head, Sent::Whole(body)).await?;
        let (peer, limit) = (&address.target, limits.answer_bytes);
        match protocol {
            Protocol::Connect => {
                let answer = whole(response, limit, peer).await?;
                connect::read(answer, *codec, limit, peer)
            }
            _ => {
                let answer = whole(response, limit.saturating_add(PREFIX), peer).await?;
                grpc::read(answer, *codec, limit, peer)
            }
        }
    }

    /// How a single message goes.
    fn form(&self, message: Bytes) -> Result<(Form, Outgoing), Error> {
        let Wire { protocol, codec, compressing, get, .. } = &*self.wire;
        if *protocol != Protocol::Connect || self.method.shape != Shape::Unary {
            let framed = Outgoing::framed(message, *compressing).ok_or_else(too_long)?;
            return Ok((Form::Plain, framed));
        }
        if *get
            && self.method.idempotency == Idempotency::Safe
            && let Some(uri) = get::uri(self.head.uri(), *codec, &message)
        {
            return Ok((Form::Query(uri), Outgoing::bare(Bytes::new())));
        }
        let packed = compressing.and_then(|compressing| {
            Some((Form::Compressed(compressing.with), compressing.compress(&message)?))
        });
        let (form, message) = packed.unwrap_or((Form::Plain, message));
        Ok((form, Outgoing::bare(message)))
    }

    /// Messages in frames: many there, or many back, or both.
    async fn stream(
        &self,
        context: &Context,
        body: Body,
        limit: Option<Duration>,
    ) -> Result<Reply, Error> {
        let wire = &self.wire;
        let timer = limit.map(|limit| (limit, sleep(limit)));
        let (sent, mut watch) = match body {
            Body::Unary(message) => (Sent::Whole(self.form(message)?.1), Watch::nothing()),
            Body::Stream(messages) => {
                let (sending, watch) = Sending::new(messages, wire.compressing);
                (Sent::Messages(sending), watch)
            }
        };
        let head = || self.head.of(context, &Form::Plain);
        let response = watch.over(wire.way.open(head, sent)).await?;
        let (mut messages, metadata) = Messages::of(wire, response, watch)?;
        if let Some((limit, timer)) = timer {
            messages = messages.within(limit, timer);
        }
        match self.method.shape {
            Shape::Unary | Shape::ClientStream => {
                let (message, trailers) =
                    messages.single().await.map_err(|error| headed(error, metadata.as_deref()))?;
                let mut reply = Reply::new(Payload::unary(wire.codec, message));
                reply = reply.with_metadata(metadata);
                if let Some(trailers) = trailers {
                    reply.metadata_mut().trailers = trailers;
                }
                Ok(reply)
            }
            Shape::ServerStream | Shape::BothStream => {
                let messages =
                    messages.peek().await.map_err(|error| headed(error, metadata.as_deref()))?;
                let trailers = messages.trailers();
                let messages = MessageStream::new(messages).with_trailers(trailers);
                Ok(Reply::new(Payload::stream(wire.codec, messages)).with_metadata(metadata))
            }
        }
    }

    async fn send(
        &self,
        context: &Context,
        body: Body,
        limit: Option<Duration>,
    ) -> Result<Reply, Error> {
        match body {
            Body::Unary(message) if self.plain => self.exchange(context, message).await,
            // In a box, so that calls with one message do not grow by what only streams have.
            body => Box::pin(self.stream(context, body, limit)).await,
        }
    }

    fn body(&self, payload: Payload) -> Result<Body, Error> {
        let refused = |why| Err(Error::by_layer(NAME, Code::Internal, why));
        if payload.codec() != self.wire.codec {
            return refused("the message is not in the codec of the channel");
        }
        match payload.into_body() {
            Body::Stream(_) if !self.method.shape.streams_in() => {
                refused("a stream came where one message belongs")
            }
            body => Ok(body),
        }
    }
}

impl Endpoint for HttpEndpoint {
    async fn call(&self, request: Call) -> Result<Reply, Error> {
        let Call { context, payload } = request;
        let body = self.body(payload)?;
        if context.deadline().is_some() {
            // The deadline layer of the client holds the call to it.
            return self.send(&context, body, None).await;
        }
        let limit = self.wire.limits.cap(self.method.shape);
        let context = context.with_timeout(limit);
        let sending = pin!(self.send(&context, body, Some(limit)));
        timeout(limit, sending).await.unwrap_or_else(|_| Err(self.wire.expired(limit)))
    }
}

/// With the headers of the answer that the error came in.
fn headed(mut error: Error, metadata: Option<&ResponseMetadata>) -> Error {
    if let Some(metadata) = metadata {
        error.metadata_mut().headers = metadata.headers.clone();
    }
    error
}

pub(super) fn too_long() -> Error {
    let why = "the message is longer than the 4 GiB that a frame can hold";
    Error::by_layer(NAME, Code::ResourceExhausted, why).with_recovery(Recovery::No)
}
