//! What goes beside the direct path: streams, gRPC-Web, GET by Connect.

use bytes::Bytes;
use http_body::Body;
use kitfox_core::record::Wire;
use kitfox_core::{Context, Endpoint, Payload, Peer};

use super::Inner;
use super::body::BoxError;
use super::call::Admitted;
use super::connect;
use super::edge::{Lost, wire_of};
use super::framing::Framing;
use super::get::Query;
use super::head::{Head, Line};
use super::methods::Served;
use super::packing::{Packing, Speech, unpacked};
use super::read_body::Shape;
use super::refusal::Refusal;
use super::step::{Rest, Step};
use super::stream::StreamCall;
use super::way::{Way, refuse};

impl<E: Endpoint> Inner<E> {
    /// A request on a method's own path that is no plain call, or none at all.
    #[inline(never)]
    pub(super) fn indirect<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        line: &Line,
        head: Head,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (content, rest) = (head.content, Rest::of(&body));
        let lost = |wire| Lost { wire, peer, verb: line.method.as_str() };
        let step = match Way::of(served.method, line, &head) {
            Ok(Way::Call(wire)) => {
                return self.call(served, wire, peer, head.terms(), head.incoming, body);
            }
            Ok(Way::Stream(framing, packing)) => {
                self.stream(served, framing, packing, peer, head, body)
            }
            Ok(Way::Get) => {
                let step = self.get(served, peer, line, head);
                return step.unwrap_or_else(|refusal| {
                    let (lost, response) = (lost(Some(Wire::Connect)), connect::refuse(&refusal));
                    lost.refused(&self.surroundings, &refusal, response, rest)
                });
            }
            Err(refusal) => Err(refusal),
        };
        step.unwrap_or_else(|refusal| {
            let response = refuse(content, &refusal);
            lost(wire_of(content)).refused(&self.surroundings, &refusal, response, rest)
        })
    }

    /// A call in frames.
    fn stream<'a, B>(
        &'a self,
        served: &'a Served<E>,
        framing: Framing,
        packing: Packing,
        peer: Option<&Peer>,
        mut head: Head,
        body: B,
    ) -> Result<Step<'a, E, B>, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        head.incoming.wire = framing.wire();
        let (shape, limits) = (served.method.shape, &self.surroundings.limits);
        let (patience, cap) = (framing.patience(&head), self.surroundings.cap(shape));
        let Head { twice, mut incoming, .. } = head;
        let bounds =
            self.surroundings.admit(cap, twice, &mut incoming, peer, patience, Shape::Frame)?;
        let admitted = Admitted { context: Context::incoming(incoming), bounds };
        let endpoint = &served.endpoint;
        let call = StreamCall { endpoint, shape, framing, packing, limits, admitted, body };
        Ok(Step::Aside(Box::pin(call.answer())))
    }

    /// A call of Connect by GET.
    fn get<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        line: &Line,
        mut head: Head,
    ) -> Result<Step<'a, E, B>, Refusal> {
        head.incoming.wire = Wire::Connect;
        let limit = self.surroundings.limits.body_bytes;
        let query = Query::read(line.uri.query().unwrap_or_default(), limit)?;
        let packing = Packing { request: query.compression, answer: head.accepts(Speech::Http) };
        let message = unpacked(query.message, packing.request, limit)?;
        let payload = Payload::unary(query.codec, message);
        let (patience, cap) = (head.connect, self.surroundings.limits.call_timeout);
        let Head { twice, mut incoming, .. } = head;
        let bounds =
            self.surroundings.admit(cap, twice, &mut incoming, peer, patience, Shape::Nothing)?;
        let admitted = Admitted { context: Context::incoming(incoming), bounds };
        Ok(Step::Aside(Box::pin(async move {
            let request = kitfox_core::Request::new(admitted.context, payload);
            match served.endpoint.call(request).await {
                Ok(reply) => connect::answer(reply, packing.answer),
                Err(error) => connect::refuse(&Refusal::from(error)),
            }
        })))
    }
}
