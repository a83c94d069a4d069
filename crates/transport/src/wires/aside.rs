//! What goes beside the direct path: streams, gRPC-Web, GET by Connect, HEAD, pages that ask first.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Request};
use http_body::Body;
use kitfox_core::{Endpoint, Peer};

use super::Inner;
use super::body::{AnswerBody, BoxError};
use super::call::Wire;
use super::connect;
use super::cors::Cors;
use super::framing::Framing;
use super::get::Query;
use super::head::Head;
use super::methods::Served;
use super::packing::{Packing, Speech};
use super::read_body::Shape;
use super::refusal::Refusal;
use super::routes::Found;
use super::step::{Rest, Step};
use super::stream::StreamCall;
use super::way::{Way, refuse};

impl<E: Endpoint> Inner<E> {
    /// A request that may come from a page of another origin.
    pub(super) fn page<B>(
        &self,
        cors: &Arc<Cors>,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> Step<'_, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if self.fallback.is_some() && !self.knows(request.uri().path()) {
            return self.step(peer, request);
        }
        if let Some(told) = cors.preflight(&request) {
            return Step::refused(told, Rest::Nothing);
        }
        let Some(asked) = cors.asked(&request) else { return self.step(peer, request) };
        let (cors, step) = (Arc::clone(cors), self.step(peer, request));
        Step::Aside(Box::pin(async move {
            let mut response = step.answer().await;
            asked.mark(&cors, response.headers_mut());
            response
        }))
    }

    /// Whether a path is not the fallback's.
    fn knows(&self, path: &str) -> bool {
        self.methods.owns(path)
            || !matches!(self.routes.find(&Method::OPTIONS, path), Found::Nothing)
    }

    /// What GET would be answered, without the body.
    pub(super) fn head<B>(&self, peer: Option<&Peer>, mut request: Request<B>) -> Step<'_, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        *request.method_mut() = Method::GET;
        let step = self.step(peer, request);
        Step::Aside(Box::pin(async move {
            let mut response = step.answer().await;
            let body = std::mem::replace(response.body_mut(), AnswerBody::empty());
            if let Some(length) = body.size_hint().exact() {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            response
        }))
    }

    /// A request on a method's own path that is no plain call, or none at all.
    pub(super) fn indirect<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        parts: &Parts,
        head: Head,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (content, rest) = (head.content, Rest::of(&body));
        let step = match Way::of(served.method, parts, &head) {
            Ok(Way::Head) => {
                let mut request = Request::new(body);
                request.method_mut().clone_from(&parts.method);
                request.uri_mut().clone_from(&parts.uri);
                *request.headers_mut() = head.into_headers();
                return self.head(peer, request);
            }
            Ok(Way::Call(wire)) => return self.call(served, wire, peer, head, body),
            Ok(Way::Stream(framing, packing)) => {
                self.stream(served, framing, packing, peer, head, body)
            }
            Ok(Way::Get) => {
                let step = self.get(served, peer, parts, head);
                let refused = |refusal| Step::refused(connect::refuse(&refusal), rest);
                return step.unwrap_or_else(refused);
            }
            Err(refusal) => Err(refusal),
        };
        step.unwrap_or_else(|refusal| Step::refused(refuse(content, &refusal), rest))
    }

    /// A call in frames.
    fn stream<'a, B>(
        &'a self,
        served: &'a Served<E>,
        framing: Framing,
        packing: Packing,
        peer: Option<&Peer>,
        head: Head,
        body: B,
    ) -> Result<Step<'a, E, B>, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (shape, limits) = (served.method.shape, &self.surroundings.limits);
        let (patience, cap) = (framing.patience(&head), self.surroundings.cap(shape));
        let admitted = self.surroundings.admit(cap, head, peer, patience, Shape::Frame)?;
        let endpoint = &served.endpoint;
        let call = StreamCall { endpoint, shape, framing, packing, limits, admitted, body };
        Ok(Step::Aside(Box::pin(call.answer())))
    }

    /// A call of Connect by GET.
    fn get<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        parts: &Parts,
        head: Head,
    ) -> Result<Step<'a, E, B>, Refusal> {
        let limit = self.surroundings.limits.body_bytes;
        let query = Query::read(parts.uri.query().unwrap_or_default(), limit)?;
        let packing = Packing { request: query.compression, answer: head.accepts(Speech::Http) };
        let mut wire = Wire::Connect { codec: query.codec, packing };
        let payload = wire.payload(query.message, limit)?;
        let (patience, cap) = (wire.patience(&head), self.surroundings.limits.call_timeout);
        let admitted = self.surroundings.admit(cap, head, peer, patience, Shape::Nothing)?;
        Ok(Step::Aside(Box::pin(async move {
            let request = kitfox_core::Request::new(admitted.context, payload);
            match served.endpoint.call(request).await {
                Ok(reply) => wire.answer(reply),
                Err(error) => wire.refuse(&Refusal::from(error)),
            }
        })))
    }
}
