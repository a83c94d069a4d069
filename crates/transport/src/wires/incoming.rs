//! The messages of a caller's stream, out of the body of its request.
//!
//! Nothing is read that the method does not ask for, so that a slow method stops a fast caller. A
//! caller may be silent between two messages; but a message that has begun must be whole within
//! the port's limit for bodies.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::Body;
use kitfox_core::{Code, Error};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use super::body::BoxError;
use super::packing::unframed;
use super::read_body::broken;
use super::refusal::Refusal;
use crate::Limits;
use crate::frames::{Broken, Compression, Frame, Frames};

pin_project! {
    /// A stream of messages as they come.
    pub(super) struct Incoming<B> {
        #[pin]
        frames: Frames<B>,
        compression: Option<Compression>,
        limit: usize,
        patience: Duration,
        // Runs while a message has begun and is not whole.
        timer: Option<Pin<Box<Sleep>>>,
        whole: Whole,
    }
}

/// Whether a request was read to its end; cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole(Arc<AtomicBool>);

impl Whole {
    pub(super) fn is_read(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<B: Body> Incoming<B> {
    /// The messages of `body`, which are in `compression` where their frames say so.
    pub(super) fn new(body: B, compression: Option<Compression>, limits: &Limits) -> Self {
        Incoming {
            frames: Frames::new(body, limits.body_bytes),
            compression,
            limit: limits.body_bytes,
            patience: limits.body_timeout,
            timer: None,
            whole: Whole::default(),
        }
    }

    /// Knows of the end after the stream itself is gone.
    pub(super) fn whole(&self) -> Whole {
        self.whole.clone()
    }
}

impl<B> Stream for Incoming<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Poll::Ready(next) = this.frames.as_mut().poll_next(cx) {
            *this.timer = None;
            if next.is_none() {
                this.whole.0.store(true, Ordering::Relaxed);
            }
            let (compression, limit) = (*this.compression, *this.limit);
            return Poll::Ready(next.map(|frame| {
                let message = match frame {
                    Ok(Frame { flags: 0, data }) => return Ok(data),
                    Ok(frame) => unframed(frame.flags, frame.data, compression, limit),
                    Err(fault) => Err(refusal(fault)),
                };
                message.map_err(|refusal| refusal.error)
            }));
        }
        if !this.frames.is_within() {
            *this.timer = None;
            return Poll::Pending;
        }
        let patience = *this.patience;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        timer.as_mut().poll(cx).map(|()| Some(Err(late().error)))
    }
}

#[cold]
fn refusal(fault: Broken) -> Refusal {
    match fault {
        Broken::TooLarge(fault) => Refusal::message_too_large(fault.announced, fault.limit),
        Broken::Torn => {
            let message = "the request's last message is cut off: its body ends within a frame";
            Refusal::new(Code::InvalidArgument, message)
        }
        Broken::Body(cause) => broken(&cause),
    }
}

#[cold]
fn late() -> Refusal {
    let message = "a message of the request took longer than the port's limit for bodies";
    Refusal::new(Code::DeadlineExceeded, message).with_status(StatusCode::REQUEST_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::time::Instant;

    use super::*;

    fn limits() -> Limits {
        Limits { body_bytes: 5, ..Limits::default() }
    }

    fn messages(
        pieces: &'static [&'static [u8]],
        silent: bool,
    ) -> Pin<Box<impl Stream<Item = Result<Bytes, Error>>>> {
        let pieces = pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece))));
        let pieces = stream::iter(pieces.collect::<Vec<Result<_, BoxError>>>());
        let rest =
            if silent { stream::pending().left_stream() } else { stream::empty().right_stream() };
        let body = StreamBody::new(pieces.chain(rest));
        Box::pin(Incoming::new(body, Some(Compression::Gzip), &limits()))
    }

    async fn failure(pieces: &'static [&'static [u8]]) -> (Code, String) {
        let error = messages(pieces, false).next().await.unwrap().unwrap_err();
        (error.code(), error.message().to_owned())
    }

    #[tokio::test]
    async fn messages_come_one_by_one() {
        let mut messages = messages(&[b"\0\0\0\0\x01a\0\0\0", b"\0\x02bc\x01\0\0\0\0"], false);
        for expected in ["a", "bc", ""] {
            assert_eq!(messages.next().await.unwrap().unwrap(), expected);
        }
        assert!(messages.next().await.is_none());
    }

    #[tokio::test]
    async fn what_is_no_message_is_told() {
        assert_eq!(failure(&[b"\0\0\0\0\x02h"]).await.0, Code::InvalidArgument);
        let (code, message) = failure(&[b"\0\0\0\0\x06"]).await;
        assert_eq!(code, Code::ResourceExhausted);
        assert!(message.contains("5 bytes"), "{message}");
        assert_eq!(failure(&[b"\x01\0\0\0\x01x"]).await.0, Code::InvalidArgument);
        assert_eq!(failure(&[b"\x02\0\0\0\0"]).await.0, Code::Internal);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_has_begun_must_come_and_the_next_may_wait() {
        let begun = Instant::now();
        let late = messages(&[b"\0\0\0\0\x02", b"h"], true).next().await.unwrap().unwrap_err();
        assert_eq!((late.code(), begun.elapsed()), (Code::DeadlineExceeded, limits().body_timeout));
        let mut silent = messages(&[b"\0\0\0\0\x01a"], true);
        assert!(silent.next().await.unwrap().is_ok());
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, silent.next()).await.is_err(), "it is not over");
    }
}
