//! A method of a service at the other end of a wire.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use kitfox_core::contract::Shape;
use kitfox_core::message::Codec;
use kitfox_core::{Body, Code, Context, Endpoint, Error, Method, Origin, Recovery, Reply, Request};
use tokio::time::timeout;

use super::channel::Wire;
use super::head::Head;
use super::http1::Http1;
use super::http2::Http2;
use super::outgoing::Outgoing;
use super::{HttpVersion, Protocol, connect, grpc};

/// The name of this layer in its refusals.
const NAME: &str = "channel";

/// How requests get there.
#[derive(Debug)]
pub(super) enum Way {
    Http1(Box<Http1>),
    Http2(Http2),
}

/// Sends the calls of one method.
#[derive(Debug)]
pub(super) struct HttpEndpoint {
    wire: Arc<Wire>,
    method: &'static Method,
    head: Head,
}

impl HttpEndpoint {
    pub(super) fn new(wire: Arc<Wire>, method: &'static Method) -> Self {
        let http = match wire.way {
            Way::Http1(_) => HttpVersion::Http1,
            Way::Http2(_) => HttpVersion::Http2,
        };
        let head = Head::new(&wire.address, method.path, wire.protocol, wire.codec, http);
        HttpEndpoint { wire, method, head }
    }

    async fn exchange(&self, context: &Context, message: Bytes) -> Result<Reply, Error> {
        let Wire { way, protocol, codec, address, .. } = &*self.wire;
        let answer = match way {
            Way::Http1(way) => way.exchange(|body| self.head.of(context, body), &message).await?,
            Way::Http2(way) => {
                let body = match protocol {
                    Protocol::Connect => Outgoing::bare(message),
                    Protocol::Grpc => Outgoing::framed(message).ok_or_else(too_long)?,
                };
                way.exchange(|| self.head.of(context, ()), &body).await?
            }
        };
        match protocol {
            Protocol::Connect => connect::read(answer, *codec, &address.target),
            Protocol::Grpc => grpc::read(answer, *codec, &address.target),
        }
    }

    fn message(&self, request: Request) -> Result<(Context, Bytes), Error> {
        let Request { context, payload } = request;
        if self.method.shape != Shape::Unary {
            let why = format!("{} streams, and this channel carries unary calls", self.method.path);
            return Err(Error::by_layer(NAME, Code::Unimplemented, why));
        }
        let codec: Codec = payload.codec();
        match payload.into_body() {
            Body::Unary(message) if codec == self.wire.codec => Ok((context, message)),
            Body::Unary(_) => {
                let why = "the message is not in the codec of the channel";
                Err(Error::by_layer(NAME, Code::Internal, why))
            }
            Body::Stream(_) => {
                let why = "a stream came where one message belongs";
                Err(Error::by_layer(NAME, Code::Internal, why))
            }
        }
    }
}

impl Endpoint for HttpEndpoint {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let (context, message) = self.message(request)?;
        if context.deadline().is_some() {
            // The deadline layer of the client holds the call to it.
            return self.exchange(&context, message).await;
        }
        let limit = self.wire.call_timeout;
        let context = context.with_timeout(limit);
        let exchange = pin!(self.exchange(&context, message));
        timeout(limit, exchange).await.unwrap_or_else(|_| {
            let peer = &self.wire.address.target;
            let why = format!(
                "{peer} did not answer within {limit:?}, the limit for calls without a deadline"
            );
            Err(Error::new(Code::DeadlineExceeded, why).with_origin(Origin::Transport))
        })
    }
}

fn too_long() -> Error {
    let why = "the message is longer than the 4 GiB that a gRPC frame can hold";
    Error::by_layer(NAME, Code::ResourceExhausted, why).with_recovery(Recovery::No)
}
