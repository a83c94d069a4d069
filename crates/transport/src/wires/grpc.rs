//! gRPC's unary calls: the message stands in a frame, the outcome in the trailers.
//!
//! A frame is a byte of flags (bit 0: compressed), the length in four bytes, and the message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{Buf, BufMut, Bytes};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use kitfox_core::{Body, Code, Error, Reply};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::body::{AnswerBody, Trailers};
use super::content::Subtype;
use super::metadata::Own;
use super::names::{GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS};
use super::refusal::Refusal;

/// Bytes before a message.
pub(super) const PREFIX: usize = 5;

/// Bytes of a message for people that go into a header, which clients limit to 8 KiB in all.
const MESSAGE_BYTES: usize = 2048;

/// What `grpc-message` may not hold as it is, beside what is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// The one message of `frames`; it is not copied.
pub(super) fn unframe(mut frames: Bytes, limit: usize) -> Result<Bytes, Refusal> {
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
    frames.advance(PREFIX);
    Ok(frames)
}

/// The length that the first frame announces, where its prefix is there and it is acceptable.
pub(super) fn announced(frames: &[u8], limit: usize) -> Result<Option<usize>, Refusal> {
    let Some((prefix, _)) = frames.split_first_chunk::<PREFIX>() else { return Ok(None) };
    let [flags, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if flags != 0 {
        return Err(flagged(flags));
    }
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

#[cold]
fn flagged(flags: u8) -> Refusal {
    if flags == 1 {
        let message = "the request's message is compressed, and no `grpc-encoding` says how";
        return Refusal::new(Code::Internal, message);
    }
    let message = format!("the request's frame has the flags {flags:#04x}, which nobody defined");
    Refusal::new(Code::Internal, message)
}

/// The answer of a method.
pub(super) fn answer(subtype: Subtype, reply: Reply) -> Response<AnswerBody> {
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
    let Some(body) = AnswerBody::grpc(message, trailers) else {
        let message = "the answer is longer than a frame of gRPC can be";
        return refuse(subtype, &Refusal::new(Code::Internal, message));
    };
    headers.insert(CONTENT_TYPE, subtype.content_type());
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// A failure: trailers and nothing else, so that they travel as the headers.
#[cold]
pub(super) fn refuse(subtype: Subtype, refusal: &Refusal) -> Response<AnswerBody> {
    let error = &refusal.error;
    let own = Own::of_error(error).with_pushback(error);
    let mut headers = own.headers;
    for (name, value) in &own.trailers {
        headers.append(name, value.clone());
    }
    headers.insert(CONTENT_TYPE, subtype.content_type());
    headers.insert(&GRPC_STATUS, HeaderValue::from(u16::from(error.code().grpc())));
    let message = cut(error.message());
    if !message.is_empty() {
        let escaped = utf8_percent_encode(message, ESCAPED).to_string();
        let escaped = HeaderValue::try_from(escaped).expect("visible ASCII after escaping");
        headers.insert(&GRPC_MESSAGE, escaped);
    }
    if !error.details().is_empty() {
        let status = HeaderValue::try_from(STANDARD_NO_PAD.encode(status(error)));
        headers.insert(&GRPC_STATUS_DETAILS, status.expect("base64 is ASCII"));
    }
    let mut response = Response::new(AnswerBody::empty());
    *response.headers_mut() = headers;
    response
}

/// The beginning of `message`, on the boundary of a character.
fn cut(message: &str) -> &str {
    &message[..message.floor_char_boundary(MESSAGE_BYTES)]
}

/// `google.rpc.Status { code = 1, message = 2, details = 3 }`, each detail a
/// `google.protobuf.Any { type_url = 1, value = 2 }`.
fn status(error: &Error) -> Vec<u8> {
    let mut out = vec![1 << 3, error.code().grpc()];
    field(&mut out, 2, cut(error.message()).as_bytes());
    for detail in error.details() {
        let mut any = Vec::new();
        field(&mut any, 1, format!("type.googleapis.com/{}", detail.type_name()).as_bytes());
        field(&mut any, 2, detail.value());
        field(&mut out, 3, &any);
    }
    out
}

/// A length-delimited field of protobuf.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.put_u8(number << 3 | 2);
    let mut length = bytes.len();
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            out.put_u8(low);
            break;
        }
        out.put_u8(low | 0x80);
    }
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(frames: &'static [u8]) -> (Code, String) {
        let error = unframe(Bytes::from_static(frames), 10).unwrap_err().error;
        (error.code(), error.message().to_owned())
    }

    #[test]
    fn exactly_one_whole_message_is_taken() {
        assert_eq!(unframe(Bytes::from_static(b"\0\0\0\0\x02hi"), 2).unwrap(), "hi");
        assert_eq!(unframe(Bytes::from_static(b"\0\0\0\0\0"), 2).unwrap(), "");
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

    #[test]
    fn lengths_are_varints() {
        let mut out = Vec::new();
        field(&mut out, 2, &[7; 300]);
        assert_eq!(out[..3], [0x12, 0xac, 0x02]);
        assert_eq!(out.len(), 303);
    }
}
