//! An answer as it came, whole, before anybody looked what it means.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, StatusCode};
use kitfox_core::{Code, Error, Metadata, Origin, ResponseMetadata};

use super::failure::Failure;
use crate::frames::{Compression, Unpacked};

/// Status, headers, body and trailers.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: HeaderMap,
}

impl Answer {
    /// What the body is said to be, in lower case where it matters, without parameters.
    pub(super) fn content_type(&self) -> &str {
        let whole = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        whole.unwrap_or("").split(';').next().unwrap_or("").trim()
    }

    /// How the header `name` says that messages are compressed.
    pub(super) fn compression(
        &self,
        name: &HeaderName,
        peer: &str,
    ) -> Result<Option<Compression>, Error> {
        let Some(encoding) = self.headers.get(name) else { return Ok(None) };
        if encoding == "identity" {
            return Ok(None);
        }
        let known = Compression::from_name(encoding.as_bytes());
        known.map(Some).ok_or_else(|| {
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            self.garbled(
                peer,
                format_args!("it is compressed by `{encoding}`, which nobody asked for"),
            )
        })
    }

    /// Unpacks a body that is compressed as a whole, up to `limit` bytes.
    pub(super) fn unpack(&mut self, limit: usize, peer: &str) -> Result<(), Error> {
        let Some(compression) = self.compression(&CONTENT_ENCODING, peer)? else {
            return Ok(());
        };
        // A body that was left out is not compressed either.
        if !self.body.is_empty() {
            let unpacked = compression.decompress(&self.body, limit);
            self.body = unpacked.map_err(|unpacked| self.not_unpacked(peer, unpacked, limit))?;
        }
        Ok(())
    }

    /// That a message could not be unpacked.
    pub(super) fn not_unpacked(&self, peer: &str, why: Unpacked, limit: usize) -> Error {
        match why {
            Unpacked::TooLarge => Failure::too_large(peer, limit).error,
            Unpacked::Corrupt(why) => {
                self.garbled(peer, format_args!("what is compressed in it is corrupt: {why}"))
            }
        }
    }

    /// What the answer carries beside its message, if anything.
    pub(super) fn metadata(&mut self) -> Option<Box<ResponseMetadata>> {
        let plain = |headers: &HeaderMap| headers.keys().all(|name| of_protocol(name.as_str()));
        if plain(&self.headers) && plain(&self.trailers) {
            return None;
        }
        Some(Box::new(ResponseMetadata {
            headers: users(std::mem::take(&mut self.headers)),
            trailers: users(std::mem::take(&mut self.trailers)),
            status: None,
        }))
    }

    /// That the answer is none in this protocol.
    pub(super) fn garbled(&self, peer: &str, why: impl std::fmt::Display) -> Error {
        let message = format!("the answer of {peer} cannot be used: {why}");
        Error::new(Code::Internal, message).with_origin(Origin::Transport)
    }

    /// What an HTTP status says where there is nothing else to go by: a proxy's answer, say.
    pub(super) fn by_status(&self, peer: &str) -> Error {
        let code = Code::from_http_status(self.status.as_u16());
        let message = match self.content_type() {
            "" => format!("{peer} answered HTTP {} and nothing more", self.status),
            other => format!("{peer} answered HTTP {} with a body of type {other}", self.status),
        };
        Error::new(code, message).with_origin(Origin::Peer)
    }
}

/// Gathers a body up to a limit. One chunk is kept as it is; only more are copied together.
#[derive(Debug)]
pub(super) struct Gather {
    first: Bytes,
    rest: BytesMut,
    left: usize,
}

/// The body is larger than the limit.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Gather {
    pub(super) fn new(limit: usize) -> Self {
        Gather { first: Bytes::new(), rest: BytesMut::new(), left: limit }
    }

    pub(super) fn push(&mut self, chunk: Bytes) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(chunk.len()).ok_or(TooLarge)?;
        if self.first.is_empty() {
            self.first = chunk;
        } else {
            self.rest.extend_from_slice(&chunk);
        }
        Ok(())
    }

    pub(super) fn whole(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.first.len() + self.rest.len());
        whole.extend_from_slice(&self.first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}

/// Whether a header says something about the protocol or the connection and nothing to users.
fn of_protocol(name: &str) -> bool {
    matches!(
        name,
        "accept-encoding"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "date"
            | "grpc-accept-encoding"
            | "grpc-encoding"
            | "grpc-message"
            | "grpc-status"
            | "grpc-status-details-bin"
            | "keep-alive"
            | "trailer"
            | "transfer-encoding"
            | "connect-accept-encoding"
            | "connect-content-encoding"
    )
}

/// Without what is the protocol's.
pub(super) fn users(headers: HeaderMap) -> Metadata {
    let mut kept = HeaderMap::new();
    let mut last = None;
    for (name, value) in headers {
        // The map gives a name once, with its first value.
        last = name.or(last);
        if let Some(name) = last.as_ref().filter(|name| !of_protocol(name.as_str())) {
            kept.append(name, value);
        }
    }
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_chunk_is_not_copied_and_many_are_one() {
        let chunk = Bytes::from(vec![1; 4]);
        let mut one = Gather::new(4);
        one.push(chunk.clone()).unwrap();
        assert_eq!(one.whole().as_ptr(), chunk.as_ptr());

        let mut many = Gather::new(8);
        for part in ["", "ab", "", "cd", "efgh"] {
            many.push(part.into()).unwrap();
        }
        assert!(many.push("i".into()).is_err());
        assert_eq!(many.whole(), "abcdefgh");
    }

    #[test]
    fn metadata_is_what_users_sent() {
        let mut answer = Answer::default();
        answer.headers.insert("content-type", "application/grpc".parse().unwrap());
        answer.trailers.insert("grpc-status", "0".parse().unwrap());
        assert_eq!(answer.metadata(), None);
        answer.headers.append("x-a", "1".parse().unwrap());
        answer.headers.append("x-a", "2".parse().unwrap());
        answer.trailers.append("x-b", "3".parse().unwrap());
        let metadata = answer.metadata().unwrap();
        assert_eq!(metadata.headers.all("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(metadata.headers.text("content-type"), None);
        assert_eq!(metadata.trailers.text("x-b"), Some("3"));
        assert_eq!(metadata.trailers.text("grpc-status"), None);
    }
}
