//! The messages of an answer as they come, and how they end: what each protocol has for that.
//!
//! A frame is read when somebody wants a message, so that whoever reads slowly stops the callee.
//! The answer is read to the end of its body, behind what the protocol ends it with: so a
//! connection is known to be free, and a callee is never told that its caller went away.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, Response};
use kitfox_core::{Error, Metadata, ResponseMetadata, Trailers};
use tokio::time::Sleep;

use super::answer::{Answer, users};
use super::channel::Wire;
use super::failure::Failure;
use super::incoming::Incoming;
use super::sending::Watch;
use super::{Protocol, connect, grpc, web};
use crate::frames::{Broken, COMPRESSED, CONNECT_END, Compression, Frame, Frames, WEB_TRAILERS};
use crate::names;

/// The messages of an answer.
pub(super) struct Messages {
    wire: Arc<Wire>,
    frames: Frames<Incoming>,
    compression: Option<Compression>,
    /// The stream that the call sends.
    watch: Watch,
    /// What came with the head and was looked at already.
    peeked: Option<Option<Bytes>>,
    /// Trailers that stood in the head. They count where nothing else follows.
    stated: Option<HeaderMap>,
    /// How the call ended, where a frame said so.
    end: Option<Result<HeaderMap, Error>>,
    trailers: Trailers,
    /// The limit of a call without a deadline.
    limit: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Messages {
    /// The messages of an answer whose head is there, and what came with the head.
    pub(super) fn of(
        wire: &Arc<Wire>,
        response: Response<Incoming>,
        watch: Watch,
    ) -> Result<(Self, Option<Box<ResponseMetadata>>), Error> {
        let (parts, body) = response.into_parts();
        let mut answer =
            Answer { status: parts.status, headers: parts.headers, ..Answer::default() };
        let peer = &wire.address.target;
        let (stated, encoding) = match wire.protocol {
            Protocol::Connect => {
                connect::head(&mut answer, wire.codec, peer)?;
                (None, names::CONNECT_ENCODING)
            }
            protocol => {
                (grpc::head(&mut answer, protocol, wire.codec, peer)?, names::GRPC_ENCODING)
            }
        };
        let compression = answer.compression(&encoding, peer)?;
        let limits = &wire.limits;
        let messages = Messages {
            wire: Arc::clone(wire),
            frames: Frames::new(body, limits.answer_bytes.max(limits.header_bytes)),
            compression,
            watch,
            peeked: None,
            stated,
            end: None,
            trailers: Trailers::default(),
            limit: None,
        };
        Ok((messages, answer.metadata()))
    }

    /// Fails when `limit` is over, too, which began a while ago.
    pub(super) fn within(mut self, limit: Duration, timer: Sleep) -> Self {
        self.limit = Some((limit, Box::pin(timer)));
        self
    }

    /// Where the trailers will be.
    pub(super) fn trailers(&self) -> Trailers {
        self.trailers.clone()
    }

    /// Looks at what came with the head: a call that failed at once has no stream at all.
    pub(super) async fn peek(mut self) -> Result<Self, Error> {
        let ends = self.stated.is_some();
        let first = poll_fn(|cx| match Pin::new(&mut self).poll_next(cx) {
            // Its end was announced.
            Poll::Pending if ends => Poll::Pending,
            first => Poll::Ready(first),
        });
        let first = first.await;
        if let Poll::Ready(next) = first {
            self.peeked = Some(next.transpose()?);
        }
        Ok(self)
    }

    /// The only message of an answer.
    pub(super) async fn single(mut self) -> Result<(Bytes, Option<Metadata>), Error> {
        let first = self.next().await?;
        let only = first.is_none() || self.next().await?.is_none();
        let peer = &self.wire.address.target;
        match first {
            Some(message) if only => Ok((message, self.trailers.take())),
            Some(_) => Err(grpc::cardinality(peer, "more than one message")),
            None => Err(grpc::cardinality(peer, "no message")),
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    fn poll_message(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
                Some(Ok(frame)) => {
                    self.stated = None;
                    frame
                }
                Some(Err(broken)) => return Poll::Ready(Some(Err(self.broken(broken)))),
                None => return Poll::Ready(self.finish().map(Err)),
            };
            match self.message(frame) {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// The message in a frame; `None` if it is the one that ends the stream.
    fn message(&mut self, frame: Frame) -> Result<Option<Bytes>, Error> {
        let Frame { flags, data } = frame;
        let peer = &self.wire.address.target;
        let limits = &self.wire.limits;
        let garbled = |why: &str| Err(Answer::default().garbled(peer, why));
        if self.end.is_some() {
            return garbled("it goes on after its end");
        }
        let ends = match self.wire.protocol {
            Protocol::Connect => CONNECT_END,
            Protocol::Grpc => 0,
            Protocol::GrpcWeb => WEB_TRAILERS,
        };
        if flags & !(COMPRESSED | ends) != 0 {
            return garbled("one of its frames has flags that nobody knows");
        }
        let last = flags & ends != 0;
        // What ends a stream has the room of headers at least.
        let limit =
            if last { limits.answer_bytes.max(limits.header_bytes) } else { limits.answer_bytes };
        let data = match (flags & COMPRESSED != 0, self.compression) {
            (true, Some(compression)) => compression
                .decompress(&data, limit)
                .map_err(|unpacked| Answer::default().not_unpacked(peer, unpacked, limit))?,
            (true, None) => {
                return garbled("a frame says that it is compressed, and nothing says how");
            }
            (false, _) if data.len() > limit => {
                return Err(Failure::too_large(peer, limit).error);
            }
            (false, _) => data,
        };
        if !last {
            return Ok(Some(data));
        }
        self.end = Some(match self.wire.protocol {
            Protocol::Connect => connect::end(&data, peer),
            _ => web::trailers(&data)
                .ok_or_else(|| Answer::default().garbled(peer, "its trailers cannot be read"))
                .and_then(|trailers| grpc::end(trailers, peer)),
        });
        Ok(None)
    }

    /// What the whole call failed with, at the end of the body.
    fn finish(&mut self) -> Option<Error> {
        let peer = &self.wire.address.target;
        let end = match (self.end.take(), self.wire.protocol) {
            (Some(end), _) => end,
            (None, Protocol::Connect) => {
                Err(Answer::default().garbled(peer, "it ended without saying how the call went"))
            }
            (None, _) => {
                let trailers = Pin::new(&mut self.frames).take_trailers();
                grpc::end(trailers.or_else(|| self.stated.take()).unwrap_or_default(), peer)
            }
        };
        match end {
            Ok(trailers) => {
                self.trailers.add(users(trailers));
                None
            }
            Err(error) => Some(error),
        }
    }

    fn broken(&self, broken: Broken) -> Error {
        let peer = &self.wire.address.target;
        match broken {
            Broken::TooLarge(_) => Failure::too_large(peer, self.wire.limits.answer_bytes).error,
            Broken::Torn => Answer::default().garbled(peer, "its last message is cut off"),
            Broken::Body(cause) => match cause.downcast::<Error>() {
                Ok(error) => *error,
                Err(cause) => Failure::broken(peer, cause).error,
            },
        }
    }
}

impl Stream for Messages {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(peeked) = this.peeked.take() {
            return Poll::Ready(peeked.map(Ok));
        }
        if let Poll::Ready(error) = this.watch.poll_failed(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        if let Poll::Ready(next) = this.poll_message(cx) {
            let failed = |error| this.watch.failed_or(error);
            return Poll::Ready(next.map(|next| next.map_err(failed)));
        }
        let Some((limit, timer)) = &mut this.limit else { return Poll::Pending };
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(this.wire.expired(*limit))))
    }
}
