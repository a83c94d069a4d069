//! What a port speaks: REST, Connect, gRPC and gRPC-Web, on the server.
//!
//! | wire     | HTTP     | shapes                 | `content-type`                                         |
//! |----------|----------|------------------------|--------------------------------------------------------|
//! | REST     | 1.1 or 2 | unary, server stream   | `application/json`                                     |
//! | Connect  | 1.1 or 2 | unary                  | `application/json`, `application/proto`                |
//! |          | 1.1 or 2 | the three that stream  | `application/connect+json`, `application/connect+proto`|
//! | gRPC     | 2        | all                    | `application/grpc`, with `+proto` or `+json`           |
//! | gRPC-Web | 1.1 or 2 | all                    | `application/grpc-web`, `application/grpc-web-text`    |
//!
//! - **Streams over REST** are lines of JSON, or server-sent events where `accept` has
//!   `text/event-stream`. A failure in the middle is a last line `{"error": <problem>}`, or an
//!   event called `error`; events that went well end with one called `end`.
//! - **GET** calls a safe method by Connect, with the message in the query; HEAD is answered where
//!   GET is. Headers for caches are the method's to set: `cx.respond(..)`.
//! - **Compression** is gzip, and zstd with the feature of that name. An answer is compressed
//!   where its caller accepts that and a message has 1 KiB or more, in a stream each for itself.
//! - **A stream stops whoever writes it** while its reader does not read; over each wire its
//!   deadline, its guards and its cancellation hold until its end.
//! - **Failures** that are no call's (a path, an HTTP method or a content type that is none) are
//!   problems of RFC 9457; a call's are said as its wire says them.
//!
//! Inside, a call with one message each way takes the direct path: its headers are read in one
//! pass, its body in one piece, its endpoint called, its answer written. Everything in frames goes
//! beside it, in a box. Both end at the same endpoints.

mod afterwards;
mod answering;
mod aside;
mod baggage;
mod body;
mod builder;
mod call;
mod connect;
mod content;
mod cors;
mod detail;
mod edge;
mod fallback;
mod framing;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod get;
mod grpc;
mod head;
mod incoming;
mod metadata;
mod methods;
mod mounted;
mod outgoing;
mod packing;
mod problem;
mod read_body;
mod refusal;
mod rest;
mod rest_stream;
mod route_error;
mod routes;
mod step;
mod stream;
#[cfg(test)]
mod testing;
mod text;
mod timeout;
mod way;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, Version};
use http_body::Body;
use kitfox_core::contract::Shape;
use kitfox_core::message::Codec;
use kitfox_core::{Code, Context, Endpoint, Error, Incoming, Peer, Platform, record};

pub use body::{AnswerBody, WireBody};
pub use builder::Builder;
pub use cors::{Cors, CorsError, Origins};
pub use route_error::RouteError;

use crate::Handler;
use afterwards::Afterwards;
use body::BoxError;
use call::{Admitted, Call, Surroundings, Wire};
use content::Content;
use edge::{Lost, wire_of};
use fallback::Fallback;
use head::{Head, Line, Terms};
use methods::{Methods, Served};
use packing::{Packing, Speech};
use refusal::{Refusal, WIRE};
use routes::{Found, Routes};
use step::{Rest, Step};
use way::refuse;

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
    methods: Methods<E>,
    routes: Routes,
    surroundings: Surroundings,
    fallback: Option<Box<dyn Fallback>>,
    /// None where no page of another origin may call.
    cors: Option<Arc<Cors>>,
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
        let (step, afterwards) = self.0.step(peer, request);
        answering::answer(step, afterwards)
    }
}

// The head of a request is large, and so is what is read of it: they are moved as seldom as can be.
impl<E: Endpoint> Inner<E> {
    /// What happens to a request, and what then to its answer. Inlined, since the head of the request
    /// is large.
    #[inline(always)]
    fn step<B>(
        &self,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> (Step<'_, E, B>, Option<Box<Afterwards>>)
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let afterwards = match Afterwards::of(self, &parts) {
            Ok(afterwards) => afterwards,
            Err(told) => return (Step::Answered(told), None),
        };
        let path = parts.uri.path();
        if let Some(index) = self.methods.find(path) {
            return (self.method(self.methods.served(index), peer, parts, body), afterwards);
        }
        let step = match self.routes.find(&parts.method, path) {
            Found::Route(target, values) => {
                let mut head = Head::unread(parts.headers);
                head.read();
                let served = self.methods.served(target.method);
                let bindings = rest::bindings(target, values.as_ref(), parts.uri.query());
                let wire = bindings.and_then(|bindings| {
                    rest::wire(served.method, target.route, bindings, &parts.method, &head, &body)
                });
                match wire {
                    Ok(wire) => self.call(served, wire, peer, head.terms(), head.incoming, body),
                    Err(refusal) => self.no_route(peer, &parts.method, &refusal, Rest::of(&body)),
                }
            }
            Found::Elsewhere(allowed) => {
                let refusal = Refusal::wrong_verb(&parts.method, path, &allowed);
                self.no_route(peer, &parts.method, &refusal, Rest::of(&body))
            }
            Found::Nothing => self.elsewhere(peer, parts, body),
        };
        (step, afterwards)
    }

    /// A request that REST cannot be served by.
    #[cold]
    fn no_route<'a, B>(
        &self,
        peer: Option<&Peer>,
        verb: &Method,
        refusal: &Refusal,
        rest: Rest,
    ) -> Step<'a, E, B> {
        let lost = Lost { wire: Some(record::Wire::Rest), peer, verb: verb.as_str() };
        lost.refused(&self.surroundings, refusal, problem::refuse(refusal), rest)
    }

    /// A request on a method's own path.
    #[inline(always)]
    fn method<'a, B>(
        &'a self,
        served: &'a Served<E>,
        peer: Option<&Peer>,
        parts: Parts,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Parts { method, uri, version, headers, .. } = parts;
        let mut head = Head::unread(headers);
        head.read();
        let plain = head.plain && method == Method::POST && served.method.shape == Shape::Unary;
        let accepts = |speech| Packing { request: None, answer: head.accepts(speech) };
        let wire = match head.content {
            Content::Message(codec) if plain => {
                Wire::Connect { codec, packing: accepts(Speech::Http) }
            }
            Content::Grpc(subtype) if plain && version == Version::HTTP_2 => {
                Wire::Grpc { subtype, packing: accepts(Speech::Grpc) }
            }
            _ => {
                let line = Line { method, uri, version };
                return self.indirect(served, peer, &line, head, body);
            }
        };
        self.call(served, wire, peer, head.terms(), head.incoming, body)
    }

    /// A call of one message. Inlined, since it moves all of it, and is called in three places.
    #[inline(always)]
    fn call<'a, B>(
        &'a self,
        served: &'a Served<E>,
        wire: Wire,
        peer: Option<&Peer>,
        terms: Terms,
        mut incoming: Incoming,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body,
    {
        (incoming.wire, incoming.route) = wire.names();
        let (patience, shape) = (wire.patience(terms), wire.shape());
        let cap = self.surroundings.cap(served.method.shape);
        match self.surroundings.admit(cap, terms.twice, &mut incoming, peer, patience, shape) {
            Ok(bounds) => {
                let admitted = Admitted { context: Context::incoming(incoming), bounds };
                Step::Call(Call { endpoint: &served.endpoint, wire, admitted, body })
            }
            Err(error) => {
                let (name, route) = wire.names();
                let verb = route.map_or("POST", |route| route.verb.name());
                let (refusal, lost) = (error.into(), Lost { wire: Some(name), peer, verb });
                let response = wire.refuse(&refusal);
                lost.refused(&self.surroundings, &refusal, response, Rest::of(&body))
            }
        }
    }

    /// A request to neither a method nor a route.
    #[cold]
    fn elsewhere<B>(&self, peer: Option<&Peer>, parts: Parts, body: B) -> Step<'_, E, B>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let request = Request::from_parts(parts, body);
        let request = fallback::with_peer(peer, request);
        let ours = self.methods.owns(request.uri().path());
        if let Some(fallback) = &self.fallback
            && !ours
        {
            let request = request.map(WireBody::new);
            return Step::Aside(fallback.answer(request, &self.surroundings.limits));
        }
        let (verb, path) = (request.method(), request.uri().path());
        let content = request.headers().get(http::header::CONTENT_TYPE);
        let content = content.map_or(Content::Missing, |said| Content::from_type(said.as_bytes()));
        let rpc = ours
            || methods::looks_like_method(path)
            || !matches!(
                content,
                Content::Missing | Content::Unknown | Content::Message(Codec::Json)
            );
        let refusal = match self.routes.lacking(verb, path) {
            _ if rpc => Refusal::unknown_method(path),
            Some(template) => Refusal::missing_value(path, template),
            None => Refusal::unknown_route(verb, path),
        };
        let response = match content {
            Content::Grpc(_) | Content::UnknownGrpc | Content::Web(_) | Content::Stream(_) => {
                refuse(content, &refusal)
            }
            _ if rpc => connect::refuse(&refusal),
            _ => problem::refuse(&refusal),
        };
        let wire = if rpc { wire_of(content) } else { Some(record::Wire::Rest) };
        let lost = Lost { wire, peer, verb: verb.as_str() };
        lost.refused(&self.surroundings, &refusal, response, Rest::of(request.body()))
    }
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

    fn garbled(&self, peer: &Peer, status: u16) {
        edge::garbled(&self.0.surroundings.platform, peer, status);
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
