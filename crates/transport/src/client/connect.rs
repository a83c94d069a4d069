//! What an answer means in the Connect protocol: a message as the whole body, or an error in JSON.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, StatusCode};
use kitfox_core::message::Codec;
use kitfox_core::{Code, Detail, Error, Origin, Payload, Reply};
use serde_json::Value;

use super::Protocol;
use super::answer::Answer;
use super::head::content_type;
use super::recovery;

/// Details come without padding; whoever pads them is understood too.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const TRAILER: &str = "trailer-";

/// Reads the answer of a unary call.
pub(super) fn read(mut answer: Answer, codec: Codec, peer: &str) -> Result<Reply, Error> {
    part_trailers(&mut answer);
    if answer.status != StatusCode::OK {
        let error = stated(&answer, peer).unwrap_or_else(|| answer.by_status(peer));
        return Err(recovery::complete(error, &mut answer));
    }
    let expected = content_type(Protocol::Connect, codec);
    if !answer.content_type().eq_ignore_ascii_case(expected) {
        let why = format!("it is `{}` instead of {expected}", answer.content_type());
        return Err(answer.garbled(peer, why));
    }
    if answer.is_compressed() {
        return Err(answer.garbled(peer, "it is compressed, which nobody asked for"));
    }
    let metadata = answer.metadata();
    Ok(Reply::new(Payload::unary(codec, answer.body)).with_metadata(metadata))
}

/// The error that the body states, if it is one of this protocol.
fn stated(answer: &Answer, peer: &str) -> Option<Error> {
    if !answer.content_type().eq_ignore_ascii_case("application/json") {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let body = body.as_object()?;
    let code = body.get("code").and_then(Value::as_str).and_then(|code| code.parse().ok());
    let message = body.get("message").and_then(Value::as_str);
    if code.is_none() && message.is_none() {
        return None;
    }
    let code = code.unwrap_or_else(|| Code::from_http_status(answer.status.as_u16()));
    let message = message
        .map_or_else(|| format!("{peer} answered {code} without saying more"), str::to_owned);
    let details = body.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let error = Error::new(code, message).with_origin(Origin::Peer);
    Some(details.iter().filter_map(detail).fold(error, Error::with_detail))
}

fn detail(detail: &Value) -> Option<Detail> {
    let name = detail.get("type")?.as_str()?;
    let value = BASE64.decode(detail.get("value")?.as_str()?).ok()?;
    Some(Detail::from_wire(name, value.into()))
}

/// Trailers of a unary call come as headers with a name of their own.
fn part_trailers(answer: &mut Answer) {
    if !answer.headers.keys().any(|name| name.as_str().starts_with(TRAILER)) {
        return;
    }
    let mut headers = HeaderMap::new();
    let mut last = None;
    for (name, value) in std::mem::take(&mut answer.headers) {
        // The map gives a name once, with its first value.
        last = name.or(last);
        let Some(name) = &last else { continue };
        let trailer = name.as_str().strip_prefix(TRAILER);
        match trailer.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok()) {
            Some(trailer) => answer.trailers.append(trailer, value),
            None => headers.append(name, value),
        };
    }
    answer.headers = headers;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &str, body: &'static str) -> Answer {
        let mut answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.into(),
            ..Answer::default()
        };
        if !content_type.is_empty() {
            answer.headers.insert("content-type", content_type.parse().unwrap());
        }
        answer
    }

    fn failed(status: u16, content_type: &str, body: &'static str) -> Error {
        read(answer(status, content_type, body), Codec::Json, "peer:1").unwrap_err()
    }

    #[test]
    fn a_message_is_the_whole_body() {
        let mut good = answer(200, "application/json; charset=utf-8", "{}");
        good.headers.append("trailer-x-b", "1".parse().unwrap());
        good.headers.append("x-a", "2".parse().unwrap());
        let reply = read(good, Codec::Json, "peer:1").unwrap();
        let metadata = reply.metadata().unwrap();
        assert_eq!(metadata.headers.text("x-a"), Some("2"));
        assert_eq!(metadata.headers.text("trailer-x-b"), None);
        assert_eq!(metadata.trailers.text("x-b"), Some("1"));
    }

    #[test]
    fn an_error_is_read_with_its_details_padded_or_not() {
        for value in ["CgVFTVBUWQ", "CgVFTVBUWQ=="] {
            let body = format!(
                r#"{{"code":"invalid_argument","message":"nothing to do","details":[
                    {{"type":"google.rpc.ErrorInfo","value":"{value}","debug":{{}}}},
                    {{"type":"broken","value":"%"}}, 7]}}"#
            );
            let mut bad = answer(400, "application/json", "");
            bad.body = body.into();
            let error = read(bad, Codec::Protobuf, "peer:1").unwrap_err();
            assert_eq!(error.code(), Code::InvalidArgument);
            assert_eq!(error.message(), "nothing to do");
            assert_eq!(error.origin(), Origin::Peer);
            assert_eq!(error.details().len(), 1);
            assert_eq!(error.details()[0].type_name(), "google.rpc.ErrorInfo");
            assert_eq!(&error.details()[0].value()[..], b"\n\x05EMPTY");
        }
    }

    #[test]
    fn what_is_no_error_of_the_protocol_is_known_by_its_status() {
        for (status, content_type, body, code) in [
            (503, "", "", Code::Unavailable),
            (502, "text/html", "<h1>Bad Gateway</h1>", Code::Unavailable),
            (404, "application/json", "{\"detail\":\"no\"}", Code::Unimplemented),
            (401, "application/json", "not json", Code::Unauthenticated),
            (500, "application/json", "[]", Code::Unknown),
            (302, "", "", Code::Unknown),
        ] {
            let error = failed(status, content_type, body);
            assert_eq!(error.code(), code, "{status}");
            assert!(error.message().contains(&status.to_string()), "{error}");
            assert!(error.message().contains("peer:1"), "{error}");
        }
    }

    #[test]
    fn a_code_that_nobody_knows_is_replaced_by_the_status() {
        let error = failed(403, "application/json", r#"{"code":"teapot","message":"no"}"#);
        assert_eq!((error.code(), error.message()), (Code::PermissionDenied, "no"));
        let error = failed(409, "application/json", r#"{"code":"aborted"}"#);
        assert_eq!(error.code(), Code::Aborted);
    }

    #[test]
    fn a_body_of_another_kind_is_no_message() {
        for (content_type, hint) in [("text/html", "text/html"), ("application/proto", "proto")] {
            let error = failed(200, content_type, "{}");
            assert_eq!((error.code(), error.origin()), (Code::Internal, Origin::Transport));
            assert!(error.message().contains(hint), "{error}");
        }
        let mut packed = answer(200, "application/json", "{}");
        packed.headers.insert("content-encoding", "gzip".parse().unwrap());
        let error = read(packed, Codec::Json, "peer:1").unwrap_err();
        assert!(error.message().contains("compressed"), "{error}");
    }
}
