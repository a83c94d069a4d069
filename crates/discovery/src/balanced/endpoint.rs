//! A method of all replicas of a service.

use std::future::Future;
use std::sync::Arc;

use kitfox_core::error::is_failure_of;
use kitfox_core::{Body, Code, Context, Endpoint, Error, Method, Origin, Recovery, Reply, Request};
use tokio::time::Instant;

use super::Inner;
use super::set::Slot;
use super::streaming::Streaming;
use crate::replica::{Event, Outcome};

/// A method of a service, sent to one of its replicas for each call.
pub struct BalancedEndpoint {
    inner: Arc<Inner>,
    column: usize,
}

impl BalancedEndpoint {
    pub(super) fn new(inner: Arc<Inner>, column: usize) -> Self {
        BalancedEndpoint { inner, column }
    }
}

impl Endpoint for BalancedEndpoint {
    #[expect(clippy::manual_async_fn, reason = "an async fn moves its arguments once more")]
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        async move {
            let (inner, context) = (&*self.inner, &request.context);
            inner.ground.measures.tell(context);
            let mut flight = match inner.pick(self.column, context) {
                Some(flight) => flight,
                // In a box, which only a call that waits pays for.
                None => Box::pin(inner.wait_and_pick(self.column, context)).await?,
            };
            let answer = flight.slot.endpoint.call(request).await;
            if flight.land(&answer) { flight.stream(answer) } else { answer }
        }
    }
}

impl std::fmt::Debug for BalancedEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BalancedEndpoint").field("column", &self.column).finish_non_exhaustive()
    }
}

/// What is special about a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// It tries a replica that was left out.
    pub(super) probe: bool,
    /// It is one of those that are counted for keys.
    pub(super) keyed: bool,
}

/// A call that was sent to a replica, until it is over.
pub(super) struct Flight {
    slot: Arc<Slot>,
    begun: u64,
    deadline: Option<Instant>,
    kind: Kind,
    answered: bool,
}

impl Flight {
    pub(super) fn begin(slot: Arc<Slot>, context: &Context, now: u64, kind: Kind) -> Self {
        let replica = &slot.replica;
        context.try_replica(replica.id);
        replica.load.begin(now);
        // Where somebody else was quicker, this call is one more in a panic, or is late.
        let kind = Kind { probe: kind.probe && replica.probe(now), ..kind };
        if kind.keyed {
            replica.ground.begin_keyed();
        }
        Flight { begun: now, deadline: context.deadline(), kind, answered: false, slot }
    }

    /// The same for a call about which there is nothing special.
    #[inline]
    pub(super) fn usual(slot: Arc<Slot>, context: &Context, now: u64) -> Self {
        context.try_replica(slot.replica.id);
        slot.replica.load.begin(now);
        let kind = Kind { probe: false, keyed: false };
        Flight { begun: now, deadline: context.deadline(), kind, answered: false, slot }
    }

    /// The answer has come. Says whether it is a stream: the call is over when that is.
    #[inline]
    fn land(&mut self, answer: &Result<Reply, Error>) -> bool {
        let replica = &self.slot.replica;
        let outcome = match answer {
            Ok(_) => Outcome::Answered,
            Err(error) => outcome(self.slot.method, error),
        };
        let ground = &*replica.ground;
        // As of the end of the attempt, where that was recorded just now.
        let now = ground.after(self.begun);
        self.answered = true;
        let (took, failed) = (now.saturating_sub(self.begun), outcome != Outcome::Answered);
        replica.load.answer(now, took, failed, ground.forgetting());
        let streams =
            answer.as_ref().is_ok_and(|reply| matches!(reply.payload().body(), Body::Stream(_)));
        // What becomes of a stream is known at its end; a probe is not kept open for so long.
        if !streams || self.kind.probe {
            self.judge(outcome, now);
            self.kind.probe = false;
        }
        if let Err(error) = answer
            && error.recovery() == Recovery::NeverProcessed
            && error.origin() == Origin::Transport
        {
            replica.refuse();
        }
        streams
    }

    /// Goes on with a stream.
    #[cold]
    fn stream(self, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let method = self.slot.method;
        answer.map(|reply| reply.map_stream(|messages| Streaming::new(method, messages, self)))
    }

    /// A stream is over.
    pub(super) fn judge_now(&self, outcome: Outcome) {
        self.judge(outcome, self.slot.replica.ground.now());
    }

    fn judge(&self, outcome: Outcome, now: u64) {
        let replica = &self.slot.replica;
        if !self.kind.probe {
            return replica.answered(now, outcome);
        }
        let event = match outcome {
            Outcome::Failed => Event::ProbeFailed,
            _ => Event::ProbeSucceeded,
        };
        replica.tell(event, now);
    }
}

impl Flight {
    /// Nobody waits for the answer any more.
    #[cold]
    fn give_up(&self) {
        let replica = &self.slot.replica;
        let now = replica.ground.now();
        replica.load.give_up(now.saturating_sub(self.begun));
        // Whoever holds the call to its deadline drops it then.
        let expired = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
        if expired {
            self.judge(Outcome::Failed, now);
        } else if self.kind.probe {
            replica.tell(Event::ProbeDropped, now);
        }
    }
}

impl Drop for Flight {
    #[inline]
    fn drop(&mut self) {
        if !self.answered {
            self.give_up();
        }
        let replica = &self.slot.replica;
        replica.load.end();
        if self.kind.keyed {
            replica.ground.end_keyed();
        }
    }
}

/// What an error says about the replica. An answer of the business logic says that it lives.
pub(super) fn outcome(method: &Method, error: &Error) -> Outcome {
    if is_failure_of(method, error) {
        return Outcome::Failed;
    }
    match (error.code(), error.origin()) {
        (Code::ResourceExhausted, Origin::Peer) => Outcome::Refused,
        _ => Outcome::Answered,
    }
}

#[cfg(test)]
mod tests {
    use kitfox_core::DomainError;
    use kitfox_core::contract::{Idempotency, Shape};
    use kitfox_core::error::{ErrorSchema, ErrorVariant};
    use kitfox_core::message::Message;

    use super::*;

    static ERRORS: ErrorSchema = ErrorSchema {
        domain: "test.v1.TestError",
        variants: &[ErrorVariant {
            reason: "SOLD_OUT",
            code: Code::Unavailable,
            recovery: Recovery::No,
            docs: "",
            deprecated: false,
            detail: None,
        }],
    };

    const fn method(errors: &'static ErrorSchema) -> Method {
        Method {
            service: "test.v1.Test",
            name: "Call",
            path: "/test.v1.Test/Call",
            docs: "",
            shape: Shape::Unary,
            idempotency: Idempotency::None,
            detached: false,
            deprecated: false,
            routes: &[],
            input: <() as Message>::schema,
            output: <() as Message>::schema,
            errors,
        }
    }

    #[test]
    fn an_answer_of_the_business_logic_ejects_no_replica() {
        let sold_out = || ERRORS.error(0, "sold out".to_owned()).with_origin(Origin::Peer);
        let named = method(&ERRORS);
        assert_eq!(outcome(&named, &sold_out()), Outcome::Answered);
        let unnamed = method(<Error as DomainError>::SCHEMA);
        assert_eq!(
            outcome(&unnamed, &sold_out()),
            Outcome::Failed,
            "it is no error of that method"
        );
    }
}
