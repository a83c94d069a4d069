//! Connect's GET: the message of a safe method stands in the query, so that caches can answer.

use base64::Engine;
use bytes::Bytes;
use kitfox_core::Code;
use kitfox_core::message::Codec;
use percent_encoding::percent_decode;

use super::packing::{Encoded, Speech};
use super::refusal::{Refusal, shown};
use crate::binary::BASE64_URL;
use crate::frames::Compression;

/// What a query holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) codec: Codec,
    pub(super) message: Bytes,
    pub(super) compression: Option<Compression>,
}

impl Query {
    /// Of the text behind the question mark. What is none of Connect's is passed over.
    ///
    /// # Errors
    /// Where the message or how it is encoded is missing or cannot be read.
    pub(super) fn read(query: &str, limit: usize) -> Result<Self, Refusal> {
        let (mut encoding, mut message, mut base64) = (None, None, false);
        let mut compression = None;
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "encoding" => encoding = Some(value),
                "message" => message = Some(value),
                "base64" => base64 = value == "1",
                "compression" => match Encoded::from_name(value.as_bytes()) {
                    Encoded::Not => compression = None,
                    Encoded::As(known) => compression = Some(known),
                    Encoded::Unknown if value.is_empty() => compression = None,
                    Encoded::Unknown => return Err(Speech::Http.unknown(value.as_bytes())),
                },
                "connect" if value != "v1" => {
                    return Err(Refusal::connect_version(value.as_bytes()));
                }
                _ => {}
            }
        }
        let codec = match encoding {
            Some("json") => Codec::Json,
            Some("proto") => Codec::Protobuf,
            other => return Err(unknown_encoding(other)),
        };
        let Some(message) = message else { return Err(missing()) };
        let message = if base64 {
            let letters: Vec<u8> = percent_decode(message.as_bytes()).collect();
            BASE64_URL.decode(letters).map_err(|cause| malformed(&cause))?
        } else {
            // Connect's client for Go writes the query as a form has it: a space is a plus.
            percent_decode(message.replace('+', " ").as_bytes()).collect()
        };
        if message.len() > limit {
            return Err(Refusal::too_large(limit));
        }
        Ok(Query { codec, message: message.into(), compression })
    }
}

#[cold]
fn unknown_encoding(said: Option<&str>) -> Refusal {
    let message = match said {
        Some(said) => format!(
            "the query's `encoding` is `{}`: it must be `json` or `proto`",
            shown(said.as_bytes())
        ),
        None => "the query has no `encoding`: it must be `json` or `proto`".to_owned(),
    };
    Refusal::new(Code::InvalidArgument, message)
        .with_status(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

#[cold]
fn missing() -> Refusal {
    Refusal::new(Code::InvalidArgument, "the query has no `message`: a call by GET has it there")
}

#[cold]
fn malformed(cause: &base64::DecodeError) -> Refusal {
    let message = format!("the query's `message` is no URL-safe base64: {cause}");
    Refusal::new(Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<(Codec, Bytes, Option<Compression>), (Code, String)> {
        match Query::read(query, 10) {
            Ok(Query { codec, message, compression }) => Ok((codec, message, compression)),
            Err(refusal) => Err((refusal.error.code(), refusal.error.message().to_owned())),
        }
    }

    #[test]
    fn a_message_is_plain_or_in_base64() {
        for (query, codec, message) in [
            ("connect=v1&encoding=json&message=%7B%7D", Codec::Json, "{}"),
            ("encoding=proto&message=&x=y", Codec::Protobuf, ""),
            ("message=e30&base64=1&encoding=json&compression=identity", Codec::Json, "{}"),
            ("message=e30%3D&base64=1&encoding=json&compression=", Codec::Json, "{}"),
            ("encoding=json&message=%22a+b%2Bc%22", Codec::Json, "\"a b+c\""),
        ] {
            assert_eq!(read(query), Ok((codec, Bytes::from(message), None)), "{query}");
        }
        let packed = read("encoding=json&message=AA&base64=1&compression=gzip").unwrap();
        assert_eq!(packed.2, Some(Compression::Gzip));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (query, code, part) in [
            ("", Code::InvalidArgument, "no `encoding`"),
            ("encoding=xml&message=", Code::InvalidArgument, "`xml`"),
            ("encoding=json", Code::InvalidArgument, "no `message`"),
            ("encoding=json&message=%2B&base64=1", Code::InvalidArgument, "URL-safe"),
            ("encoding=json&message=12345678901", Code::ResourceExhausted, "10 bytes"),
            ("encoding=json&message=&compression=br", Code::Unimplemented, "`br`"),
            ("encoding=json&message=&connect=v2", Code::InvalidArgument, "`v2`"),
        ] {
            let (said, message) = read(query).unwrap_err();
            assert!(said == code && message.contains(part), "{query}: {said} {message}");
        }
    }
}
