//! gRPC: a message stands in a frame, the outcome in the trailers.
//!
//! A frame is a byte of flags (bit 0: compressed), the length in four bytes, and the message.

use base64::Engine;
use bytes::{Buf, Bytes};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use kitfox_core::message::{Codec, Message};
use kitfox_core::types::Any;
use kitfox_core::types::rpc::{ErrorInfo, Status};
use kitfox_core::{Body, Code, Detail, Error, Reply};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::body::{AnswerBody, Trailers};
use super::content::Subtype;
use super::metadata::Own;
use super::packing::{self, Speech, packed};
use super::refusal::Refusal;
use crate::binary::BASE64;
use crate::frames::{COMPRESSED, Compression};
use crate::names::{GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS};

/// Bytes before a message.
pub(super) const PREFIX: usize = 5;

/// Bytes that a failure may take in headers. Clients limit all of them together, many to 8 KiB,
/// and a call whose headers are over that fails with another code than its own.
const FAILURE_BYTES: usize = 7 * 1024;

/// Bytes of a message for people among them. Escaped it may be three times as long.
const MESSAGE_BYTES: usize = 1024;

/// What Google's writers put before the name of a detail.
const TYPE_PREFIX: &str = "type.googleapis.com/";

/// What `grpc-message` may not hold as it is, beside what is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The one message of `frames`, which may be in `compression`; one that is not is not copied.
pub(super) fn unframe(
    mut frames: Bytes,
    limit: usize,
    compression: Option<Compression>,
) -> Result<Bytes, Refusal> {
    let Some(length) = announced(&frames, limit)? else {
        return Err(torn(&frames));
    };
    let rest = frames.len() - PREFIX;
    if rest < length {
        return Err(torn(&frames));
    }
    if rest > length {
        return Err(more_than_one());
    }
    let flags = frames[0];
    frames.advance(PREFIX);
    if flags == 0 {
        return Ok(frames);
    }
    packing::unframed(flags, frames, compression, limit)
}

/// The length that the first frame announces, where its prefix is there and it is acceptable.
pub(super) fn announced(frames: &[u8], limit: usize) -> Result<Option<usize>, Refusal> {
    let Some((prefix, _)) = frames.split_first_chunk::<PREFIX>() else { return Ok(None) };
    let [_, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        return Err(Refusal::too_large(limit));
    }
    Ok(Some(length))
}

#[cold]
fn torn(frames: &[u8]) -> Refusal {
    if frames.is_empty() {
        let message = "the request has no message: a unary method takes exactly one";
        return Refusal::new(Code::Unimplemented, message);
    }
    let message = format!(
        "the request's message is cut off: its body ends after {} bytes, within a frame",
        frames.len()
    );
    Refusal::new(Code::InvalidArgument, message)
}

#[cold]
fn more_than_one() -> Refusal {
    let message = "the request has more than one message: a unary method takes exactly one";
    Refusal::new(Code::Unimplemented, message)
}

/// The answer of a method; `accepts` is what it may be compressed with.
pub(super) fn answer(
    subtype: Subtype,
    reply: Reply,
    accepts: Option<Compression>,
) -> Response<AnswerBody> {
    let (payload, metadata) = reply.into_parts();
    let Body::Unary(message) = payload.into_body() else {
        return refuse(subtype, &Refusal::from(super::stream_in_answer()));
    };
    let mut headers = HeaderMap::new();
    let mut trailers = Trailers::Ok;
    if let Some(metadata) = metadata {
        let own = Own::of(*metadata);
        headers = own.headers;
        let mut map = own.trailers;
        map.insert(&GRPC_STATUS, const { HeaderValue::from_static("0") });
        trailers = Trailers::Of(Box::new(map));
    }
    let (message, compression) = packed(message, accepts);
    let mut flags = 0;
    if let Some(compression) = compression {
        flags = COMPRESSED;
        headers.insert(Speech::Grpc.encoding(), HeaderValue::from_static(compression.name()));
    }
    let Some(body) = AnswerBody::grpc(flags, message, trailers) else {
        return refuse(subtype, &too_long());
    };
    headers.insert(CONTENT_TYPE, subtype.content_type());
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// A message of an answer that no frame holds.
#[cold]
pub(super) fn too_long() -> Refusal {
    Refusal::new(Code::Internal, "a message of the answer is longer than a frame can be: 4 GiB")
}

/// A failure: trailers and nothing else, so that they travel as the headers; unless there are
/// headers, which callers would take for trailers then.
#[cold]
pub(super) fn refuse(subtype: Subtype, refusal: &Refusal) -> Response<AnswerBody> {
    let error = &refusal.error;
    let mut headers = Own::of_error(error).headers;
    let trailers = trailers(error, Room::Headers);
    let mut response = Response::new(AnswerBody::empty());
    if headers.is_empty() {
        headers = trailers;
    } else {
        *response.body_mut() = AnswerBody::trailers(trailers);
    }
    headers.insert(CONTENT_TYPE, subtype.content_type());
    *response.headers_mut() = headers;
    response
}

/// Where a failure is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// In headers or trailers, where clients limit it.
    Headers,
    /// In the body, where gRPC-Web has its trailers.
    Body,
}

/// How a call failed, as the trailers that end it: those of the failure itself, and gRPC's.
#[cold]
pub(super) fn trailers(error: &Error, room: Room) -> HeaderMap {
    let mut trailers = Own::of_error(error).with_pushback(error).trailers;
    trailers.insert(&GRPC_STATUS, HeaderValue::from(u16::from(error.code().grpc())));
    let message = match room {
        Room::Headers => cut(error.message()),
        Room::Body => error.message(),
    };
    if !message.is_empty() {
        let escaped = utf8_percent_encode(message, ESCAPED).to_string();
        let escaped = HeaderValue::try_from(escaped).expect("visible ASCII after escaping");
        trailers.insert(&GRPC_MESSAGE, escaped);
    }
    let details: Vec<Any> = match room {
        Room::Headers => fitting(error).map(any).collect(),
        Room::Body => error.details().iter().map(any).collect(),
    };
    if let Some(status) = status(error.code(), message, details) {
        let status = HeaderValue::try_from(BASE64.encode(status));
        trailers.insert(&GRPC_STATUS_DETAILS, status.expect("base64 is ASCII"));
    }
    trailers
}

/// The beginning of `message`, on the boundary of a character: as much as a header holds.
fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(MESSAGE_BYTES)]
}

/// The details of `error` that a header has room for: what names the failure to programs first, then
/// the others in their order, without those that are too large.
fn fitting(error: &Error) -> impl Iterator<Item = &Detail> {
    let message = cut(error.message());
    let escaped: usize = utf8_percent_encode(message, ESCAPED).map(str::len).sum();
    // Base64 makes four bytes of three; the message stands in the status as well, after its code.
    let mut room = (FAILURE_BYTES - escaped) / 4 * 3 - message.len() - 2 * FIELD;
    let naming = |detail: &&Detail| detail.type_name() == ErrorInfo::NAME;
    let details = error.details().iter();
    details.clone().filter(naming).chain(details.filter(move |detail| !naming(detail))).filter(
        move |detail| {
            let names = TYPE_PREFIX.len() + detail.type_name().len();
            let left = room.checked_sub(names + detail.value().len() + 3 * FIELD);
            room = left.unwrap_or(room);
            left.is_some()
        },
    )
}

/// The most bytes that a field of protobuf takes beside its value, below 2 MiB.
const FIELD: usize = 4;

/// A failure with its details as `google.rpc.Status`; nothing where there are none.
fn status(code: Code, message: &str, details: Vec<Any>) -> Option<Bytes> {
    if details.is_empty() {
        return None;
    }
    let status = Status { code: i32::from(code.grpc()), message: message.to_owned(), details };
    // Nothing in it has a form that protobuf lacks; a failure is worth more than its details.
    status.encode(Codec::Protobuf).ok()
}

fn any(detail: &Detail) -> Any {
    let type_url = format!("{TYPE_PREFIX}{}", detail.type_name());
    Any { type_url, value: detail.value().to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(frames: &'static [u8]) -> (Code, String) {
        let error = unframe(Bytes::from_static(frames), 10, None).unwrap_err().error;
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn exactly_one_whole_message_is_taken() {
        assert_eq!(unframe(Bytes::from_static(b"\0\0\0\0\x02hi"), 2, None).unwrap(), "hi");
        assert_eq!(unframe(Bytes::from_static(b"\0\0\0\0\0"), 2, None).unwrap(), "");
        assert_eq!(refused(b"").0, Code::Unimplemented);
        assert_eq!(refused(b"\0\0\0\0\0\0\0\0\0\0").0, Code::Unimplemented);
        for torn in [&b"\0"[..], b"\0\0\0\0", b"\0\0\0\0\x02h"] {
            assert_eq!(refused(torn).0, Code::InvalidArgument);
        }
        assert_eq!(refused(b"\0\0\0\0\x0b").0, Code::ResourceExhausted);
        assert_eq!(refused(b"\x01\0\0\0\0").0, Code::Internal);
        assert!(refused(b"\x80\0\0\0\0").1.contains("0x80"));
    }

    #[test]
    fn a_message_for_people_survives_as_a_header() {
        let error = Error::new(Code::NotFound, "100 % „weg“\n");
        let response = refuse(Subtype::None, &Refusal::from(error));
        let headers = response.headers();
        assert_eq!(headers["grpc-status"], "5");
        let expected = "100 %25 %E2%80%9Eweg%E2%80%9C%0A";
        assert_eq!(headers["grpc-message"], expected);
        assert!(!headers.contains_key("grpc-status-details-bin"));
        let long = Error::new(Code::Internal, "ö".repeat(9000));
        let response = refuse(Subtype::None, &Refusal::from(long));
        assert!(response.headers()["grpc-message"].len() <= 3 * MESSAGE_BYTES);
    }

    fn header(error: Error) -> (usize, Vec<String>) {
        let response = refuse(Subtype::None, &Refusal::from(error));
        let size = response.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        let details = response.headers().get("grpc-status-details-bin").map(|value| {
            let bytes = BASE64.decode(value).unwrap();
            Status::decode(Codec::Protobuf, &bytes).unwrap().details
        });
        let names = details.unwrap_or_default().into_iter();
        (size.sum(), names.map(|any| any.type_name().to_owned()).collect())
    }

    fn detail(name: &str, size: usize) -> Detail {
        Detail::from_wire(name, vec![7; size].into())
    }

    #[test]
    fn details_stay_within_the_room_and_what_names_the_failure_goes_first() {
        let error = || Error::new(Code::NotFound, "gone");
        assert_eq!(header(error()).1, [""; 0]);
        assert_eq!(header(error().with_detail(detail("a.v1.A", 20_000))).1, [""; 0]);
        let many = error()
            .with_detail(detail("a.v1.A", 4000))
            .with_detail(detail("a.v1.B", 3000))
            .with_detail(detail("a.v1.C", 300))
            .with_detail(detail("google.rpc.ErrorInfo", 500));
        assert_eq!(header(many).1, ["google.rpc.ErrorInfo", "a.v1.A", "a.v1.C"]);
    }

    #[test]
    fn a_failure_never_outgrows_the_headers_of_a_client() {
        for message in [String::new(), "x".repeat(9000), "ö".repeat(9000)] {
            let mut largest = 0;
            for size in (0..8000).step_by(13) {
                let error = Error::new(Code::NotFound, message.clone());
                let (bytes, names) = header(error.with_detail(detail("a.v1.A", size)));
                assert!(bytes <= 7 * 1024 + 200, "{size}: {bytes}");
                if !names.is_empty() {
                    largest = size;
                }
            }
            assert!(largest >= 1900, "{largest}");
        }
    }
}
