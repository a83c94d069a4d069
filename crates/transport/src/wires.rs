//! What a port speaks: REST, Connect and gRPC, on the server.
//!
//! A call with one message each way takes the direct path: its headers are read in one pass, its
//! body in one piece, its endpoint called, its answer written. Streams, gRPC-Web and Connect's GET
//! go beside it, in a box. Both end at the same endpoints.

mod baggage;
mod body;
mod builder;
mod call;
mod connect;
mod content;
mod cors;
mod detail;
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
mod stream;
#[cfg(test)]
mod testing;
mod text;
mod timeout;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use kitfox_core::contract::{Idempotency, Shape as Streams};
use kitfox_core::{Code, Endpoint, Error, Peer, Platform};

pub use body::{AnswerBody, WireBody};
pub use builder::Builder;
pub use cors::{Cors, CorsError, Origins};
pub use route_error::RouteError;

use crate::Handler;
use crate::names::CONNECT_VERSION;
use body::BoxError;
use call::{Call, Surroundings, Wire};
use content::{Content, Subtype};
use fallback::Fallback;
use framing::Framing;
use get::Query;
use head::Head;
use metadata::close_after;
use methods::{Methods, Served};
use packing::{Packing, Speech};
use read_body::Shape;
use refusal::{Refusal, WIRE};
use rest_stream::Format;
use routes::{Found, Routes, Target};
use stream::StreamCall;

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
        let step = match &self.0.cors {
            None => self.0.step(peer, request),
            Some(cors) => self.0.page(cors, peer, request),
        };
        step.answer()
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
    /// In a box as well: it is the rare case, and large. Over HTTP/1.1 a connection cannot be used
    /// again where the `rest` of the request is in the way.
    #[cold]
    fn refused(mut response: Response<AnswerBody>, rest: Rest) -> Self {
        if rest == Rest::Unread {
            close_after(response.headers_mut());
        }
        Step::Answered(Box::new(response))
    }
}

/// What is left of a request when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    /// A body that nobody reads.
    Unread,
}

impl Rest {
    fn of(body: &impl Body) -> Self {
        if body.is_end_stream() { Rest::Nothing } else { Rest::Unread }
    }
}

impl<E, B> Step<'_, E, B>
where
    E: Endpoint,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    // No `async fn`: that would hold `self` twice.
    #[expect(clippy::manual_async_fn, reason = "its future is smaller")]
    fn answer(self) -> impl Future<Output = Response<AnswerBody>> {
        async move {
            match self {
                Step::Call(call) => call.answer().await,
                Step::Answered(response) => *response,
                Step::Aside(future) => future.await,
            }
        }
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
                let rest = Rest::of(request.body());
                let bindings = rest::bindings(target, &values, uri.query());
                let outcome =
                    bindings.and_then(|bindings| self.route(target, bindings, peer, request));
                outcome.unwrap_or_else(|refusal| Step::refused(problem::refuse(&refusal), rest))
            }
            Found::Elsewhere(allowed) => {
                if *request.method() == Method::HEAD && allowed.contains("HEAD") {
                    return self.head(peer, request);
                }
                let refusal = Refusal::wrong_verb(request.method(), uri.path(), &allowed);
                Step::refused(problem::refuse(&refusal), Rest::of(request.body()))
            }
            Found::Nothing => self.elsewhere(fallback::with_peer(peer, request)),
        }
    }

    /// A request that may come from a page of another origin.
    fn page<B>(&self, cors: &Arc<Cors>, peer: Option<&Peer>, request: Request<B>) -> Step<'_, E, B>
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
    fn head<B>(&self, peer: Option<&Peer>, mut request: Request<B>) -> Step<'_, E, B>
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
        let plain =
            head.plain && parts.method == Method::POST && served.method.shape == Streams::Unary;
        let accepts = |speech| Packing { request: None, answer: head.accepts(speech) };
        let wire = match head.content {
            Content::Message(codec) if plain => {
                Wire::Connect { codec, packing: accepts(Speech::Http) }
            }
            Content::Grpc(subtype) if plain && parts.version == Version::HTTP_2 => {
                Wire::Grpc { subtype, packing: accepts(Speech::Grpc) }
            }
            _ => return self.indirect(served, peer, &parts, head, body),
        };
        self.call(served, wire, peer, head, body)
    }

    /// A call of one message.
    fn call<'a, B>(
        &'a self,
        served: &'a Served<E>,
        wire: Wire,
        peer: Option<&Peer>,
        head: Head,
        body: B,
    ) -> Step<'a, E, B>
    where
        B: Body,
    {
        let (patience, shape) = (wire.patience(&head), wire.shape());
        let cap = self.surroundings.cap(served.method.shape);
        match self.surroundings.admit(cap, head, peer, patience, shape) {
            Ok(admitted) => Step::Call(Call { endpoint: &served.endpoint, wire, admitted, body }),
            Err(error) => Step::refused(wire.refuse(&error.into()), Rest::of(&body)),
        }
    }

    /// A request on a method's own path that is no plain call, or none at all.
    fn indirect<'a, B>(
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

    /// A request on a REST route.
    fn route<'a, B>(
        &'a self,
        target: &Target,
        bindings: kitfox_core::Bindings,
        peer: Option<&Peer>,
        request: Request<B>,
    ) -> Result<Step<'a, E, B>, Refusal>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let served = self.methods.served(target.method);
        let shape = served.method.shape;
        if !matches!(shape, Streams::Unary | Streams::ServerStream) {
            return Err(Refusal::streaming_route(served.method.path));
        }
        let (parts, body) = request.into_parts();
        let head = Head::read(parts.headers);
        let mut packing = Packing { request: None, answer: head.accepts(Speech::Http) };
        let has_body = parts.method != Method::GET;
        if has_body && !body.is_end_stream() {
            packing.request = rest::readable(&head)?;
        }
        let stream = (shape != Streams::Unary).then(|| Format::accepted(head.headers()));
        let wire = Wire::Rest { bindings, body: has_body, packing, stream };
        Ok(self.call(served, wire, peer, head, body))
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
        let refused = match content {
            Content::Grpc(_) | Content::UnknownGrpc | Content::Web(_) | Content::Stream(_) => {
                refuse(content, &unknown)
            }
            _ if ours || methods::looks_like_method(path) => connect::refuse(&unknown),
            Content::Message(kitfox_core::message::Codec::Protobuf) => connect::refuse(&unknown),
            _ => problem::refuse(&match self.routes.lacking(verb, path) {
                Some(template) => Refusal::missing_value(path, template),
                None => Refusal::unknown_route(verb, path),
            }),
        };
        Step::refused(refused, Rest::of(request.body()))
    }
}

/// What a request on a method's own path is.
enum Way {
    /// A call with one message each way.
    Call(Wire),
    /// A call in frames.
    Stream(Framing, Packing),
    /// A call of Connect by GET.
    Get,
    /// The same, of which only the headers are asked for.
    Head,
}

impl Way {
    fn of(method: &kitfox_core::Method, parts: &Parts, head: &Head) -> Result<Way, Refusal> {
        let unary = method.shape == Streams::Unary;
        let safe = unary && method.idempotency == Idempotency::Safe;
        if safe && parts.method == Method::GET {
            return Ok(Way::Get);
        }
        if safe && parts.method == Method::HEAD {
            return Ok(Way::Head);
        }
        if parts.method != Method::POST {
            let allowed = if safe { "POST, GET, HEAD" } else { "POST" };
            return Err(Refusal::wrong_verb(&parts.method, method.path, allowed));
        }
        let framing = match head.content {
            Content::Message(codec) if unary => {
                version(head)?;
                let packing = head.packing(Speech::Http)?;
                return Ok(Way::Call(Wire::Connect { codec, packing }));
            }
            Content::Grpc(_) if parts.version < Version::HTTP_2 => {
                return Err(Refusal::grpc_over_http1());
            }
            Content::Grpc(subtype) if unary => {
                let packing = head.packing(Speech::Grpc)?;
                return Ok(Way::Call(Wire::Grpc { subtype, packing }));
            }
            Content::Grpc(subtype) => Framing::Grpc(subtype),
            Content::Web(web) => Framing::Web(web),
            Content::Stream(codec) if !unary => {
                version(head)?;
                Framing::Connect(codec)
            }
            _ => return Err(wrong_content(unary, head)),
        };
        Ok(Way::Stream(framing, head.packing(framing.speech())?))
    }
}

/// Whether the version of Connect is one that is served here.
fn version(head: &Head) -> Result<(), Refusal> {
    if head.version {
        return Ok(());
    }
    let said = head.headers().get(CONNECT_VERSION).map_or(&b""[..], HeaderValue::as_bytes);
    Err(Refusal::connect_version(said))
}

/// A content type that the path of a method of this shape does not take.
#[cold]
fn wrong_content(unary: bool, head: &Head) -> Refusal {
    let said = head.headers().get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let accepted = if unary { content::OF_UNARY } else { content::OF_STREAMS };
    let mut refusal = Refusal::wrong_content(said, accepted);
    if head.content == Content::UnknownGrpc {
        let message = refusal.error.message().to_owned();
        refusal.error = Error::by_layer(WIRE, Code::Unimplemented, message);
    }
    refusal
}

/// A refusal on the wire that a request with this content type is on.
#[cold]
fn refuse(content: Content, refusal: &Refusal) -> Response<AnswerBody> {
    if matches!(refusal.status, Some(StatusCode::METHOD_NOT_ALLOWED)) {
        return problem::refuse(refusal);
    }
    match content {
        Content::Grpc(subtype) => grpc::refuse(subtype, refusal),
        Content::UnknownGrpc => grpc::refuse(Subtype::None, refusal),
        Content::Web(web) => Framing::Web(web).refuse(refusal),
        Content::Stream(_) if refusal.status.is_some() => connect::refuse(refusal),
        Content::Stream(codec) => Framing::Connect(codec).refuse(refusal),
        Content::Message(_) => connect::refuse(refusal),
        Content::Missing | Content::Unknown => problem::refuse(refusal),
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
