//! Sends a stream of messages over HTTP/2, as fast as the callee reads it.

use std::future::poll_fn;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};

use crate::client::outgoing::Outgoing;
use crate::client::sending::{GivenUp, Sending};

/// A request on its way, with the piece that has no room yet.
struct Upload {
    stream: SendStream<Outgoing>,
    sending: Sending,
    piece: Bytes,
}

/// Sends everything, until the call is over.
pub(super) async fn upload(stream: SendStream<Outgoing>, sending: Sending) {
    let mut upload = Upload { stream, sending, piece: Bytes::new() };
    if poll_fn(|cx| upload.poll(cx)).await.is_err() {
        upload.stream.send_reset(Reason::CANCEL);
    }
}

impl Upload {
    fn poll(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), GivenUp>> {
        loop {
            if self.piece.is_empty() {
                match self.sending.poll_piece(cx)? {
                    Poll::Ready(Some(piece)) => self.piece = piece,
                    Poll::Ready(None) => {
                        self.send(Bytes::new(), true);
                        return Poll::Ready(Ok(()));
                    }
                    // The callee may not want the rest.
                    Poll::Pending => return self.stream.poll_reset(cx).map(|_| Ok(())),
                }
                self.stream.reserve_capacity(self.piece.len());
            }
            let room = match self.poll_room(cx) {
                Poll::Ready(Some(room)) => room,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                // The callee may never read the rest.
                Poll::Pending => return self.sending.poll_over(cx).map(|()| Err(GivenUp)),
            };
            let part = self.piece.split_to(room.min(self.piece.len()));
            let last = self.piece.is_empty() && self.sending.has_ended();
            self.send(part, last);
            if last {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// How many bytes may be sent; `None` when the stream is over.
    fn poll_room(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<usize>> {
        loop {
            match self.stream.capacity() {
                // Whoever waits for the call says why it is over.
                0 => match ready!(self.stream.poll_capacity(cx)) {
                    Some(Ok(_)) => {}
                    None | Some(Err(_)) => return Poll::Ready(None),
                },
                room => return Poll::Ready(Some(room)),
            }
        }
    }

    fn send(&mut self, piece: Bytes, last: bool) {
        // Where this fails, the stream is over, and the answer says why.
        let _ = self.stream.send_data(Outgoing::bare(piece), last);
    }
}
