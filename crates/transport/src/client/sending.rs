//! What a call sends: one message that is there already, or a stream of them.
//!
//! A stream is asked for a message only when the connection has room for it, so that a callee who
//! reads slowly stops whoever writes. It ends with the call: nobody asks it any more when the
//! answer has ended or nobody waits for that.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use kitfox_core::{Error, MessageStream};
use tokio::sync::oneshot;

use super::endpoint::too_long;
use super::outgoing::Outgoing;
use crate::frames::{Compressing, Packer};

/// How many pieces leave over HTTP/1.1 before there is a look at what came: hyper writes for as long
/// as there is something to write, and would never see that a callee has answered to the end.
const IN_A_ROW: u8 = 4;

/// The body of a request.
#[derive(Debug)]
pub(super) enum Sent {
    /// One that is there already.
    Whole(Outgoing),
    /// Messages as they come.
    Messages(Sending),
}

/// Messages on their way out, in frames.
#[derive(Debug)]
pub(super) struct Sending {
    /// None when it has ended.
    messages: Option<MessageStream>,
    packer: Packer,
    /// Where to say that the stream failed; closed when the call is over.
    watch: Option<oneshot::Sender<Error>>,
    /// How many pieces left since the last pause.
    in_a_row: u8,
}

/// The call that a stream is sent for. Dropping it ends the sending.
#[derive(Debug)]
pub(super) struct Watch(Option<oneshot::Receiver<Error>>);

/// The stream failed, or nobody wants it any more: the request cannot be ended as it should.
#[derive(Debug, thiserror::Error)]
#[error("the stream of the request was given up")]
pub(super) struct GivenUp;

impl Sending {
    pub(super) fn new(messages: MessageStream, compressing: Option<Compressing>) -> (Self, Watch) {
        let (watch, failed) = oneshot::channel();
        let packer = Packer::new(compressing);
        (
            Sending { messages: Some(messages), packer, watch: Some(watch), in_a_row: 0 },
            Watch(Some(failed)),
        )
    }

    /// The next piece, with every message that is ready and has room in it; `None` after the last.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, GivenUp>>> {
        if self.poll_over(cx).is_ready() {
            return Poll::Ready(Some(Err(GivenUp)));
        }
        while let Some(messages) = self.messages.as_mut().filter(|_| !self.packer.is_full()) {
            let Poll::Ready(next) = Pin::new(messages).poll_next(cx) else { break };
            match next.map(|next| next.and_then(|message| self.put(message))) {
                Some(Ok(())) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(error)))),
                None => self.messages = None,
            }
        }
        match self.packer.take() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if self.messages.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    /// Ready when nobody wants the rest: the call is over.
    pub(super) fn poll_over(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        self.watch.as_mut().map_or(Poll::Ready(()), |watch| watch.poll_closed(cx))
    }

    /// Whether there will be no more pieces, as far as is known.
    pub(super) fn has_ended(&self) -> bool {
        self.messages.is_none() && self.packer.is_empty()
    }

    fn put(&mut self, message: Bytes) -> Result<(), Error> {
        self.packer.put(message).map_err(|_| too_long())
    }

    fn fail(&mut self, error: Error) -> GivenUp {
        self.messages = None;
        if let Some(watch) = self.watch.take() {
            // Nobody is there who would want to know, then.
            let _ = watch.send(error);
        }
        GivenUp
    }
}

impl Watch {
    /// Of a call that sends no stream.
    pub(super) fn nothing() -> Self {
        Watch(None)
    }

    /// Ready with what broke the stream, as soon as it is broken.
    pub(super) fn poll_failed(&mut self, cx: &mut TaskContext<'_>) -> Poll<Error> {
        let Some(failed) = &mut self.0 else { return Poll::Pending };
        let failed = ready!(Pin::new(failed).poll(cx));
        self.0 = None;
        // Where nothing failed it is sent, to its end or as far as the callee wanted it.
        failed.map_or(Poll::Pending, Poll::Ready)
    }

    /// What broke the stream, if it is broken; otherwise `error`, which may have come of that.
    pub(super) fn failed_or(&mut self, error: Error) -> Error {
        let failed = self.0.as_mut().and_then(|failed| failed.try_recv().ok());
        failed.unwrap_or(error)
    }

    /// What comes of `work`, unless the stream breaks before that.
    pub(super) async fn over<T>(
        &mut self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        let outcome = std::future::poll_fn(|cx| {
            if let Poll::Ready(error) = self.poll_failed(cx) {
                return Poll::Ready(Err(error));
            }
            work.as_mut().poll(cx)
        });
        outcome.await.map_err(|error| self.failed_or(error))
    }
}

impl Body for Sent {
    type Data = Outgoing;
    type Error = GivenUp;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Outgoing>, GivenUp>>> {
        match self.get_mut() {
            Sent::Whole(message) if message.has_remaining() => {
                let message = std::mem::replace(message, Outgoing::bare(Bytes::new()));
                Poll::Ready(Some(Ok(Frame::data(message))))
            }
            Sent::Whole(_) => Poll::Ready(None),
            Sent::Messages(sending) => {
                if sending.in_a_row == IN_A_ROW {
                    sending.in_a_row = 0;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let piece = ready!(sending.poll_piece(cx));
                sending.in_a_row += 1;
                Poll::Ready(piece.map(|piece| Ok(Frame::data(Outgoing::bare(piece?)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Sent::Whole(message) => !message.has_remaining(),
            Sent::Messages(sending) => sending.has_ended(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Sent::Whole(message) => SizeHint::with_exact(message.remaining() as u64),
            Sent::Messages(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use std::future::poll_fn;

    use kitfox_core::Code;

    use super::*;

    fn sending(
        messages: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) -> (Sending, Watch) {
        Sending::new(MessageStream::new(messages), None)
    }

    async fn piece(sending: &mut Sending) -> Option<Result<Bytes, GivenUp>> {
        poll_fn(|cx| sending.poll_piece(cx)).await
    }

    #[tokio::test]
    async fn messages_that_are_ready_leave_together_and_the_end_is_known_with_the_last() {
        let (mut sending, _watch) = sending(stream::iter(["a", "b"].map(|text| Ok(text.into()))));
        assert!(!sending.has_ended());
        let both = piece(&mut sending).await.unwrap().unwrap();
        assert_eq!(both, &b"\0\0\0\0\x01a\0\0\0\0\x01b"[..]);
        assert!(sending.has_ended());
        assert!(piece(&mut sending).await.is_none());
    }

    #[tokio::test]
    async fn over_http_1_a_stream_without_an_end_lets_its_connection_look_at_the_answer() {
        let (sending, _watch) = sending(stream::repeat_with(|| Ok(Bytes::from_static(b"a"))));
        let mut sent = Sent::Messages(sending);
        let ready = poll_fn(|cx| {
            let mut ready = 0_u8;
            while Pin::new(&mut sent).poll_frame(cx).is_ready() {
                ready += 1;
                assert!(ready < 100, "never pauses");
            }
            Poll::Ready(ready)
        });
        assert_eq!(ready.await, IN_A_ROW);
        assert!(poll_fn(|cx| Pin::new(&mut sent).poll_frame(cx)).await.is_some(), "goes on");
    }

    #[tokio::test]
    async fn a_stream_that_fails_tells_the_call_and_gives_the_request_up() {
        let broken = Error::new(Code::DataLoss, "torn");
        let (mut sending, mut watch) = sending(stream::iter([Ok("a".into()), Err(broken)]));
        assert!(piece(&mut sending).await.unwrap().is_err());
        assert!(piece(&mut sending).await.unwrap().is_err());
        let told = poll_fn(|cx| watch.poll_failed(cx)).await;
        assert_eq!(told.message(), "torn");
    }

    #[tokio::test]
    async fn a_stream_whose_call_is_over_is_not_asked_any_more() {
        let (mut sending, watch) = sending(stream::poll_fn(|_| panic!("asked")));
        drop(watch);
        assert!(piece(&mut sending).await.unwrap().is_err());
    }
}
