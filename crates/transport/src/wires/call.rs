//! The direct path: one unary call on one of the three wires, from its headers to its answer.
//!
//! Everything that needs no waiting happens before there is a future, which therefore holds
//! little: the context, the body and its bounds.

use bytes::Bytes;
use http::Response;
use http_body::Body;
use kitfox_core::message::Codec;
use kitfox_core::{Bindings, Context, Endpoint, Error, Payload, Peer, Platform, Reply, Request};
use tokio::time::Instant;

use super::body::{AnswerBody, BoxError};
use super::content::Subtype;
use super::head::Head;
use super::read_body::{Bounds, Shape, read_body};
use super::refusal::Refusal;
use super::timeout::Patience;
use super::{connect, grpc, problem, rest};
use crate::Limits;

/// The wires that are served without the engine.
#[derive(Debug)]
pub(super) enum Wire {
    Connect(Codec),
    Grpc(Subtype),
    /// With the values of path and query, and whether a body belongs to it.
    Rest {
        bindings: Bindings,
        body: bool,
    },
}

impl Wire {
    pub(super) fn shape(&self) -> Shape {
        match self {
            Wire::Connect(_) | Wire::Rest { body: true, .. } => Shape::Message,
            Wire::Grpc(_) => Shape::Frame,
            Wire::Rest { body: false, .. } => Shape::Nothing,
        }
    }

    pub(super) fn patience(&self, head: &Head) -> Patience {
        match self {
            Wire::Grpc(_) => head.grpc,
            Wire::Connect(_) | Wire::Rest { .. } => head.connect,
        }
    }

    fn payload(&mut self, body: Bytes, limit: usize) -> Result<Payload, Refusal> {
        Ok(match self {
            Wire::Connect(codec) => Payload::unary(*codec, body),
            Wire::Grpc(subtype) => Payload::unary(subtype.codec(), grpc::unframe(body, limit)?),
            // Nothing but a body is what Connect has, and a box less.
            Wire::Rest { bindings, .. } if bindings.0.is_empty() && !body.is_empty() => {
                Payload::unary(Codec::Json, body)
            }
            Wire::Rest { bindings, .. } => Payload::rest(body, std::mem::take(bindings)),
        })
    }

    fn answer(&self, reply: Reply) -> Response<AnswerBody> {
        match self {
            Wire::Connect(_) => connect::answer(reply),
            Wire::Grpc(subtype) => grpc::answer(*subtype, reply),
            Wire::Rest { .. } => rest::answer(reply),
        }
    }

    #[cold]
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response<AnswerBody> {
        match self {
            Wire::Connect(_) => connect::refuse(refusal),
            Wire::Grpc(subtype) => grpc::refuse(*subtype, refusal),
            Wire::Rest { .. } => problem::refuse(refusal),
        }
    }
}

/// A port's part in every call.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) limits: Limits,
    pub(super) platform: Platform,
}

/// A call that may be served.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) context: Context,
    bounds: Bounds,
}

impl Surroundings {
    /// Makes the context of a call, whose time begins here.
    pub(super) fn admit(
        &self,
        head: Head,
        peer: Option<&Peer>,
        patience: Patience,
        shape: Shape,
    ) -> Result<Admitted, Error> {
        // The one clock reading of the wires.
        let arrived = Instant::now();
        let deadline = patience.deadline(arrived, self.limits.call_timeout, head.headers())?;
        let mut incoming = head.incoming;
        incoming.deadline = deadline;
        incoming.peer = peer.cloned();
        incoming.platform = Some(self.platform.clone());
        let bounds = Bounds::new(shape, &self.limits, arrived, deadline);
        Ok(Admitted { context: Context::incoming(incoming), bounds })
    }
}

impl Admitted {
    /// The body that belongs to the call.
    pub(super) async fn body<B>(&self, body: B) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        read_body(body, &self.bounds).await
    }
}

/// A call on its way to its endpoint.
pub(super) struct Call<'a, E, B> {
    pub(super) endpoint: &'a E,
    pub(super) wire: Wire,
    pub(super) admitted: Admitted,
    pub(super) body: B,
}

impl<E, B> Call<'_, E, B>
where
    E: Endpoint,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    /// Reads the body, calls, and writes the answer.
    pub(super) async fn answer(self) -> Response<AnswerBody> {
        let Call { endpoint, mut wire, admitted: Admitted { context, bounds }, body } = self;
        let payload = match read_body(body, &bounds).await {
            Ok(body) => wire.payload(body, bounds.bytes()),
            Err(refusal) => Err(refusal),
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(refusal) => return wire.refuse(&refusal),
        };
        match endpoint.call(Request::new(context, payload)).await {
            Ok(reply) => wire.answer(reply),
            Err(error) => wire.refuse(&Refusal::from(error)),
        }
    }
}
