//! The frames of a body, as they come.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{Deframer, Frame, FrameFault};

/// Why there are no more frames.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A frame announces more than the limit.
    TooLarge(FrameFault),
    /// The body ended within a frame.
    Torn,
    /// The body broke off.
    Body(Box<dyn Error + Send + Sync>),
}

pin_project! {
    /// The frames of a body. Nothing is read before it is asked for.
    #[derive(Debug)]
    pub(crate) struct Frames<B> {
        #[pin]
        body: B,
        deframer: Deframer,
        trailers: Option<HeaderMap>,
        ended: bool,
    }
}

impl<B: Body> Frames<B> {
    /// The frames of `body`, each of at most `limit` bytes.
    pub(crate) fn new(body: B, limit: usize) -> Self {
        Frames { body, deframer: Deframer::new(limit), trailers: None, ended: false }
    }

    /// What came after the last frame, when the stream has ended.
    pub(crate) fn take_trailers(self: Pin<&mut Self>) -> Option<HeaderMap> {
        self.project().trailers.take()
    }

    /// Whether a frame has begun that is not whole: somebody owes the rest of it.
    pub(crate) fn is_within(&self) -> bool {
        self.deframer.is_within()
    }
}

impl<B> Stream for Frames<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    type Item = Result<Frame, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            match this.deframer.next() {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Some(Err(Broken::TooLarge(fault)))),
            }
            if *this.ended {
                return Poll::Ready(None);
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => this.deframer.push(piece),
                    Err(frame) => *this.trailers = frame.into_trailers().ok(),
                },
                Some(Err(cause)) => {
                    *this.ended = true;
                    return Poll::Ready(Some(Err(Broken::Body(cause.into()))));
                }
                None => {
                    *this.ended = true;
                    if this.deframer.is_within() {
                        return Poll::Ready(Some(Err(Broken::Torn)));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;

    use super::*;

    fn body(
        pieces: &'static [&'static [u8]],
    ) -> StreamBody<impl Stream<Item = Result<http_body::Frame<Bytes>, std::io::Error>>> {
        let pieces =
            pieces.iter().map(|piece| Ok(http_body::Frame::data(Bytes::from_static(piece))));
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", http::HeaderValue::from_static("8"));
        let end = stream::iter([Ok(http_body::Frame::trailers(trailers))]);
        StreamBody::new(stream::iter(pieces).chain(end))
    }

    #[tokio::test]
    async fn frames_come_one_by_one_and_then_the_trailers() {
        let mut frames = Box::pin(Frames::new(body(&[b"\0\0\0\0", b"\x02hi\0\0\0\0\0"]), 5));
        assert_eq!(frames.next().await.unwrap().unwrap().data, "hi");
        assert_eq!(frames.next().await.unwrap().unwrap().data, "");
        assert!(frames.next().await.is_none());
        assert_eq!(frames.as_mut().take_trailers().unwrap()["x-sum"], "8");
        assert!(frames.next().await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_ends_within_a_frame_is_torn() {
        let mut frames = Box::pin(Frames::new(body(&[b"\0\0\0\0\x02h"]), 5));
        assert!(matches!(frames.next().await, Some(Err(Broken::Torn))));
        assert!(frames.next().await.is_none());
    }

    #[tokio::test]
    async fn a_body_that_breaks_says_how() {
        let broken = stream::iter([Err(std::io::Error::other("reset"))]);
        let mut frames = Box::pin(Frames::new(StreamBody::new(broken), 5));
        let Some(Err(Broken::Body(cause))) = frames.next().await else { panic!() };
        assert_eq!(cause.to_string(), "reset");
    }
}
