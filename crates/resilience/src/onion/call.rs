//! A call with all that is known of it: on the short way until a layer has something to say.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::layers::{Deadline, OpenRecord};
use kitfox_core::{Endpoint, Error, Reply, Request, moment};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Onion;
use crate::breaker::Permit;
use crate::budget::InFlight;
use crate::deadline::Time;

pin_project! {
    /// A call with all that is known of it. Nothing is done before it is polled.
    pub(super) struct Call<'a, E, S, F> {
        onion: &'a Onion<E>,
        send: S,
        // Until it begins.
        request: Option<Request>,
        // The first attempt, on the short way.
        #[pin]
        attempt: Option<F>,
        // Made when the call has to wait, and then with no box of its own.
        #[pin]
        timer: Option<Sleep>,
        // In a box, which only a call that failed, or goes the long way, pays for.
        round: Option<BoxFuture<'a, Result<Reply, Error>>>,
        until: Option<Until>,
        permit: Option<Permit<'a>>,
        // What would be sent again.
        spare: Option<Request>,
        in_flight: Option<InFlight<'a>>,
        // After the call itself, so that what it says while it is dropped is in its record.
        record: Option<OpenRecord<'a>>,
    }

    impl<E, S, F> PinnedDrop for Call<'_, E, S, F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(request) = this.request {
                this.onion.unwanted(request);
            }
        }
    }
}

/// When a call must be over.
#[derive(Clone, Copy)]
enum Until {
    /// Says the caller.
    Theirs(Instant),
    /// Says the layer, which allows so much, and the caller, if it does, later.
    Own(Instant, Duration, Option<Instant>),
}

impl<'a, E, S, F> Call<'a, E, S, F> {
    /// A call that does not begin before it is polled; `send` sends an attempt.
    #[inline(always)]
    pub(super) fn new(onion: &'a Onion<E>, send: S, request: Request) -> Self {
        Call {
            onion,
            send,
            request: Some(request),
            attempt: None,
            timer: None,
            round: None,
            until: None,
            permit: None,
            spare: None,
            in_flight: None,
            record: None,
        }
    }
}

impl<'a, E, S, F> Call<'a, E, S, F>
where
    E: Endpoint,
    S: Fn(Request) -> F,
    F: Future<Output = Result<Reply, Error>>,
{
    /// All that the layers have to say about a call before it is sent.
    #[inline]
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        let (onion, Some(mut request)) = (*this.onion, this.request.take()) else { return };
        let (theirs, now) = (request.context.deadline(), moment::now());
        if let Some(theirs) = theirs {
            *this.until = Some(Until::Theirs(theirs));
            if theirs <= now {
                *this.round = Some(Box::pin(async { Err(Deadline::passed()) }));
                return;
            }
        }
        let Some(plan) = onion.plan() else {
            *this.round = Some(Box::pin(onion.layers.call(request)));
            return;
        };
        let (budget, breaker) = (onion.budget(), onion.breaker());
        onion.layers.begin(&request.context);
        let deadlines = &onion.layers.inner.deadlines;
        let time = deadlines.time(plan, &request.context, now);
        if let Time::Own(own, limit) = time {
            *this.until = Some(Until::Own(own, limit, theirs));
            request.context = request.context.with_deadline(own);
        }
        *this.in_flight = Some(budget.budget.begin(&request.context));
        *this.spare = budget.inner.spare(&request);
        let refused = match breaker.breaker.admit(&breaker.circuit, &request.context) {
            Ok(permit) => {
                *this.permit = permit;
                let late = matches!(time, Time::TooLittle);
                if late { Some(deadlines.too_little(plan, &request.context)) } else { None }
            }
            Err(error) => Some(error),
        };
        match refused {
            None => this.attempt.set(Some((this.send)(request))),
            Some(error) => {
                let permit = this.permit.take();
                *this.round = Some(onion.failed(error, permit, this.spare, this.in_flight));
            }
        }
    }

    /// The first attempt was answered by something else than one message.
    #[cold]
    fn answered(self: Pin<&mut Self>, answer: Result<Reply, Error>) -> Option<Reply> {
        let this = self.project();
        match answer {
            Ok(reply) => {
                let mut reply = this.onion.breaker().well(this.permit, reply);
                if let Some(in_flight) = this.in_flight.take() {
                    in_flight.answered(&mut reply);
                }
                Some(reply)
            }
            Err(error) => {
                let permit = this.permit.take();
                let round = this.onion.failed(error, permit, this.spare, this.in_flight);
                *this.round = Some(round);
                None
            }
        }
    }

    /// The call is over, or is a stream from now on, until the caller's deadline.
    #[cold]
    fn end(self: Pin<&mut Self>, mut answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let this = self.project();
        if let Some(Until::Theirs(theirs) | Until::Own(_, _, Some(theirs))) = *this.until {
            answer = Deadline::hold(answer, theirs, None);
        }
        match this.record {
            Some(record) => record.end(answer),
            None => answer,
        }
    }

    /// Goes on with a call whose first attempt is over, or was not made, and waits for its deadline.
    fn go_on(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<Reply, Error>> {
        let this = self.as_mut().project();
        if let Some(round) = this.round
            && let Poll::Ready(answer) = round.as_mut().poll(cx)
        {
            return Poll::Ready(self.end(answer));
        }
        let Some(Until::Theirs(deadline) | Until::Own(deadline, ..)) = *this.until else {
            return Poll::Pending;
        };
        let mut timer = this.timer;
        if timer.is_none() {
            timer.set(Some(sleep_until(deadline)));
        }
        if timer.as_pin_mut().is_some_and(|timer| timer.poll(cx).is_pending()) {
            return Poll::Pending;
        }
        let error = match *this.until {
            Some(Until::Own(_, limit, _)) => this.onion.layers.inner.deadlines.total_expired(limit),
            _ => Deadline::reached(),
        };
        Poll::Ready(self.end(Err(error)))
    }
}

impl<E> Onion<E> {
    /// Nobody waits for a call that has not begun: it leaves a record as well.
    #[cold]
    fn unwanted(&self, request: &mut Request) {
        let mut record = None;
        if let Some(records) = &self.records {
            records.begin(&mut record, request);
        }
    }
}

impl<'a, E: Endpoint> Onion<E> {
    /// An attempt has failed, or was not made.
    #[cold]
    fn failed(
        &'a self,
        error: Error,
        permit: Option<Permit<'a>>,
        spare: &mut Option<Request>,
        in_flight: &mut Option<InFlight<'a>>,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        self.breaker().settle(permit, &error);
        let (spare, in_flight) = (spare.take(), in_flight.take());
        Box::pin(async move {
            let Some(spare) = spare else { return Err(error) };
            let mut reply = self.budget().inner.again(spare, error).await?;
            if let Some(in_flight) = in_flight {
                in_flight.answered(&mut reply);
            }
            Ok(reply)
        })
    }
}

impl<E, S, F> Future for Call<'_, E, S, F>
where
    E: Endpoint,
    S: Fn(Request) -> F,
    F: Future<Output = Result<Reply, Error>>,
{
    type Output = Result<Reply, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let first = this.request.is_some();
        if let (Some(request), Some(records)) = (this.request, &this.onion.records) {
            records.begin(this.record, request);
        }
        let _work = this.record.as_ref().map(|record| record.work(first));
        if first {
            self.as_mut().begin();
        }
        let this = self.as_mut().project();
        let attempt = if this.round.is_none() { this.attempt.as_pin_mut() } else { None };
        let Some(attempt) = attempt else { return self.go_on(cx) };
        let answer = attempt.poll(cx);
        match &answer {
            Poll::Pending => return self.go_on(cx),
            Poll::Ready(Ok(reply)) if let Some((bytes, status)) = reply.message() => {
                // The way of nearly all calls.
                if let Some(permit) = this.permit {
                    permit.well();
                }
                drop(this.in_flight.take());
                if let Some(record) = this.record {
                    record.answered(bytes, status);
                }
                return answer;
            }
            Poll::Ready(_) => {}
        }
        let Poll::Ready(answer) = answer else { return Poll::Pending };
        match self.as_mut().answered(answer) {
            Some(reply) => Poll::Ready(self.end(Ok(reply))),
            None => self.go_on(cx),
        }
    }
}
