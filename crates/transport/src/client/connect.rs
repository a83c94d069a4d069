//! What an answer means in the Connect protocol: a message as the whole body, or an error in JSON; a
//! stream of messages ends with a frame that says how it went.

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use kitfox_core::message::Codec;
use kitfox_core::{Code, Detail, Error, Origin, Payload, Reply};
use serde_json::{Map, Value};

use super::Protocol;
use super::answer::Answer;
use super::head::content_type;
use super::recovery;
use crate::binary::BASE64;

const TRAILER: &str = "trailer-";

/// Reads the answer of a unary call, whose message has at most `limit` bytes.
pub(super) fn read(
    mut answer: Answer,
    codec: Codec,
    limit: usize,
    peer: &str,
) -> Result<Reply, Error> {
    part_trailers(&mut answer);
    answer.unpack(limit, peer)?;
    if answer.status != StatusCode::OK {
        let error = stated(&answer, peer).unwrap_or_else(|| answer.by_status(peer));
        return Err(recovery::complete(error, &mut answer));
    }
    let expected = content_type(Protocol::Connect, codec, false);
    typed(&answer, expected, "application/", peer)?;
    let metadata = answer.metadata();
    Ok(Reply::new(Payload::unary(codec, answer.body)).with_metadata(metadata))
}

/// Looks at the head of an answer that is a stream of messages.
pub(super) fn head(answer: &mut Answer, codec: Codec, peer: &str) -> Result<(), Error> {
    if answer.status != StatusCode::OK {
        return Err(recovery::complete(answer.by_status(peer), answer));
    }
    let expected = content_type(Protocol::Connect, codec, true);
    typed(answer, expected, "application/connect+", peer)
}

/// Whether the answer is of the type `expected`, as all of this protocol whose types begin so.
fn typed(answer: &Answer, expected: &str, family: &str, peer: &str) -> Result<(), Error> {
    let found = answer.content_type();
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let garbled = answer.garbled(peer, format!("it is `{found}` instead of {expected}"));
    if found.starts_with(family) {
        return Err(garbled);
    }
    // Not this protocol at all: who sent it said nothing about the call.
    Err(Error::new(Code::Unknown, garbled.message().to_owned()).with_origin(Origin::Transport))
}

/// How a stream of messages ended: its trailers, or the callee's error, as its last frame says.
pub(super) fn end(frame: &[u8], peer: &str) -> Result<HeaderMap, Error> {
    let end: Option<Value> = serde_json::from_slice(frame).ok();
    let Some(end) = end.as_ref().and_then(Value::as_object) else {
        return Err(Answer::default().garbled(peer, "its last frame is no JSON object"));
    };
    let mut trailers = HeaderMap::new();
    for (name, values) in end.get("metadata").and_then(Value::as_object).into_iter().flatten() {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        for value in values.filter_map(|value| HeaderValue::from_str(value).ok()) {
            trailers.append(&name, value);
        }
    }
    match end.get("error") {
        None | Some(Value::Null) => Ok(trailers),
        Some(error) => {
            let stated = error.as_object().and_then(|error| of_json(error, Code::Unknown, peer));
            let error = stated.unwrap_or_else(|| {
                Error::new(Code::Unknown, format!("{peer} answered an error without saying more"))
                    .with_origin(Origin::Peer)
            });
            Err(recovery::complete(error, &mut Answer { trailers, ..Answer::default() }))
        }
    }
}

/// The error that the body states, if it is one of this protocol.
fn stated(answer: &Answer, peer: &str) -> Option<Error> {
    if !answer.content_type().eq_ignore_ascii_case("application/json") {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    of_json(body.as_object()?, Code::from_http_status(answer.status.as_u16()), peer)
}

/// An error of this protocol; `otherwise` is its code where it has none that anybody knows.
fn of_json(body: &Map<String, Value>, otherwise: Code, peer: &str) -> Option<Error> {
    let code = body.get("code").and_then(Value::as_str).and_then(|code| code.parse().ok());
    let message = body.get("message").and_then(Value::as_str);
    if code.is_none() && message.is_none() {
        return None;
    }
    let code = code.unwrap_or(otherwise);
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
    use std::time::Duration;

    use kitfox_core::Recovery;

    use super::*;
    use crate::frames::Compression;

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
        read(answer(status, content_type, body), Codec::Json, 100, "peer:1").unwrap_err()
    }

    #[test]
    fn a_message_is_the_whole_body() {
        let mut good = answer(200, "application/json; charset=utf-8", "{}");
        good.headers.append("trailer-x-b", "1".parse().unwrap());
        good.headers.append("x-a", "2".parse().unwrap());
        let reply = read(good, Codec::Json, 100, "peer:1").unwrap();
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
            let error = read(bad, Codec::Protobuf, 100, "peer:1").unwrap_err();
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
        for (content_type, code) in
            [("text/html", Code::Unknown), ("application/proto", Code::Internal)]
        {
            let error = failed(200, content_type, "{}");
            assert_eq!((error.code(), error.origin()), (code, Origin::Transport));
            assert!(error.message().contains(content_type), "{error}");
        }
    }

    #[test]
    fn a_compressed_body_is_unpacked_within_the_limit() {
        let packed = |encoding: &str, size: usize| {
            let mut packed = answer(200, "application/json", "");
            packed.headers.insert("content-encoding", encoding.parse().unwrap());
            packed.body = Compression::Gzip.compress(&vec![b' '; size]);
            read(packed, Codec::Json, 100, "peer:1")
        };
        let reply = packed("gzip", 100).unwrap();
        let kitfox_core::Body::Unary(message) = reply.payload().body() else { panic!() };
        assert_eq!(message.len(), 100);
        assert!(reply.metadata().is_none());
        let error = packed("gzip", 101).unwrap_err();
        assert_eq!((error.code(), error.origin()), (Code::ResourceExhausted, Origin::Transport));
        let error = packed("br", 100).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(error.message().contains("`br`"), "{error}");
    }

    #[test]
    fn a_stream_ends_with_trailers_or_an_error() {
        let trailers = end(br#"{"metadata":{"X-Cost":["7","8"],"bad name":["1"]}}"#, "peer:1");
        let trailers = trailers.unwrap();
        assert_eq!(trailers.get_all("x-cost").iter().collect::<Vec<_>>(), ["7", "8"]);
        assert_eq!(trailers.len(), 2);
        assert!(end(b"{}", "peer:1").unwrap().is_empty());

        let error = end(
            br#"{"error":{"code":"unavailable","message":"busy"},"metadata":{"retry-after":["3"]}}"#,
            "peer:1",
        );
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Unavailable, "busy"));
        assert_eq!(error.recovery(), Recovery::After(Duration::from_secs(3)));
        assert_eq!(error.metadata().unwrap().trailers.text("retry-after"), Some("3"));
        for (frame, code) in [
            (r#"{"error":{}}"#, Code::Unknown),
            (r#"{"error":{"code":"teapot"}}"#, Code::Unknown),
            (r#"{"error":7}"#, Code::Unknown),
            ("[]", Code::Internal),
            ("", Code::Internal),
        ] {
            assert_eq!(end(frame.as_bytes(), "peer:1").unwrap_err().code(), code, "{frame}");
        }
    }
}
