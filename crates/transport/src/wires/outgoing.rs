//! The body of an answer that is a stream: messages leave as they come.
//!
//! A message is asked for when there is room for it: the connection asks for a piece when the peer
//! takes more, so that a slow reader stops the method that writes. Messages that are ready together
//! leave in one piece, and a piece leaves as soon as no message is ready.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use http_body::{Body, Frame};
use kitfox_core::{Batch, Error, MessageStream};

use super::body::BoxError;
use super::metadata::own;
use crate::serve::stalled;

/// How messages are written.
pub(super) trait Form: Unpin {
    /// Adds a message, when this is not full.
    ///
    /// # Errors
    /// When the form cannot hold it.
    fn put(&mut self, message: Bytes) -> Result<(), Error>;

    /// Where messages may be written as they are, many at a time.
    fn batch(&mut self) -> Option<&mut Batch> {
        None
    }

    /// Whether a piece should leave before more is added.
    fn is_full(&self) -> bool;

    /// The next piece; `None` where nothing was added.
    fn take(&mut self) -> Option<Bytes>;

    /// Adds what ends the stream, and gives what stands in trailers of HTTP.
    fn end(&mut self, failure: Option<&Error>, trailers: HeaderMap) -> Option<HeaderMap>;

    /// Adds something in the place of messages that do not come; ready when it did.
    fn wait(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A stream of messages as a body.
#[derive(Debug)]
pub(super) struct Outgoing<F> {
    form: F,
    /// None when the stream has ended, which lets go of what the call holds.
    messages: Option<MessageStream>,
    /// Trailers that were known when the method returned; at the end, those of HTTP.
    trailers: Option<HeaderMap>,
    /// The last piece but one, so that the last one is known to be it.
    ahead: Option<Bytes>,
    /// No message was ready when the last piece left.
    resting: bool,
    /// Who is woken when one is.
    waker: Option<Waker>,
}

impl<F: Form> Outgoing<F> {
    /// Writes `messages` in `form`; `trailers` are what the method set before it returned them.
    pub(super) fn new(form: F, messages: MessageStream, trailers: HeaderMap) -> Self {
        Outgoing {
            form,
            messages: Some(messages),
            trailers: Some(trailers),
            ahead: None,
            resting: false,
            waker: None,
        }
    }

    /// Everything is in the form; what is left is to take it out.
    fn end(&mut self, failure: Option<Error>) {
        let messages = self.messages.take();
        let mut trailers = self.trailers.take().unwrap_or_default();
        let set = messages.and_then(|messages| messages.trailers()?.take());
        if let Some(set) = set {
            trailers.extend(own(set.into_headers()));
        }
        let failure = failure.map(|mut error| {
            // What is left of the answer is its end: the failure's headers stand there, too.
            if error.metadata().is_some_and(|metadata| !metadata.headers.is_empty()) {
                let metadata = error.metadata_mut();
                let headers = std::mem::take(&mut metadata.headers).into_headers();
                metadata.trailers.headers_mut().extend(headers);
            }
            error
        });
        self.trailers = self.form.end(failure.as_ref(), trailers);
        self.ahead = self.form.take();
    }

    fn last(&mut self) -> Option<Frame<Bytes>> {
        if let Some(piece) = self.ahead.take() {
            self.ahead = self.form.take();
            return Some(Frame::data(piece));
        }
        self.trailers.take().map(Frame::trailers)
    }

    /// Whether the messages need not be asked, because they said just now that none is ready: a
    /// connection that was given a piece asks for the next one in the same breath.
    fn rests(&mut self, cx: &Context<'_>) -> bool {
        let same = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        std::mem::take(&mut self.resting) && same
    }

    fn rest(&mut self, cx: &Context<'_>) {
        self.resting = true;
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.waker = Some(cx.waker().clone()),
        }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if self.rests(cx) {
            return Poll::Pending;
        }
        loop {
            let Some(messages) = &mut self.messages else { return Poll::Ready(self.last()) };
            if self.form.is_full() {
                return Poll::Ready(self.form.take().map(Frame::data));
            }
            let batched = self.form.batch().is_some();
            match add(&mut self.form, messages, cx) {
                Poll::Ready(Some(Ok(()))) => {}
                Poll::Ready(Some(Err(error))) => self.end(Some(error)),
                Poll::Ready(None) => self.end(None),
                Poll::Pending => {
                    if let Some(piece) = self.form.take() {
                        // Other forms wait for something of their own, too.
                        if batched && !self.form.is_full() {
                            self.rest(cx);
                        }
                        return Poll::Ready(Some(Frame::data(piece)));
                    }
                    ready!(self.form.wait(cx));
                }
            }
        }
    }
}

/// Puts what is ready of `messages` into `form`.
fn add<F: Form>(
    form: &mut F,
    messages: &mut MessageStream,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<(), Error>>> {
    if let Some(batch) = form.batch() {
        return messages.poll_batch(cx, batch);
    }
    Pin::new(messages).poll_next(cx).map(|next| next.map(|message| form.put(message?)))
}

impl<F: Form> Body for Outgoing<F> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let piece = this.poll_piece(cx);
        if piece.is_ready()
            && let Some(deadline) = this.messages.as_ref().and_then(MessageStream::deadline)
        {
            // Nobody asks for more, the deadline included, before the peer has taken this.
            stalled::call_ends(deadline);
        }
        piece.map(|piece| piece.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.messages.is_none() && self.ahead.is_none() && self.trailers.is_none()
    }
}
