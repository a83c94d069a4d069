//! Reads the whole body of a request, within its limits.
//!
//! A body that comes in one piece is not copied. The clock is asked for a timer only when the body
//! is really late: over HTTP/1 the first poll of a body is never answered, because it is what makes
//! hyper read, so that the first wait is a turn of the scheduler, which hyper takes anyway.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body, Frame};
use kitfox_core::Code;
use tokio::time::{Instant, Sleep, sleep_until};

use super::body::BoxError;
use super::grpc::{self, PREFIX};
use super::refusal::{Refusal, shown};
use crate::Limits;

/// What a body is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing; it is not even read.
    Nothing,
    /// A message.
    Message,
    /// A message in a frame.
    Frame,
}

/// How much of a body is read, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    shape: Shape,
    /// The most bytes of the message.
    bytes: usize,
    /// When it must be there; `None` where that is further than the clock reaches.
    until: Option<Instant>,
    /// Whether that is the call's deadline, or the port's patience with bodies.
    by_deadline: bool,
}

impl Bounds {
    /// Of the body of a call that came at `arrived`.
    pub(super) fn new(
        shape: Shape,
        limits: &Limits,
        arrived: Instant,
        deadline: Option<Instant>,
    ) -> Self {
        let patience = arrived.checked_add(limits.body_timeout);
        let by_deadline = match (deadline, patience) {
            (Some(deadline), Some(patience)) => deadline <= patience,
            (deadline, _) => deadline.is_some(),
        };
        let until = if by_deadline { deadline } else { patience };
        Bounds { shape, bytes: limits.body_bytes, until, by_deadline }
    }

    /// The most bytes of the message.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn body_bytes(&self) -> usize {
        match self.shape {
            Shape::Nothing | Shape::Message => self.bytes,
            Shape::Frame => self.bytes.saturating_add(PREFIX),
        }
    }

    fn too_large(&self) -> Refusal {
        Refusal::too_large(self.bytes)
    }

    #[cold]
    fn late(&self) -> Refusal {
        if self.by_deadline {
            let message = "the deadline passed before the request's body was there";
            return Refusal::new(Code::DeadlineExceeded, message).closing();
        }
        let message = "the request's body took longer than the port's limit for bodies";
        Refusal::new(Code::DeadlineExceeded, message)
            .with_status(StatusCode::REQUEST_TIMEOUT)
            .closing()
    }
}

/// The whole of `body`.
pub(super) async fn read_body<B>(body: B, bounds: &Bounds) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    if bounds.shape == Shape::Nothing || body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > bounds.body_bytes() as u64 {
        return Err(bounds.too_large());
    }
    let mut body = pin!(body);
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut gathered = Gathered { expected, ..Gathered::default() };
    let mut waiting = Waiting::Not;
    poll_fn(|cx| {
        while let Some(frame) = ready!(waiting.poll(body.as_mut(), bounds, cx))? {
            let Ok(chunk) = frame.into_data() else { continue };
            gathered.push(chunk, bounds)?;
            if body.is_end_stream() {
                break;
            }
        }
        Poll::Ready(Ok(gathered.take()))
    })
    .await
}

/// What has come so far.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    /// Used from the second piece on.
    all: BytesMut,
    /// How much was announced.
    expected: usize,
}

/// Room is made for at most so many times what has come, whatever was announced.
const AHEAD: usize = 8;

impl Gathered {
    #[inline]
    fn push(&mut self, chunk: Bytes, bounds: &Bounds) -> Result<(), Refusal> {
        let sofar = self.first.len() + self.all.len();
        if chunk.len() > bounds.body_bytes() - sofar {
            return Err(bounds.too_large());
        }
        if sofar == 0 {
            self.first = chunk;
        } else {
            let first = std::mem::take(&mut self.first);
            let needed = first.len() + chunk.len();
            if self.all.capacity() - self.all.len() < needed {
                // Room for all of it, so that it is copied once; but an announcement is only words.
                let whole = self.expected.min(AHEAD.saturating_mul(sofar + chunk.len()));
                self.all.reserve(needed.max(whole.saturating_sub(self.all.len())));
            }
            self.all.extend_from_slice(&first);
            self.all.extend_from_slice(&chunk);
        }
        if bounds.shape == Shape::Frame {
            let start = if self.all.is_empty() { &self.first[..] } else { &self.all[..] };
            if let Some(length) = grpc::announced(start, bounds.bytes)? {
                self.expected = PREFIX + length;
            }
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self) -> Bytes {
        if self.all.is_empty() {
            return std::mem::take(&mut self.first);
        }
        std::mem::take(&mut self.all).freeze()
    }
}

/// How long the body was already waited for.
enum Waiting {
    Not,
    ATurn,
    For(Pin<Box<Sleep>>),
}

impl Waiting {
    fn poll<B>(
        &mut self,
        body: Pin<&mut B>,
        bounds: &Bounds,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Frame<Bytes>>, Refusal>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        if let Poll::Ready(next) = body.poll_frame(cx) {
            return Poll::Ready(next.transpose().map_err(|cause| broken(&cause.into())));
        }
        match self {
            Waiting::Not => {
                *self = Waiting::ATurn;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Waiting::ATurn => {
                let Some(until) = bounds.until else { return Poll::Pending };
                *self = Waiting::For(Box::pin(sleep_until(until)));
            }
            Waiting::For(_) => {}
        }
        let Waiting::For(timer) = self else { unreachable!("made just above") };
        timer.as_mut().poll(cx).map(|()| Err(bounds.late()))
    }
}

/// A body that broke off.
#[cold]
pub(super) fn broken(cause: &BoxError) -> Refusal {
    let mut message = format!("the request's body broke off: {cause}");
    // The outer error says that it broke, the inner one how.
    if let Some(inner) = cause.source() {
        message = format!("{message}: {inner}");
    }
    Refusal::new(Code::InvalidArgument, shown(message.as_bytes())).closing()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;

    use super::*;

    fn bounds(bytes: usize) -> Bounds {
        let limits = Limits { body_bytes: bytes, ..Limits::default() };
        Bounds::new(Shape::Message, &limits, Instant::now(), None)
    }

    fn chunks(
        chunks: &'static [&'static [u8]],
    ) -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, BoxError>>> {
        let frames = chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk))));
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn pieces_become_one_and_one_piece_is_not_copied() {
        let whole = read_body(chunks(&[b"a", b"bc", b"", b"d"]), &bounds(4)).await.unwrap();
        assert_eq!(whole, "abcd");
        let piece: &'static [u8] = b"one piece";
        let same = read_body(chunks(&[b"one piece"]), &bounds(99)).await.unwrap();
        assert_eq!(same, piece);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_as_soon_as_that_is_known() {
        let endless = stream::repeat_with(|| Ok::<_, BoxError>(Frame::data("abc".into())));
        let refused = read_body(StreamBody::new(endless), &bounds(10)).await.unwrap_err();
        assert_eq!(refused.status, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(refused.error.code(), Code::ResourceExhausted);
        assert!(refused.error.message().contains("10 bytes"));
        let announced = http_body_util::Full::new(Bytes::from_static(b"0123456789A"));
        assert!(read_body(announced, &bounds(10)).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up_at_the_earlier_limit() {
        let silent = || {
            let start = stream::iter([Ok::<_, BoxError>(Frame::data("abc".into()))]);
            StreamBody::new(start.chain(stream::pending()))
        };
        let refused = read_body(silent(), &bounds(10)).await.unwrap_err();
        assert_eq!(refused.status, Some(StatusCode::REQUEST_TIMEOUT));
        let deadline = Some(Instant::now() + Duration::from_millis(5));
        let bounds = Bounds::new(Shape::Message, &Limits::default(), Instant::now(), deadline);
        let refused = read_body(silent(), &bounds).await.unwrap_err();
        assert_eq!((refused.status, refused.error.code()), (None, Code::DeadlineExceeded));
    }

    #[tokio::test]
    async fn a_body_that_breaks_says_how() {
        let broken = stream::iter([Err::<Frame<Bytes>, BoxError>("torn".into())]);
        let refused = read_body(StreamBody::new(broken), &bounds(10)).await.unwrap_err();
        assert!(refused.error.message().contains("torn"));
    }

    #[tokio::test]
    async fn a_frame_that_announces_too_much_is_refused_before_it_comes() {
        let start =
            stream::iter([Ok::<_, BoxError>(Frame::data(Bytes::from_static(&[0, 0, 0, 0, 11])))]);
        let body = StreamBody::new(start.chain(stream::pending()));
        let refused =
            read_body(body, &Bounds { shape: Shape::Frame, ..bounds(10) }).await.unwrap_err();
        assert_eq!(refused.error.code(), Code::ResourceExhausted);
    }
}
