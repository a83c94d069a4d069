//! Methods, endpoints and exchanges for the tests of the wires, without a socket.

use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use kitfox_core::contract::{Idempotency, Route, Shape, Verb};
use kitfox_core::error::ErrorSchema;
use kitfox_core::message::MessageSchema;
use kitfox_core::{
    BoxEndpoint, Code, Detail, Endpoint, Error, MessageStream, Metadata, Method, Payload, Peer,
    Platform, Recovery, Reply, Trailers,
};

use super::body::BoxError;
use super::{AnswerBody, Builder, Wires};
use crate::{Handler, Limits};

fn nothing() -> &'static MessageSchema {
    static NOTHING: MessageSchema =
        MessageSchema { name: "a.v1.Nothing", package: "a.v1", ..MessageSchema::BLANK };
    &NOTHING
}

/// A unary method at `path`.
pub(super) const fn unary(
    service: &'static str,
    name: &'static str,
    path: &'static str,
    routes: &'static [Route],
) -> Method {
    static ERRORS: ErrorSchema = ErrorSchema { domain: "", variants: &[] };
    Method {
        service,
        name,
        path,
        docs: "",
        shape: Shape::Unary,
        idempotency: Idempotency::None,
        detached: false,
        deprecated: false,
        routes,
        input: nothing,
        output: nothing,
        errors: &ERRORS,
    }
}

static ECHO: Method = unary(
    "a.v1.A",
    "Echo",
    "/a.v1.A/Echo",
    &[
        Route { verb: Verb::Post, template: "/v1/echo" },
        Route { verb: Verb::Get, template: "/v1/echo/{text}" },
    ],
);
static LOOK: Method =
    Method { idempotency: Idempotency::Safe, ..unary("a.v1.A", "Look", "/a.v1.A/Look", &[]) };
static FAIL: Method =
    unary("a.v1.A", "Fail", "/a.v1.A/Fail", &[Route { verb: Verb::Post, template: "/v1/fail" }]);
static WAIT: Method = unary("a.v1.A", "Wait", "/a.v1.A/Wait", &[]);
static FLOW: Method = Method {
    shape: Shape::ServerStream,
    ..unary(
        "a.v1.A",
        "Flow",
        "/a.v1.A/Flow",
        &[
            Route { verb: Verb::Post, template: "/v1/flow" },
            Route { verb: Verb::Get, template: "/v1/flow" },
        ],
    )
};
static GATHER: Method = Method {
    shape: Shape::ClientStream,
    ..unary(
        "a.v1.A",
        "Gather",
        "/a.v1.A/Gather",
        &[Route { verb: Verb::Post, template: "/v1/gather" }],
    )
};
static HANG: Method =
    Method { shape: Shape::ClientStream, ..unary("a.v1.A", "Hang", "/a.v1.A/Hang", &[]) };
static CHAT: Method =
    Method { shape: Shape::BothStream, ..unary("a.v1.A", "Chat", "/a.v1.A/Chat", &[]) };

/// Answers with the message it gets; what it is asked by header it does.
struct Echo;

impl Endpoint for Echo {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        let metadata = request.context.metadata();
        let own = metadata.text("x-want").is_some();
        let refuse = metadata.text("x-refuse").is_some();
        if refuse {
            return Err(Error::new(Code::InvalidArgument, "refused as asked"));
        }
        let cache = metadata.text("x-cache").map(str::to_owned);
        let mut reply = Reply::new(request.payload);
        if let Some(cache) = cache {
            reply.metadata_mut().headers.insert("cache-control", &cache).unwrap();
        }
        if own {
            let metadata = reply.metadata_mut();
            metadata.status = Some(201);
            metadata.headers.insert("x-own", "head").unwrap();
            metadata.headers.insert("content-length", "1").unwrap();
            metadata.trailers.insert("x-sum", "tail").unwrap();
        }
        Ok(reply)
    }
}

/// Fails as the message says: the number of a code, and what else.
struct Fail;

impl Endpoint for Fail {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        let kitfox_core::Body::Unary(message) = request.payload.body() else { unreachable!() };
        let text = String::from_utf8_lossy(message);
        let (number, what) = text.trim_matches('"').split_once(' ').unwrap();
        let code = Code::from_grpc(number.parse().unwrap()).unwrap();
        let error = Error::new(code, "100 % „weg“");
        let mut error = match what {
            "details" => error
                .with_detail(Detail::from_wire("a.v1.Why", Bytes::from_static(b"\x08\x07")))
                .with_detail(Detail::from_wire("a.v1.Where", Bytes::from_static(b"\xff"))),
            "after" => error.retry_after(Duration::from_millis(1500)),
            "exhausted" => error.with_recovery(Recovery::Exhausted),
            "silent" => Error::new(code, ""),
            _ => error,
        };
        if what == "metadata" {
            error.metadata_mut().headers.insert("x-own", "head").unwrap();
            error.metadata_mut().trailers.insert("x-sum", "tail").unwrap();
        }
        Err(error)
    }
}

/// Never answers; its deadline must.
struct Wait;

impl Endpoint for Wait {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        Err(request.context.done().await)
    }
}

/// Answers with each word of its message; `!` as one fails there, `?` waits for ever. By header
/// it says headers and trailers, before the stream and in it.
struct Flow;

impl Endpoint for Flow {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        let own = request.context.metadata().text("x-want").is_some();
        let codec = request.payload.codec();
        let kitfox_core::Body::Unary(message) = request.payload.body() else { unreachable!() };
        let text = String::from_utf8(message.to_vec()).unwrap();
        let slot = Trailers::default();
        let filled = slot.clone();
        let words: Vec<_> = text.trim_matches('"').split(' ').map(str::to_owned).collect();
        let words = stream::iter(words).then(|word| async move {
            match word.as_str() {
                "!" => Err(broken()),
                "?" => std::future::pending().await,
                _ => Ok(Bytes::from(word)),
            }
        });
        let end = stream::poll_fn(move |_| {
            if own {
                let mut late = Metadata::new();
                late.insert("x-late", "end").unwrap();
                filled.add(late);
            }
            Poll::Ready(None)
        });
        let messages = MessageStream::new(words.chain(end)).with_trailers(slot);
        let mut reply = Reply::new(Payload::stream(codec, messages));
        if own {
            reply.metadata_mut().headers.insert("x-own", "head").unwrap();
            reply.metadata_mut().trailers.insert("x-sum", "tail").unwrap();
        }
        Ok(reply)
    }
}

/// How a stream fails in the middle.
fn broken() -> Error {
    let detail = Detail::from_wire("a.v1.Why", Bytes::from_static(b"\x08\x07"));
    let mut error = Error::new(Code::DataLoss, "torn").with_detail(detail);
    error.metadata_mut().headers.insert("x-own", "head").unwrap();
    error.metadata_mut().trailers.insert("x-sum", "tail").unwrap();
    error
}

/// Answers with everything that it was sent, in one message.
struct Gather;

impl Endpoint for Gather {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        let codec = request.payload.codec();
        let mut messages = request.payload.into_stream();
        let mut all = Vec::new();
        while let Some(message) = messages.next().await {
            all.extend_from_slice(&message?);
        }
        Ok(Reply::new(Payload::unary(codec, all.into())))
    }
}

/// Answers each message as it comes.
struct Chat;

impl Endpoint for Chat {
    async fn call(&self, request: kitfox_core::Request) -> Result<Reply, Error> {
        let codec = request.payload.codec();
        Ok(Reply::new(Payload::stream(codec, request.payload.into_stream())))
    }
}

/// A port with a method of each kind; bodies have at most 1000 bytes.
pub(super) fn port() -> Builder<BoxEndpoint> {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    Wires::builder(Platform::system())
        .limits(limits)
        .method(&ECHO, BoxEndpoint::new(Echo))
        .method(&LOOK, BoxEndpoint::new(Echo))
        .method(&FAIL, BoxEndpoint::new(Fail))
        .method(&WAIT, BoxEndpoint::new(Wait))
        .method(&FLOW, BoxEndpoint::new(Flow))
        .method(&GATHER, BoxEndpoint::new(Gather))
        .method(&HANG, BoxEndpoint::new(Wait))
        .method(&CHAT, BoxEndpoint::new(Chat))
}

/// An endpoint that answers with the message it gets.
pub(super) fn echo() -> BoxEndpoint {
    BoxEndpoint::new(Echo)
}

/// A port with a method that is there twice.
pub(super) fn echo_twice() -> Builder<BoxEndpoint> {
    port().method(&ECHO, echo())
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: HeaderMap,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn trailer(&self, name: &str) -> &str {
        self.trailers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request over HTTP/2 by POST, unless `change` says otherwise.
pub(super) fn request(
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let request = Request::post(path).version(Version::HTTP_2);
    let request = if content_type.is_empty() {
        request
    } else {
        request.header("content-type", content_type)
    };
    request.body(Full::new(body.into())).unwrap()
}

/// A message behind gRPC's prefix.
pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    out.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    out.extend_from_slice(message);
    out
}

/// The same with flags of its own.
pub(super) fn flagged(flags: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = frame(message);
    frame[0] = flags;
    frame
}

/// What `wires` answer.
pub(super) async fn exchange<B>(wires: &Wires<BoxEndpoint>, request: Request<B>) -> Answer
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let peer = Peer::new(([127, 0, 0, 1], 7).into());
    collected(wires.handle(&peer, request).await).await
}

async fn collected(response: Response<AnswerBody>) -> Answer {
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Answer { status: parts.status, headers: parts.headers, body: collected.to_bytes(), trailers }
}
