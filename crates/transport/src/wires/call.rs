//! A call of one message on one of the three wires, from its headers to its answer.
//!
//! Everything that needs no waiting happens before there is a future, which therefore holds
//! little: the context, the body and its bounds.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Body;
use kitfox_core::contract;
use kitfox_core::message::Codec;
use kitfox_core::{
    Bindings, Code, Context, Endpoint, Error, Incoming, Payload, Peer, Platform, Reply, Request,
    record,
};
use tokio::time::Instant;

use super::body::{AnswerBody, BoxError};
use super::content::Subtype;
use super::edge::Arriving;
use super::head::Terms;
use super::packing::{Packing, unpacked};
use super::read_body::{Bounds, Shape, read_body};
use super::refusal::{Refusal, WIRE};
use super::rest_stream::Format;
use super::timeout::Patience;
use super::{connect, grpc, problem, rest};
use crate::Limits;

/// How the message of a call stands in its body, and how that of its answer does.
#[derive(Debug)]
pub(super) enum Wire {
    Connect {
        codec: Codec,
        packing: Packing,
    },
    Grpc {
        subtype: Subtype,
        packing: Packing,
    },
    /// With the values of path and query, whether a body belongs to it, and how a stream is
    /// written.
    Rest {
        route: &'static contract::Route,
        bindings: Bindings,
        body: bool,
        packing: Packing,
        stream: Option<Format>,
    },
}

impl Wire {
    /// Which one it is, and by what route.
    pub(super) fn names(&self) -> (record::Wire, Option<&'static contract::Route>) {
        match self {
            Wire::Connect { .. } => (record::Wire::Connect, None),
            Wire::Grpc { .. } => (record::Wire::Grpc, None),
            Wire::Rest { route, .. } => (record::Wire::Rest, Some(*route)),
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Wire::Connect { .. } | Wire::Rest { body: true, .. } => Shape::Message,
            Wire::Grpc { .. } => Shape::Frame,
            Wire::Rest { body: false, .. } => Shape::Nothing,
        }
    }

    pub(super) fn patience(&self, terms: Terms) -> Patience {
        match self {
            Wire::Grpc { .. } => terms.grpc,
            Wire::Connect { .. } | Wire::Rest { .. } => terms.connect,
        }
    }

    #[inline(always)]
    pub(super) fn payload(&mut self, body: Bytes, limit: usize) -> Result<Payload, Refusal> {
        Ok(match self {
            Wire::Connect { codec, packing } => {
                Payload::unary(*codec, unpacked(body, packing.request, limit)?)
            }
            Wire::Grpc { subtype, packing } => {
                Payload::unary(subtype.codec(), grpc::unframe(body, limit, packing.request)?)
            }
            Wire::Rest { bindings, packing, .. } => {
                let body = unpacked(body, packing.request, limit)?;
                // Nothing but a body is what Connect has, and a box less.
                if bindings.0.is_empty() && !body.is_empty() {
                    return Ok(Payload::unary(Codec::Json, body));
                }
                Payload::rest(body, std::mem::take(bindings))
            }
        })
    }

    #[inline(always)]
    pub(super) fn answer(&self, reply: Reply) -> Response<AnswerBody> {
        match self {
            Wire::Connect { packing, .. } => connect::answer(reply, packing.answer),
            Wire::Grpc { subtype, packing } => grpc::answer(*subtype, reply, packing.answer),
            Wire::Rest { stream: Some(format), .. } => format.answer(reply),
            Wire::Rest { packing, .. } => rest::answer(reply, packing.answer),
        }
    }

    #[cold]
    pub(super) fn refuse(&self, refusal: &Refusal) -> Response<AnswerBody> {
        match self {
            Wire::Connect { .. } => connect::refuse(refusal),
            Wire::Grpc { subtype, .. } => grpc::refuse(*subtype, refusal),
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
    pub(super) bounds: Bounds,
}

impl Surroundings {
    /// How long a call of a method with this shape may take.
    pub(super) fn cap(&self, shape: contract::Shape) -> Duration {
        match shape {
            contract::Shape::Unary => self.limits.call_timeout,
            _ => self.limits.stream_timeout,
        }
    }

    /// Completes what is known of a call, whose time begins here and is `cap` at most. What is known
    /// is large and stays where it stands.
    #[inline(always)]
    pub(super) fn admit(
        &self,
        cap: Duration,
        twice: Option<&'static str>,
        incoming: &mut Incoming,
        peer: Option<&Peer>,
        patience: Patience,
        shape: Shape,
    ) -> Result<Bounds, Error> {
        if let Some(name) = twice {
            return Err(said_twice(name));
        }
        // The one clock reading of the wires.
        let arrived = Instant::now();
        let deadline = patience.deadline(arrived, cap, incoming.metadata.headers())?;
        incoming.started = Some(arrived);
        incoming.deadline = deadline;
        incoming.peer = peer.cloned();
        incoming.platform = Some(self.platform.clone());
        Ok(Bounds::new(shape, &self.limits, arrived, deadline))
    }
}

#[cold]
fn said_twice(name: &str) -> Error {
    let message = format!("the header `{name}` is there more than once: say it once");
    Error::by_layer(WIRE, Code::InvalidArgument, message)
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
        let arriving = Arriving::new(&context);
        let payload = match read_body(body, &bounds).await {
            Ok(body) => wire.payload(body, bounds.bytes()),
            Err(refusal) => Err(refusal),
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(refusal) => return arriving.lost(&refusal, wire.refuse(&refusal)),
        };
        arriving.arrived();
        match endpoint.call(Request::new(context, payload)).await {
            Ok(reply) => wire.answer(reply),
            Err(error) => wire.refuse(&Refusal::from(error)),
        }
    }
}
