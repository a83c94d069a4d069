//! Calls whose messages stand in frames: gRPC, gRPC-Web, and the streams of Connect.
//!
//! They differ in what ends an answer: HTTP's trailers (gRPC), the same as a last frame (gRPC-Web,
//! which browsers cannot read trailers of), or a last frame with JSON (Connect).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use kitfox_core::message::Codec;
use kitfox_core::record::Wire;
use kitfox_core::{Batch, Error, Reply};

use super::body::AnswerBody;
use super::connect;
use super::content::{Subtype, Web};
use super::grpc::{self, Room};
use super::head::Head;
use super::metadata::Own;
use super::outgoing::{Form, Outgoing};
use super::packing::Speech;
use super::refusal::Refusal;
use super::timeout::Patience;
use crate::frames::{CONNECT_END, Compressing, Compression, Packer, WEB_TRAILERS};
use crate::names::GRPC_STATUS;

/// How frames are spoken of, and how a call is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Grpc(Subtype),
    Web(Web),
    Connect(Codec),
}

/// What ends an answer.
enum End {
    Trailers(HeaderMap),
    Frame(u8, Bytes),
}

impl Framing {
    pub(super) fn codec(self) -> Codec {
        match self {
            Framing::Grpc(subtype) | Framing::Web(Web { subtype, .. }) => subtype.codec(),
            Framing::Connect(codec) => codec,
        }
    }

    pub(super) fn wire(self) -> Wire {
        match self {
            Framing::Grpc(_) => Wire::Grpc,
            Framing::Web(_) => Wire::GrpcWeb,
            Framing::Connect(_) => Wire::Connect,
        }
    }

    pub(super) fn speech(self) -> Speech {
        match self {
            Framing::Grpc(_) | Framing::Web(_) => Speech::Grpc,
            Framing::Connect(_) => Speech::Connect,
        }
    }

    pub(super) fn patience(self, head: &Head) -> Patience {
        match self {
            Framing::Grpc(_) | Framing::Web(_) => head.grpc,
            Framing::Connect(_) => head.connect,
        }
    }

    /// Whether the bodies are in base64.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Framing::Web(Web { text: true, .. }))
    }

    fn content_type(self) -> HeaderValue {
        match self {
            Framing::Grpc(subtype) => subtype.content_type(),
            Framing::Web(web) => web.content_type(),
            Framing::Connect(codec) => connect::stream_type(codec),
        }
    }

    /// The answer of a method, as it comes.
    pub(super) fn answer(self, reply: Reply, accepts: Option<Compression>) -> Response<AnswerBody> {
        let (payload, metadata) = reply.into_parts();
        let own = metadata.map(|metadata| Own::of(*metadata));
        let (mut headers, trailers) =
            own.map(|own| (own.headers, own.trailers)).unwrap_or_default();
        headers.insert(CONTENT_TYPE, self.content_type());
        if let Some(compression) = accepts {
            let name = HeaderValue::from_static(compression.name());
            headers.insert(self.speech().encoding(), name);
        }
        let frames = Frames { framing: self, packer: Packer::new(accepts.map(Compressing::with)) };
        let body = Outgoing::new(frames, payload.into_stream(), trailers);
        let mut response = Response::new(AnswerBody::boxed(body));
        *response.headers_mut() = headers;
        response
    }

    /// A failure instead of an answer.
    #[cold]
    pub(super) fn refuse(self, refusal: &Refusal) -> Response<AnswerBody> {
        if let Framing::Grpc(subtype) = self {
            return grpc::refuse(subtype, refusal);
        }
        let mut headers = Own::of_error(&refusal.error).headers;
        headers.insert(CONTENT_TYPE, self.content_type());
        let mut frames = Frames { framing: self, packer: Packer::new(None) };
        // Neither of the two that are left has trailers of HTTP.
        let _ = frames.end(Some(&refusal.error), HeaderMap::new());
        let mut body = BytesMut::new();
        while let Some(piece) = frames.take() {
            body.put(piece);
        }
        let mut response = Response::new(AnswerBody::full(body.freeze()));
        *response.status_mut() = StatusCode::OK;
        *response.headers_mut() = headers;
        if refusal.close {
            super::metadata::close_after(response.headers_mut());
        }
        response
    }

    /// The end of an answer with the method's own `trailers`.
    fn end(self, failure: Option<&Error>, mut trailers: HeaderMap) -> End {
        let room = match self {
            Framing::Grpc(_) => Room::Headers,
            Framing::Web(_) => Room::Body,
            Framing::Connect(_) => {
                if let Some(error) = failure {
                    trailers = Own::of_error(error).with_pushback(error).trailers;
                }
                return End::Frame(CONNECT_END, connect::end(failure, &trailers));
            }
        };
        let trailers = match failure {
            Some(error) => grpc::trailers(error, room),
            None => {
                trailers.insert(&GRPC_STATUS, const { HeaderValue::from_static("0") });
                trailers
            }
        };
        match room {
            Room::Headers => End::Trailers(trailers),
            Room::Body => End::Frame(WEB_TRAILERS, lines(&trailers)),
        }
    }
}

/// Trailers as HTTP/1.1 writes headers.
fn lines(trailers: &HeaderMap) -> Bytes {
    let mut lines = BytesMut::new();
    for (name, value) in trailers {
        lines.put_slice(name.as_str().as_bytes());
        lines.put_slice(b": ");
        lines.put_slice(value.as_bytes());
        lines.put_slice(b"\r\n");
    }
    lines.freeze()
}

/// The frames of an answer.
#[derive(Debug)]
struct Frames {
    framing: Framing,
    packer: Packer,
}

impl Form for Frames {
    fn put(&mut self, message: Bytes) -> Result<(), Error> {
        self.packer.put(message).map_err(|_| grpc::too_long().error)
    }

    fn batch(&mut self) -> Option<&mut Batch> {
        self.packer.batch()
    }

    fn is_full(&self) -> bool {
        self.packer.is_full()
    }

    fn take(&mut self) -> Option<Bytes> {
        let piece = self.packer.take()?;
        Some(if self.framing.is_text() { STANDARD.encode(piece).into() } else { piece })
    }

    fn end(&mut self, failure: Option<&Error>, trailers: HeaderMap) -> Option<HeaderMap> {
        match self.framing.end(failure, trailers) {
            End::Trailers(trailers) => Some(trailers),
            End::Frame(flags, data) => {
                let put = self.packer.frame(flags, data);
                put.expect("an error and a header map are far below 4 GiB");
                None
            }
        }
    }
}
