//! A record that is not over.

use tokio::time::Instant;

use super::stream::{RecordedStream, Requested};
use super::{Bound, ended};
use crate::context::Entered;
use crate::moment::{Moment, Polled, nanoseconds};
use crate::record::{Outcome, Record, Side, Stage, Ticket, Volume};
use crate::{Context, Error, MethodNumber, Reply, Request};

/// A record that is not over. Dropping it says that nobody waited for the end.
pub struct OpenRecord<'a> {
    /// None when it is over.
    pub(super) bound: Option<Bound<'a>>,
    pub(super) side: Side,
    /// Whether the context is another one than that of whoever called.
    pub(super) own_context: bool,
    pub(super) sampled: bool,
    pub(super) context: Context,
    pub(super) ticket: Ticket,
    /// A server's call may have begun before anybody counted: its nanoseconds are from here.
    pub(super) begun: Moment,
    pub(super) requested: Requested,
}

impl<'a> OpenRecord<'a> {
    #[inline(always)]
    pub(super) fn begin(
        bound: Bound<'a>,
        side: Side,
        method: MethodNumber,
        request: &mut Request,
    ) -> Self {
        let (context, recorder) = (&mut request.context, bound.recorder());
        let begun = match side {
            Side::Server => {
                let instant = context.started().unwrap_or_else(Instant::now);
                Moment { instant, nanos: 0 }
            }
            Side::Client | Side::Attempt => Moment::of(Instant::now()),
        };
        context.enter_stage(Stage::Layers);
        context.enter_method(method);
        let ticket = recorder.begin(context, begun.instant);
        let (own_context, sampled) = (true, context.is_sampled());
        let context = context.clone();
        let requested = Requested::of(&mut request.payload);
        let bound = Some(bound);
        OpenRecord { bound, side, own_context, sampled, context, ticket, begun, requested }
    }

    /// For as long as the stream that is the answer.
    fn keep(&mut self) -> OpenRecord<'static> {
        self.context.enter_stage(Stage::Stream);
        OpenRecord {
            bound: self.bound.take().map(Bound::keep),
            side: self.side,
            own_context: self.own_context,
            context: self.context.clone(),
            sampled: self.sampled,
            ticket: self.ticket,
            begun: self.begun,
            requested: self.requested.clone(),
        }
    }

    /// While the call is polled, its context is the current one.
    pub(super) fn entered(&self) -> Option<Entered> {
        self.own_context.then(|| self.context.enter())
    }

    /// What stands around a call decides about it at one moment, before it is polled.
    pub(super) fn entering(&self) -> Option<Polled> {
        match self.side {
            Side::Client => Some(Polled::begin(Some(self.begun))),
            // It may have begun a while ago: its body had to arrive.
            Side::Server => Some(Polled::begin(None)),
            Side::Attempt => None,
        }
    }

    /// A client's call is one moment at its beginning, which may be that of its first poll, and one at
    /// its end. What a method does takes its time, also where its client is in the same process.
    pub(super) fn polled(&self, first: bool, serves: bool) -> Option<Polled> {
        match self.side {
            _ if serves => Some(Polled::outside()),
            Side::Client => Some(Polled::begin(first.then_some(self.begun))),
            Side::Server | Side::Attempt => None,
        }
    }

    /// How long the call took that has just been answered.
    #[inline(always)]
    pub(super) fn took(&self) -> u64 {
        match self.side {
            Side::Server => self.age(),
            Side::Client | Side::Attempt => self.begun.until_shared(),
        }
    }

    /// How long it has been under way.
    pub(super) fn age(&self) -> u64 {
        let now = Instant::now();
        match self.side {
            Side::Server => nanoseconds(now.saturating_duration_since(self.begun.instant)),
            Side::Client | Side::Attempt => self.begun.until(now),
        }
    }

    /// While a client's call is polled: its context is the current one, and what its layers do happens
    /// at one moment, which is that of the beginning if this is the `first` time.
    #[inline]
    pub fn work(&self, first: bool) -> Work {
        let _polled = Polled::begin(first.then_some(self.begun));
        Work { _polled, _entered: self.context.enter() }
    }

    /// The call was answered by one message of so many bytes.
    #[inline]
    pub fn answered(&mut self, bytes: usize, status: Option<u16>) {
        let took = self.took();
        self.close(Outcome::Answered(status), took, Volume::one(bytes));
    }

    /// The call is over, or its answer is a stream, whose end will be that of the call.
    ///
    /// # Errors
    /// The one of the answer.
    #[inline]
    pub fn end(&mut self, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let took = self.took();
        self.end_after(took, answer)
    }

    #[inline]
    pub(super) fn end_after(
        &mut self,
        took: u64,
        answer: Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        match ended(&answer) {
            Some((outcome, reply)) => self.close(outcome, took, reply),
            None => return self.stream(answer),
        }
        answer
    }

    #[cold]
    pub(super) fn stream(&mut self, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let status = answer.as_ref().ok().and_then(Reply::metadata).and_then(|it| it.status);
        let open = self.keep();
        let wrap = |messages| RecordedStream::new(messages, open, status);
        answer.map(|reply| reply.wrap_stream(wrap))
    }

    #[cold]
    fn dropped(&mut self) {
        self.close(Outcome::Dropped, self.age(), Volume::default());
    }

    #[inline(always)]
    pub(super) fn close(&mut self, outcome: Outcome<'_>, took: u64, reply: Volume) {
        let Some(bound) = self.bound.take() else { return };
        let request = self.requested.volume();
        let (received, sent) = match self.side {
            Side::Server => (request, reply),
            Side::Client | Side::Attempt => (reply, request),
        };
        bound.recorder().end(&Record {
            context: &self.context,
            ticket: self.ticket,
            started: self.begun.instant,
            nanos: took,
            sampled: self.sampled,
            outcome,
            received,
            sent,
        });
    }
}

/// While it lives, a client's call is being polled.
#[must_use = "dropping it ends it"]
pub struct Work {
    _polled: Polled,
    _entered: Entered,
}

impl Drop for OpenRecord<'_> {
    fn drop(&mut self) {
        if self.bound.is_some() {
            self.dropped();
        }
    }
}
