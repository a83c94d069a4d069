//! A call in frames, of any shape: what is not one message each way on Connect, gRPC or REST.

use bytes::Bytes;
use http::Response;
use http_body::Body;
use kitfox_core::contract::Shape;
use kitfox_core::{Endpoint, MessageStream, Payload, Request};

use super::body::{AnswerBody, BoxError};
use super::call::Admitted;
use super::edge::Arriving;
use super::framing::Framing;
use super::grpc::unframe;
use super::incoming::Incoming;
use super::metadata::close_after;
use super::packing::Packing;
use super::read_body::read_body;
use super::refusal::Refusal;
use super::text::Text;
use crate::Limits;

/// A call on its way to its endpoint.
pub(super) struct StreamCall<'a, E, B> {
    pub(super) endpoint: &'a E,
    pub(super) shape: Shape,
    pub(super) framing: Framing,
    pub(super) packing: Packing,
    pub(super) limits: &'a Limits,
    pub(super) admitted: Admitted,
    pub(super) body: B,
}

impl<E, B> StreamCall<'_, E, B>
where
    E: Endpoint,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// Reads the message or lets the method read them, calls, and begins the answer.
    pub(super) async fn answer(self) -> Response<AnswerBody> {
        let StreamCall { endpoint, shape, framing, packing, limits, admitted, body } = self;
        let Admitted { context, bounds } = admitted;
        let arriving = Arriving::new(&context);
        let mut whole = None;
        let payload = match shape {
            Shape::ClientStream | Shape::BothStream => {
                let messages = if framing.is_text() {
                    let messages = Incoming::new(Text::new(body, true), packing.request, limits);
                    whole = Some(messages.whole());
                    MessageStream::new(messages)
                } else {
                    let messages = Incoming::new(body, packing.request, limits);
                    whole = Some(messages.whole());
                    MessageStream::new(messages)
                };
                Ok(Payload::stream(framing.codec(), messages))
            }
            Shape::Unary | Shape::ServerStream => {
                read_body(Text::new(body, framing.is_text()), &bounds)
                    .await
                    .and_then(|frames| unframe(frames, bounds.bytes(), packing.request))
                    .map(|message| Payload::unary(framing.codec(), message))
            }
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(refusal) => return arriving.lost(&refusal, framing.refuse(&refusal)),
        };
        arriving.arrived();
        let (mut answer, over) = match endpoint.call(Request::new(context, payload)).await {
            Ok(reply) => {
                let over = matches!(reply.payload().body(), kitfox_core::Body::Unary(_));
                (framing.answer(reply, packing.answer), over)
            }
            Err(error) => (framing.refuse(&Refusal::from(error)), true),
        };
        // Over HTTP/1.1 the rest of the request would be in the way of the next one.
        if over && whole.is_some_and(|whole| !whole.is_read()) {
            close_after(answer.headers_mut());
        }
        answer
    }
}
