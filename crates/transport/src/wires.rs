//! What a port speaks: REST, Connect and gRPC, on the server.
//!
//! A plain unary call takes the direct path: its headers are read in one pass, its body in one
//! piece, its endpoint called, its answer written. Whatever is off a strict list of what that path
//! knows goes through the engine. Both end at the same endpoints.

mod baggage;
mod body;
mod builder;
mod call;
mod connect;
mod content;
mod detail;
mod engine;
mod fallback;
mod grpc;
mod head;
mod metadata;
mod methods;
mod mounted;
mod problem;
mod read_body;
mod refusal;
mod rest;
mod route_error;
mod routes;
#[cfg(test)]
mod testing;
mod timeout;

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::request::Parts;
use http::{Method, Request, Response, Version};
use http_body::Body;
use kitfox_core::contract::{Idempotency, Shape as Streams};
use kitfox_core::{Code, Endpoint, Error, Peer, Platform};

pub use body::{AnswerBody, WireBody};
pub use builder::Builder;
pub use route_error::RouteError;

use crate::Handler;
use body::BoxError;
use call::{Call, Surroundings, Wire};
use content::Content;
use engine::Engine;
use fallback::Fallback;
use head::Head;
use methods::{Methods, Served};
use read_body::Shape;
use refusal::{Refusal, WIRE};
use routes::{Found, Routes, Target};
use timeout::Patience;

/// The methods of a port on all its wires. Cloning shares it.
///
/// It is a [`Handler`] for a port of Kitfox and a tower service over HTTP requests, so that an
/// `axum::Router` takes it with `fallback_service`.
///
/// ```
/// # use kitfox_core::{Endpoint, Platform, layers::ServerStack};
/// use kitfox_transport::wires::{RouteError, Wires};
///
/// # fn wires() -> Result<(), RouteError> {
/// let wires: Wires<ServerStack> = Wires::builder(Platform::system()).build()?;
/// # Ok(()) }
/// # wires().unwrap();
/// ```
pub struct Wires<E: Endpoint>(Arc<Inner<E>>);

struct Inner<E: Endpoint> {
    methods: Arc<Methods<E>>,
    routes: Routes,
    surroundings: Surroundings,
    engine: Engine<E>,
    fallback: Option<Box<dyn Fallback>>,
    direct: bool,
}

impl<E: Endpoint> Wires<E> {
    /// Begins a port whose calls run on `platform`.
    pub fn builder(platform: Platform) -> Builder<E> {
        Builder::new(platform)
    }

    fn answer<'a, B>(
        &'a self,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> impl Future<Output = Response<AnswerBody>> + Send + use<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let step = self.0.step(peer, request);
        async move {
            match step {
                Step::Call(call) => call.answer().await,
                Step::Answered(response) => *response,
                Step::Aside(future) => future.await,
            }
        }
    }
}

/// What happens to a request.
enum Step<'a, E, B> {
    /// It is a call on the direct path.
    Call(Call<'a, E, B>),
    /// It has its answer.
    Answered(Box<Response<AnswerBody>>),
    /// Somebody else answers. In a box, so that the direct path is not as large as that one.
    Aside(BoxFuture<'a, Response<AnswerBody>>),
}

impl<E, B> Step<'_, E, B> {
    /// In a box as well: it is the rare case, and large.
    fn answered(response: Response<AnswerBody>) -> Self {
        Step::Answered(Box::new(response))
    }
}

impl<E: Endpoint> Inner<E> {
    fn step<B>(&self, peer: Option<&Peer>, request: Request<B>) -> Step<'_, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let uri = request.uri();
        if let Some(index) = self.methods.find(uri.path()) {
            return self.method(self.methods.served(index), peer, request);
        }
        match self.routes.find(request.method(), uri.path()) {
            Found::Route(target, values) => {
                let bindings = rest::bindings(target, &values, uri.query());
                let outcome =
                    bindings.and_then(|bindings| self.route(target, bindings, peer, request));
                outcome.unwrap_or_else(|refusal| Step::answered(problem::refuse(&refusal)))
            }
            Found::Elsewhere(allowed) => {
                let refusal = Refusal::wrong_verb(request.method(), uri.path(), &allowed);
                Step::answered(problem::refuse(&refusal))
            }
            Found::Nothing => self.elsewhere(fallback::with_peer(peer, request)),
        }
    }

    /// A request on a method's own path.
    fn method<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> Step<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let head = Head::read(std::mem::take(&mut parts.headers));
        let plain = head.plain
            && self.direct
            && parts.method == Method::POST
            && served.method.shape == Streams::Unary;
        let wire = match head.content {
            Content::Message(codec) if plain => Wire::Connect(codec),
            Content::Grpc(subtype) if plain && parts.version == Version::HTTP_2 => {
                Wire::Grpc(subtype)
            }
            _ => return self.indirect(served, peer, parts, head, body),
        };
        let (patience, shape) = (wire.patience(&head), wire.shape());
        match self.surroundings.admit(head, peer, patience, shape) {
            Ok(admitted) => Step::Call(Call { endpoint: &served.endpoint, wire, admitted, body }),
            Err(error) => Step::answered(wire.refuse(&error.into())),
        }
    }

    /// A request off the direct path: by the engine, or not at all.
    fn indirect<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        parts: Parts,
        head: Head,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (content, headers) = (head.content, head.headers().clone());
        let refuse = move |refusal: &Refusal| match content {
            Content::Engine => engine::refuse(refusal, &headers),
            _ => match content.grpc() {
                Some(subtype) => grpc::refuse(subtype, refusal),
                None => connect::refuse(refusal),
            },
        };
        let (patience, shape) = match content {
            Content::Grpc(_) => (head.grpc, Shape::Foreign),
            Content::Engine if head.connect == Patience::Unsaid => (head.grpc, Shape::Foreign),
            Content::Engine => (head.connect, Shape::Foreign),
            _ => (head.connect, Shape::Message),
        };
        let admitted = acceptable(served, &parts, &head)
            .and_then(|()| Ok(self.surroundings.admit(head, peer, patience, shape)?));
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return Step::answered(refuse(&refusal)),
        };
        Step::Aside(Box::pin(async move {
            match admitted.body(body).await {
                Ok(body) => self.engine.answer(parts, admitted.context, body).await,
                Err(refusal) => refuse(&refusal),
            }
        }))
    }

    /// A request on a REST route.
    fn route<'a, B>(
        &'a self,
        target: &Target,
        bindings: kitfox_core::Bindings,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> Result<Step<'a, E, B>, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let served = self.methods.served(target.method);
        if served.method.shape != Streams::Unary {
            return Err(Refusal::streaming(served.method.path));
        }
        let (parts, body) = request.into_parts();
        let head = Head::read(parts.headers);
        let wire = Wire::Rest { bindings, body: parts.method != Method::GET };
        if wire.shape() != Shape::Nothing && !body.is_end_stream() {
            rest::readable(&head)?;
        }
        let patience = wire.patience(&head);
        let admitted = self.surroundings.admit(head, peer, patience, wire.shape())?;
        Ok(Step::Call(Call { endpoint: &served.endpoint, wire, admitted, body }))
    }

    /// A request to neither a method nor a route.
    fn elsewhere<B>(&self, request: Request<B>) -> Step<'_, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let ours = self.methods.owns(request.uri().path());
        if let Some(fallback) = &self.fallback
            && !ours
        {
            return Step::Aside(fallback.answer(request.map(WireBody::new)));
        }
        let (verb, path) = (request.method(), request.uri().path());
        let content = request.headers().get(http::header::CONTENT_TYPE);
        let content = content.map_or(Content::Missing, |said| Content::from_type(said.as_bytes()));
        let unknown = Refusal::unknown_method(path);
        if let Some(subtype) = content.grpc() {
            return Step::answered(grpc::refuse(subtype, &unknown));
        }
        Step::answered(match content {
            Content::Engine => engine::refuse(&unknown, request.headers()),
            _ if ours || methods::looks_like_method(path) => connect::refuse(&unknown),
            Content::Message(kitfox_core::message::Codec::Protobuf) => connect::refuse(&unknown),
            _ => problem::refuse(&match self.routes.lacking(verb, path) {
                Some(template) => Refusal::missing_value(path, template),
                None => Refusal::unknown_route(verb, path),
            }),
        })
    }
}

/// Whether the engine can serve the request at all.
fn acceptable<E>(served: &Served<E>, parts: &Parts, head: &Head) -> Result<(), Refusal> {
    let method = served.method;
    let safe = method.shape == Streams::Unary && method.idempotency == Idempotency::Safe;
    if parts.method == Method::GET && safe {
        return Ok(());
    }
    if parts.method != Method::POST {
        let allowed = if safe { "POST, GET" } else { "POST" };
        return Err(Refusal::wrong_verb(&parts.method, method.path, allowed));
    }
    let said = head.headers().get(http::header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    match head.content {
        Content::Missing | Content::Unknown => {
            return Err(Refusal::wrong_content(said, content::ACCEPTED));
        }
        Content::UnknownGrpc => {
            let mut refusal = Refusal::wrong_content(said, content::ACCEPTED);
            let message = refusal.error.message().to_owned();
            refusal.error = Error::by_layer(WIRE, Code::Unimplemented, message);
            return Err(refusal);
        }
        Content::Grpc(_) if parts.version < Version::HTTP_2 => {
            return Err(Refusal::grpc_over_http1());
        }
        _ => {}
    }
    if method.shape != Streams::Unary {
        return Err(Refusal::streaming(method.path));
    }
    Ok(())
}

/// A unary method whose answer is a stream: an endpoint that was put together wrongly.
#[cold]
fn stream_in_answer() -> Error {
    Error::by_layer(
        WIRE,
        Code::Internal,
        "the method answered with a stream where one message belongs",
    )
}

impl<E: Endpoint> Handler for Wires<E> {
    type Body = AnswerBody;

    fn handle<B>(
        &self,
        peer: &Peer,
        request: Request<B>,
    ) -> impl Future<Output = Response<AnswerBody>> + Send
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.answer(Some(peer), request)
    }
}

impl<E: Endpoint> Clone for Wires<E> {
    fn clone(&self) -> Self {
        Wires(Arc::clone(&self.0))
    }
}

impl<E: Endpoint> fmt::Debug for Wires<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wires").finish_non_exhaustive()
    }
}
