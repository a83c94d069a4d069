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
use crate::{Batch, Error};

/// The stream that is the answer of a call.
pub(super) struct RecordedStream {
    pub(super) messages: Pin<Box<dyn Source>>,
    pub(super) open: OpenRecord<'static>,
    pub(super) reply: Volume,
    pub(super) status: Option<u16>,
}

impl RecordedStream {
    fn end(&mut self, last: Option<&Error>) {
        let outcome = last.map_or(Outcome::Answered(self.status), Outcome::Failed);
        let took = self.open.age();
        self.open.close(outcome, took, self.reply);
    }
}

/// Nobody waits for the rest of it, if it is not over.
impl Drop for RecordedStream {
    fn drop(&mut self) {
        if self.open.bound.is_some() {
            let took = self.open.age();
            self.open.close(Outcome::Dropped, took, self.reply);
        }
    }
}

impl Stream for RecordedStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = {
            let this = &mut *self;
            let _entered = this.open.entered();
            ready!(this.messages.as_mut().poll_next(cx))
        };
        match &next {
            Some(Ok(message)) => self.reply.add(1, message.len() as u64),
            Some(Err(error)) => self.end(Some(error)),
            None => self.end(None),
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
            let _entered = this.open.entered();
            this.messages.as_mut().poll_batch(cx, batch)
        };
        // Whatever the answer is, what was added stands.
        let added = batch.pushed();
        self.reply.add(added.messages - before.messages, added.bytes - before.bytes);
        match &next {
            Poll::Ready(Some(Err(error))) => self.end(Some(error)),
            Poll::Ready(None) => self.end(None),
            Poll::Ready(Some(Ok(()))) | Poll::Pending => {}
        }
        next
    }
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

    pub(super) fn volume(&self) -> Volume {
        Volume {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// The messages of a request, counted as they go by.
pub(super) struct Counted {
    pub(super) messages: Pin<Box<dyn Source>>,
    pub(super) counts: Arc<Counts>,
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
