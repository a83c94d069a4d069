//! What comes back over REST: problems, and streams as lines or events.

use std::convert::Infallible;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use kitfox::{Code, Detail, Error, MessageStream, Metadata, Origin, ResponseMetadata, Trailers};
use serde_json::Value;
use tokio::sync::oneshot;

use super::rest::broken;

/// Headers, and trailers that stand among them.
pub(super) fn metadata(all: &HeaderMap) -> Box<ResponseMetadata> {
    let (mut headers, mut trailers) = (HeaderMap::new(), HeaderMap::new());
    for (name, value) in all {
        match name.as_str().strip_prefix("trailer-") {
            Some(name) => trailers.append(name.parse::<HeaderName>().unwrap(), value.clone()),
            None => headers.append(name, value.clone()),
        };
    }
    let (headers, trailers) = (headers.into(), trailers.into());
    Box::new(ResponseMetadata { headers, trailers, ..ResponseMetadata::default() })
}

/// A call that failed before its first message.
pub(super) fn failure(status: u16, body: &[u8], headers: &HeaderMap) -> Error {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut error = if problem["code"].is_string() {
        assert_eq!(problem["status"], status, "a problem has the status it came with");
        stated(&problem)
    } else {
        let why = format!("HTTP {status} and nothing more");
        Error::new(Code::from_http_status(status), why).with_origin(Origin::Transport)
    };
    *error.metadata_mut() = *metadata(headers);
    error
}

/// The error that a problem states.
fn stated(problem: &Value) -> Error {
    let code = problem["code"].as_str().and_then(|code| code.parse().ok()).unwrap();
    let message = problem["detail"].as_str().unwrap_or_default().to_owned();
    let details = problem["details"].as_array().map_or(&[][..], Vec::as_slice);
    let details = details.iter().map(|detail| {
        let value = BASE64_STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap()).unwrap();
        Detail::from_wire(detail["type"].as_str().unwrap(), value.into())
    });
    details.fold(Error::new(code, message).with_origin(Origin::Peer), Error::with_detail)
}

/// A stream as it comes.
pub(super) struct Reading {
    body: Incoming,
    events: bool,
    /// What came and was not looked at.
    bytes: BytesMut,
    /// The last event said so.
    ended: bool,
    trailers: Trailers,
    _held: oneshot::Sender<Infallible>,
}

impl Reading {
    pub(super) fn new(body: Incoming, events: bool, held: oneshot::Sender<Infallible>) -> Self {
        let (bytes, trailers) = (BytesMut::new(), Trailers::default());
        Reading { body, events, bytes, ended: false, trailers, _held: held }
    }

    pub(super) fn messages(self) -> MessageStream {
        let trailers = self.trailers.clone();
        let messages = futures_util::stream::unfold(self, async |mut reading| {
            let next = reading.next().await.transpose()?;
            Some((next, reading))
        });
        MessageStream::new(messages).with_trailers(trailers)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            while let Some(piece) = self.piece() {
                if let Some(message) = self.read(piece).await? {
                    return Ok(Some(message));
                }
            }
            if !self.more().await? {
                return match self.bytes.is_empty() && (self.ended || !self.events) {
                    true => Ok(None),
                    false => Err(broken("the stream was cut off")),
                };
            }
        }
    }

    /// A line, or the lines of an event.
    fn piece(&mut self) -> Option<Bytes> {
        let mut breaks = (0..self.bytes.len()).filter(|at| self.bytes[*at] == b'\n');
        let at = match self.events {
            true => breaks.find(|at| self.bytes.get(at + 1) == Some(&b'\n'))?,
            false => breaks.next()?,
        };
        let piece = self.bytes.split_to(at).freeze();
        self.bytes.advance(1 + usize::from(self.events));
        Some(piece)
    }

    async fn read(&mut self, piece: Bytes) -> Result<Option<Bytes>, Error> {
        if !self.events {
            return match piece.starts_with(b"{\"error\":") {
                true => Err(self.failed(&piece["{\"error\":".len()..piece.len() - 1]).await),
                false => Ok(Some(piece)),
            };
        }
        if let Some(problem) = piece.strip_prefix(b"event: error\ndata: ") {
            return Err(self.failed(problem).await);
        }
        self.ended |= piece.starts_with(b"event: end\n");
        Ok(piece.strip_prefix(b"data: ").map(|data| piece.slice_ref(data)))
    }

    /// The failure that ends the stream, with what follows it.
    async fn failed(&mut self, problem: &[u8]) -> Error {
        let mut error = stated(&serde_json::from_slice(problem).unwrap());
        while self.more().await.unwrap() {}
        error.metadata_mut().trailers = self.trailers.take().unwrap_or_default();
        error
    }

    /// Reads on; false at the end.
    async fn more(&mut self) -> Result<bool, Error> {
        let Some(frame) = self.body.frame().await else { return Ok(false) };
        match frame.map_err(broken)?.into_data() {
            Ok(data) => self.bytes.extend_from_slice(&data),
            Err(frame) => self.trailers.add(Metadata::from(frame.into_trailers().unwrap())),
        }
        Ok(true)
    }
}
