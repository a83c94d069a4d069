//! What an answer means in gRPC: messages in frames, and a status in the trailers, or a status alone
//! in the headers.

use base64::Engine as _;
use bytes::{Buf, Bytes};
use http::{HeaderMap, StatusCode};
use kitfox_core::message::{Codec, Message};
use kitfox_core::types::rpc::Status;
use kitfox_core::{Code, Detail, Error, Origin, Payload, Reply};
use percent_encoding::percent_decode;

use super::answer::Answer;
use super::{Protocol, recovery};
use crate::binary::BASE64;
use crate::frames::{COMPRESSED, PREFIX};
use crate::names::{GRPC_ENCODING, GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS};

/// Reads the answer of a unary call, whose message has at most `limit` bytes.
pub(super) fn read(
    mut answer: Answer,
    codec: Codec,
    limit: usize,
    peer: &str,
) -> Result<Reply, Error> {
    // A status in the headers counts where nothing else follows: all of them are trailers, too.
    if answer.body.is_empty() && status(&answer).is_none() {
        answer.trailers = answer.headers.clone();
    }
    let Some(status) = status(&answer) else {
        let error = without_status(&answer, Protocol::Grpc, peer);
        return Err(recovery::complete(error, &mut answer));
    };
    close(status, &mut answer)?;
    speaks(&answer, Protocol::Grpc, codec, peer)?;
    let (flag, message) =
        unframe(answer.body.clone()).map_err(|flaw| flaw.into_error(&answer, peer))?;
    let message = match flag {
        0 => message,
        COMPRESSED => {
            let Some(compression) = answer.compression(&GRPC_ENCODING, peer)? else {
                return Err(answer.garbled(peer, "nothing says how it is compressed"));
            };
            let unpacked = compression.decompress(&message, limit);
            unpacked.map_err(|unpacked| answer.not_unpacked(peer, unpacked, limit))?
        }
        _ => return Err(answer.garbled(peer, "it has flags that nobody knows")),
    };
    let metadata = answer.metadata();
    Ok(Reply::new(Payload::unary(codec, message)).with_metadata(metadata))
}

/// Looks at the head of an answer whose messages come as frames. Gives the trailers that stand in
/// it, which count where nothing else follows.
pub(super) fn head(
    answer: &mut Answer,
    protocol: Protocol,
    codec: Codec,
    peer: &str,
) -> Result<Option<HeaderMap>, Error> {
    if answer.headers.contains_key(&GRPC_STATUS) {
        return Ok(Some(answer.headers.clone()));
    }
    if answer.status != StatusCode::OK {
        return Err(recovery::complete(answer.by_status(peer), answer));
    }
    speaks(answer, protocol, codec, peer)?;
    Ok(None)
}

/// How a stream of messages ended.
pub(super) fn end(trailers: HeaderMap, peer: &str) -> Result<HeaderMap, Error> {
    let mut answer = Answer { trailers, ..Answer::default() };
    let Some(status) = status(&answer) else { return Err(unfinished(&answer, peer)) };
    close(status, &mut answer)?;
    Ok(answer.trailers)
}

/// One message is what a method without a stream answers; gRPC's list of status codes says
/// `Unimplemented` where it is another number.
pub(super) fn cardinality(peer: &str, why: &str) -> Error {
    let message = format!("{peer} answered a call for one message with {why}");
    Error::new(Code::Unimplemented, message).with_origin(Origin::Transport)
}

/// The number of the status, if there is one.
fn status(answer: &Answer) -> Option<u32> {
    let status = answer.trailers.get(&GRPC_STATUS)?;
    // What is no number is no status that anybody knows: 2 is `Unknown`.
    Some(status.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(2))
}

/// The call is over: well, or with the callee's error.
fn close(status: u32, answer: &mut Answer) -> Result<(), Error> {
    let Some(code) = Code::from_grpc(status) else { return Ok(()) };
    Err(recovery::complete(stated_error(code, &answer.trailers), answer))
}

/// An answer must end with a status. One without comes from something that speaks no gRPC, or
/// broke off.
fn without_status(answer: &Answer, protocol: Protocol, peer: &str) -> Error {
    if answer.status != StatusCode::OK {
        return answer.by_status(peer);
    }
    match suffix(answer, protocol) {
        None => foreign(answer, protocol, peer),
        Some(_) => unfinished(answer, peer),
    }
}

fn unfinished(answer: &Answer, peer: &str) -> Error {
    answer.garbled(
        peer,
        "it ended without `grpc-status`; does a proxy on the way drop trailers, or are they \
         larger than `header_bytes` in the limits of the channel?",
    )
}

/// Whether the answer is in the protocol at all, and in the codec of the call.
fn speaks(answer: &Answer, protocol: Protocol, codec: Codec, peer: &str) -> Result<(), Error> {
    let Some(suffix) = suffix(answer, protocol) else {
        return Err(foreign(answer, protocol, peer));
    };
    let expected = match codec {
        Codec::Protobuf => "+proto",
        Codec::Json => "+json",
    };
    // Without a word on it, it is in the codec of the request.
    if suffix.is_empty() || suffix == expected {
        return Ok(());
    }
    let why = format!("it is `{}`, in another codec than the call", answer.content_type());
    Err(answer.garbled(peer, why))
}

/// It is not in this protocol. Who sent it said nothing about the call.
fn foreign(answer: &Answer, protocol: Protocol, peer: &str) -> Error {
    let why = format!(
        "it is `{}` instead of {}; is that a gRPC server?",
        answer.content_type(),
        name(protocol)
    );
    let garbled = answer.garbled(peer, why);
    Error::new(Code::Unknown, garbled.message().to_owned()).with_origin(Origin::Transport)
}

/// What follows the protocol's name in the type of an answer.
fn suffix(answer: &Answer, protocol: Protocol) -> Option<&str> {
    let suffix = answer.content_type().strip_prefix(name(protocol))?;
    (suffix.is_empty() || suffix.starts_with('+')).then_some(suffix)
}

fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::GrpcWeb => "application/grpc-web",
        _ => "application/grpc",
    }
}

fn stated_error(code: Code, stated: &HeaderMap) -> Error {
    let message = stated.get(&GRPC_MESSAGE).map_or(String::new(), |message| {
        percent_decode(message.as_bytes()).decode_utf8_lossy().into_owned()
    });
    let error = Error::new(code, message).with_origin(Origin::Peer);
    details(stated).into_iter().fold(error, Error::with_detail)
}

/// The details, as far as they can be read: a callee's word is worth more than its decoration.
fn details(stated: &HeaderMap) -> Vec<Detail> {
    let bytes = stated.get(&GRPC_STATUS_DETAILS).map(http::HeaderValue::as_bytes);
    let bytes = bytes.and_then(|text| BASE64.decode(text).ok());
    let status = bytes.and_then(|bytes| Status::decode(Codec::Protobuf, &bytes).ok());
    let details = status.map(|status| status.details).unwrap_or_default();
    details
        .into_iter()
        .map(|detail| Detail::from_wire(&detail.type_url, detail.value.into()))
        .collect()
}

/// What is wrong with the frames of a unary answer.
#[derive(Debug, PartialEq, Eq)]
enum Flaw {
    None,
    Many,
    Torn,
}

impl Flaw {
    fn into_error(self, answer: &Answer, peer: &str) -> Error {
        match self {
            Flaw::None => cardinality(peer, "no message"),
            Flaw::Many => cardinality(peer, "more than one message"),
            Flaw::Torn => answer.garbled(peer, "its message is cut off"),
        }
    }
}

/// The one message in a body, and its flags.
fn unframe(mut body: Bytes) -> Result<(u8, Bytes), Flaw> {
    if body.is_empty() {
        return Err(Flaw::None);
    }
    if body.len() < PREFIX {
        return Err(Flaw::Torn);
    }
    let flags = body.get_u8();
    let length = usize::try_from(body.get_u32()).map_err(|_| Flaw::Torn)?;
    match body.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(Flaw::Torn),
        std::cmp::Ordering::Equal => Ok((flags, body)),
        std::cmp::Ordering::Greater => Err(Flaw::Many),
    }
}

#[cfg(test)]
mod tests {
    use kitfox_core::Recovery;

    use super::*;

    fn answer(trailers: &[(&'static str, &'static str)]) -> Answer {
        let mut answer = Answer { body: "\0\0\0\0\x02hi".into(), ..Answer::default() };
        answer.headers.insert("content-type", "application/grpc+proto".parse().unwrap());
        for (name, value) in trailers {
            answer.trailers.insert(*name, value.parse().unwrap());
        }
        answer
    }

    fn failed(answer: Answer) -> Error {
        read(answer, Codec::Protobuf, 100, "peer:1").unwrap_err()
    }

    #[test]
    fn one_frame_and_status_zero_is_a_message() {
        let reply = read(answer(&[("grpc-status", "0")]), Codec::Protobuf, 100, "peer:1").unwrap();
        assert!(reply.metadata().is_none());
        let kitfox_core::Body::Unary(message) = reply.payload().body() else { panic!() };
        assert_eq!(message, "hi");
    }

    #[test]
    fn a_status_in_the_trailers_or_alone_in_the_headers_is_the_callees_word() {
        let said = [("grpc-status", "5"), ("grpc-message", "no order %C3%A9 100%")];
        let mut alone = answer(&[]);
        alone.headers.extend(answer(&said).trailers);
        alone.body = Bytes::new();
        for answer in [answer(&said), alone] {
            let error = failed(answer);
            assert_eq!(error.code(), Code::NotFound);
            assert_eq!(error.message(), "no order \u{e9} 100%");
            assert_eq!((error.origin(), error.recovery()), (Origin::Peer, Recovery::No));
        }
    }

    #[test]
    fn details_are_read_padded_or_not_and_never_hide_the_error() {
        // code 3, one detail: a type URL and the bytes of an `ErrorInfo`.
        let status = b"\x08\x03\x1a\x2c\x0a\x28type.googleapis.com/google.rpc.ErrorInfo\x12\x00";
        let padded = base64::engine::general_purpose::STANDARD.encode(status);
        let bare = padded.trim_end_matches('=').to_owned();
        for (text, details) in
            [(padded, 1), (bare, 1), ("%%".to_owned(), 0), ("AAAA".to_owned(), 0)]
        {
            let mut answer = answer(&[("grpc-status", "3")]);
            answer.trailers.insert("grpc-status-details-bin", text.parse().unwrap());
            let error = failed(answer);
            assert_eq!((error.code(), error.details().len()), (Code::InvalidArgument, details));
        }
    }

    #[test]
    fn a_status_that_nobody_knows_is_unknown() {
        for status in ["17", "-1", "abc", ""] {
            assert_eq!(failed(answer(&[("grpc-status", status)])).code(), Code::Unknown);
        }
    }

    #[test]
    fn an_answer_without_a_status_is_never_a_success() {
        let error = failed(answer(&[]));
        assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
        assert!(error.message().contains("grpc-status"), "{error}");

        let mut proxy = answer(&[]);
        proxy.status = StatusCode::SERVICE_UNAVAILABLE;
        proxy.headers.clear();
        let error = failed(proxy);
        assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Retry));
        assert!(error.message().contains("503"), "{error}");

        let mut page = answer(&[]);
        page.headers.insert("content-type", "text/html".parse().unwrap());
        let error = failed(page);
        assert_eq!(error.code(), Code::Unknown);
        assert!(error.message().contains("text/html"), "{error}");
    }

    #[test]
    fn another_number_of_messages_than_one_is_refused() {
        for (body, code, hint) in [
            ("", Code::Unimplemented, "no message"),
            ("\0\0\0\0\x02hi\0\0\0\0\0", Code::Unimplemented, "more than one"),
            ("\0\0\0\0\x03hi", Code::Internal, "cut off"),
            ("\0\0\0", Code::Internal, "cut off"),
            ("\x01\0\0\0\x02hi", Code::Internal, "nothing says how it is compressed"),
        ] {
            let mut answer = answer(&[("grpc-status", "0")]);
            answer.body = body.into();
            let error = failed(answer);
            assert_eq!(error.code(), code, "{body:?}");
            assert!(error.message().contains(hint), "{error}");
        }
    }
}
