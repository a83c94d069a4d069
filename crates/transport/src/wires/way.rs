//! What a request on a method's own path is, where it is no plain call.

use http::{HeaderValue, Response, StatusCode, Version};
use kitfox_core::contract::{Idempotency, Shape};
use kitfox_core::{Code, Error, Method};

use super::body::AnswerBody;
use super::call::Wire;
use super::content::{self, Content, Subtype};
use super::framing::Framing;
use super::head::{Head, Line};
use super::packing::{Packing, Speech};
use super::refusal::{Refusal, WIRE};
use super::{connect, grpc, problem};
use crate::names::CONNECT_VERSION;

/// What a request on a method's own path is.
pub(super) enum Way {
    /// A call with one message each way.
    Call(Wire),
    /// A call in frames.
    Stream(Framing, Packing),
    /// A call of Connect by GET.
    Get,
}

impl Way {
    pub(super) fn of(method: &Method, line: &Line, head: &Head) -> Result<Way, Refusal> {
        let unary = method.shape == Shape::Unary;
        let safe = unary && method.idempotency == Idempotency::Safe;
        if safe && matches!(line.method, http::Method::GET | http::Method::HEAD) {
            return Ok(Way::Get);
        }
        if line.method != http::Method::POST {
            let allowed = if safe { "POST, GET, HEAD" } else { "POST" };
            return Err(Refusal::wrong_verb(&line.method, method.path, allowed));
        }
        let framing = match head.content {
            Content::Message(codec) if unary => {
                version(head)?;
                let packing = head.packing(Speech::Http)?;
                return Ok(Way::Call(Wire::Connect { codec, packing }));
            }
            Content::Grpc(_) if line.version < Version::HTTP_2 => {
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
pub(super) fn refuse(content: Content, refusal: &Refusal) -> Response<AnswerBody> {
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
