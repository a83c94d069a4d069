//! Streams within a record: the answer, whose end is the call's, and the messages of the request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::OpenRecord;
use crate::record::{Outcome, Volume};
use crate::stream::Source;
use crate::{Batch, Body, Error, Payload};

/// The stream that is the answer of a call.
pub(super) struct RecordedStream {
    messages: Pin<Box<dyn Source>>,
    // After the messages, so that what they say while they are dropped is in the record.
    answer: Answer,
}

/// What is known of the answer.
struct Answer {
    open: OpenRecord<'static>,
    reply: Volume,
    status: Option<u16>,
}

impl RecordedStream {
    pub(super) fn new(
        messages: Pin<Box<dyn Source>>,
        open: OpenRecord<'static>,
        status: Option<u16>,
    ) -> Self {
        RecordedStream { messages, answer: Answer { open, reply: Volume::default(), status } }
    }
}

impl Answer {
    fn end(&mut self, last: Option<&Error>) {
        self.close(last.map_or(Outcome::Answered(self.status), Outcome::Failed));
    }

    fn close(&mut self, outcome: Outcome<'_>) {
        let took = self.open.age();
        self.open.close(outcome, took, self.reply);
    }
}

/// Nobody waits for the rest of it, if it is not over.
impl Drop for Answer {
    fn drop(&mut self) {
        if self.open.bound.is_some() {
            self.close(Outcome::Dropped);
        }
    }
}

impl Stream for RecordedStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = {
            let this = &mut *self;
            let _entered = this.answer.open.entered();
            ready!(this.messages.as_mut().poll_next(cx))
        };
        match &next {
            Some(Ok(message)) => self.answer.reply.add(1, message.len() as u64),
            Some(Err(error)) => self.answer.end(Some(error)),
            None => self.answer.end(None),
        }
        Poll::Ready(next)
    }
}

impl Source for RecordedStream {
    fn poll_batch(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let before = batch.pushed();
        let next = {
            let this = &mut *self;
            let _entered = this.answer.open.entered();
            this.messages.as_mut().poll_batch(cx, batch)
        };
        // Whatever the answer is, what was added stands.
        let added = batch.pushed();
        self.answer.reply.add(added.messages - before.messages, added.bytes - before.bytes);
        match &next {
            Poll::Ready(Some(Err(error))) => self.answer.end(Some(error)),
            Poll::Ready(None) => self.answer.end(None),
            Poll::Ready(Some(Ok(()))) | Poll::Pending => {}
        }
        next
    }
}

/// The messages of a request.
#[derive(Clone)]
pub(super) enum Requested {
    /// One, of so many bytes.
    Message(u64),
    Stream(Arc<Counts>),
}

impl Requested {
    /// From now on they are counted as they go by.
    #[inline]
    pub(super) fn of(payload: &mut Payload) -> Self {
        match payload.body() {
            Body::Unary(message) => Requested::Message(message.len() as u64),
            Body::Stream(_) => Requested::Stream(count(payload)),
        }
    }

    /// What of them has gone by.
    #[inline]
    pub(super) fn volume(&self) -> Volume {
        match self {
            Requested::Message(bytes) => Volume { messages: 1, bytes: *bytes },
            Requested::Stream(counts) => counts.volume(),
        }
    }
}

/// Counts the messages of a request as they go by.
#[cold]
fn count(payload: &mut Payload) -> Arc<Counts> {
    let codec = payload.codec();
    let streamed = std::mem::replace(payload, Payload::unary(codec, Bytes::new()));
    let counts = Arc::<Counts>::default();
    let counting = Arc::clone(&counts);
    let wrap = |messages| Counted { messages, counts: counting };
    *payload = Payload::stream(codec, streamed.into_stream().wrap(wrap));
    counts
}

/// What of a request has gone by.
#[derive(Default)]
pub(super) struct Counts {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    fn add(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn volume(&self) -> Volume {
        Volume {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// The messages of a request, counted as they go by.
struct Counted {
    messages: Pin<Box<dyn Source>>,
    counts: Arc<Counts>,
}

impl Stream for Counted {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.messages.as_mut().poll_next(cx));
        if let Some(Ok(message)) = &next {
            self.counts.add(1, message.len() as u64);
        }
        Poll::Ready(next)
    }
}

impl Source for Counted {
    fn poll_batch(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        batch: &mut Batch,
    ) -> Poll<Option<Result<(), Error>>> {
        let before = batch.pushed();
        let next = self.messages.as_mut().poll_batch(cx, batch);
        let added = batch.pushed();
        self.counts.add(added.messages - before.messages, added.bytes - before.bytes);
        next
    }
}
