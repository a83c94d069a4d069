//! What an answer means in gRPC: one message in a frame, and a status in the trailers, or a status
//! alone in the headers.

use base64::Engine as _;
use bytes::{Buf, Bytes};
use http::{HeaderMap, StatusCode};
use kitfox_core::message::{Codec, Message};
use kitfox_core::types::rpc::Status;
use kitfox_core::{Code, Detail, Error, Origin, Payload, Reply};
use percent_encoding::percent_decode;

use super::answer::Answer;
use super::connect::BASE64;
use super::outgoing::PREFIX;
use super::recovery;
use crate::names::{GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS};

/// Reads the answer of a unary call.
pub(super) fn read(mut answer: Answer, codec: Codec, peer: &str) -> Result<Reply, Error> {
    let status = answer.trailers.get(&GRPC_STATUS).or_else(|| answer.headers.get(&GRPC_STATUS));
    let Some(status) = status else {
        let error = without_status(&answer, peer);
        return Err(recovery::complete(error, &mut answer));
    };
    // What is no number is no status that anybody knows: 2 is `Unknown`.
    let number = status.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    if let Some(code) = Code::from_grpc(number) {
        let in_trailers = answer.trailers.contains_key(&GRPC_STATUS);
        let stated = if in_trailers { &answer.trailers } else { &answer.headers };
        let error = stated_error(code, stated);
        return Err(recovery::complete(error, &mut answer));
    }
    if !speaks_grpc(&answer) {
        return Err(answer.garbled(peer, wrong_type(&answer)));
    }
    let message = unframe(answer.body.clone()).map_err(|flaw| flaw.into_error(&answer, peer))?;
    let metadata = answer.metadata();
    Ok(Reply::new(Payload::unary(codec, message)).with_metadata(metadata))
}

/// An answer must end with a status. One without comes from something that speaks no gRPC, or
/// broke off.
fn without_status(answer: &Answer, peer: &str) -> Error {
    if answer.status != StatusCode::OK {
        return answer.by_status(peer);
    }
    if !speaks_grpc(answer) {
        let garbled = answer.garbled(peer, wrong_type(answer));
        return Error::new(Code::Unknown, garbled.message().to_owned())
            .with_origin(Origin::Transport);
    }
    answer.garbled(
        peer,
        "it ended without `grpc-status`; does a proxy on the way drop trailers, or are they \
         larger than `header_bytes` in the limits of the channel?",
    )
}

fn wrong_type(answer: &Answer) -> String {
    format!("it is `{}` instead of application/grpc; is that a gRPC server?", answer.content_type())
}

fn speaks_grpc(answer: &Answer) -> bool {
    let rest = answer.content_type().strip_prefix("application/grpc");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
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
    Compressed,
    Torn,
}

impl Flaw {
    fn into_error(self, answer: &Answer, peer: &str) -> Error {
        // One message is what a unary method answers; gRPC's list of status codes says
        // `Unimplemented` where it is another number.
        let cardinality = |why: &str| {
            let message = format!("{peer} answered a unary call with {why}");
            Error::new(Code::Unimplemented, message).with_origin(Origin::Transport)
        };
        match self {
            Flaw::None => cardinality("no message"),
            Flaw::Many => cardinality("more than one message"),
            Flaw::Compressed => answer.garbled(peer, "it is compressed, which nobody asked for"),
            Flaw::Torn => answer.garbled(peer, "its message is cut off"),
        }
    }
}

/// The one message in a body.
fn unframe(mut body: Bytes) -> Result<Bytes, Flaw> {
    if body.is_empty() {
        return Err(Flaw::None);
    }
    if body.len() < PREFIX {
        return Err(Flaw::Torn);
    }
    let flag = body.get_u8();
    let length = usize::try_from(body.get_u32()).map_err(|_| Flaw::Torn)?;
    if flag != 0 {
        return Err(Flaw::Compressed);
    }
    match body.len().cmp(&length) {
        std::cmp::Ordering::Less => Err(Flaw::Torn),
        std::cmp::Ordering::Equal => Ok(body),
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
        read(answer, Codec::Protobuf, "peer:1").unwrap_err()
    }

    #[test]
    fn one_frame_and_status_zero_is_a_message() {
        let reply = read(answer(&[("grpc-status", "0")]), Codec::Protobuf, "peer:1").unwrap();
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
            ("\x01\0\0\0\x02hi", Code::Internal, "compressed"),
        ] {
            let mut answer = answer(&[("grpc-status", "0")]);
            answer.body = body.into();
            let error = failed(answer);
            assert_eq!(error.code(), code, "{body:?}");
            assert!(error.message().contains(hint), "{error}");
        }
    }
}
