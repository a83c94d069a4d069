//! A method of all replicas of a service.

use std::sync::Arc;

use kitfox_core::error::is_failure;
use kitfox_core::{Body, Code, Context, Endpoint, Error, Origin, Recovery, Reply, Request};
use tokio::time::Instant;

use super::Inner;
use super::set::Slot;
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
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let context = &request.context;
        self.inner.ground.measures.tell(context);
        let flight = match self.inner.pick(self.column, context) {
            Some(flight) => flight,
            None => self.inner.wait_and_pick(self.column, context).await?,
        };
        let answer = flight.slot.endpoint.call(request).await;
        flight.land(answer)
    }
}

impl std::fmt::Debug for BalancedEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BalancedEndpoint").field("column", &self.column).finish_non_exhaustive()
    }
}

/// A call that was sent to a replica, until it is over.
pub(super) struct Flight {
    slot: Arc<Slot>,
    begun: u64,
    deadline: Option<Instant>,
    probe: bool,
    answered: bool,
}

impl Flight {
    pub(super) fn begin(slot: Arc<Slot>, context: &Context, now: u64, probe: bool) -> Self {
        let replica = &slot.replica;
        context.try_replica(replica.id);
        replica.load.begin(now);
        // Where somebody else was quicker, this call is one more in a panic, or is late.
        let probe = probe && replica.probe(now);
        Flight { begun: now, deadline: context.deadline(), probe, answered: false, slot }
    }

    /// The answer has come. A call is over when its stream is.
    fn land(mut self, answer: Result<Reply, Error>) -> Result<Reply, Error> {
        let outcome = match &answer {
            Ok(_) => Outcome::Answered,
            Err(error) => outcome(error),
        };
        let replica = &self.slot.replica;
        let now = replica.ground.now();
        self.answered = true;
        {
            let settings = replica.ground.settings.load();
            let failed = outcome != Outcome::Answered;
            replica.load.answer(now, now.saturating_sub(self.begun), failed, &settings);
        }
        self.judge(outcome, now);
        match answer {
            Ok(mut reply) => {
                if let Body::Stream(_) = reply.payload().body() {
                    reply.hold(self);
                }
                Ok(reply)
            }
            Err(error) => {
                let unsent = error.recovery() == Recovery::NeverProcessed;
                if unsent && error.origin() == Origin::Transport {
                    self.slot.replica.refuse();
                }
                Err(error)
            }
        }
    }

    fn judge(&self, outcome: Outcome, now: u64) {
        let replica = &self.slot.replica;
        if !self.probe {
            return replica.answered(now, outcome);
        }
        let event = match outcome {
            Outcome::Failed => Event::ProbeFailed,
            _ => Event::ProbeSucceeded,
        };
        replica.tell(event, now);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let replica = &self.slot.replica;
        if !self.answered {
            let now = replica.ground.now();
            replica.load.give_up(now.saturating_sub(self.begun));
            // Whoever holds the call to its deadline drops it then.
            let expired = self.deadline.is_some_and(|deadline| deadline <= Instant::now());
            if expired {
                self.judge(Outcome::Failed, now);
            } else if self.probe {
                replica.tell(Event::ProbeDropped, now);
            }
        }
        replica.load.end();
    }
}

/// What an error says about the replica.
fn outcome(error: &Error) -> Outcome {
    if is_failure(error) {
        return Outcome::Failed;
    }
    match (error.code(), error.origin()) {
        (Code::ResourceExhausted, Origin::Peer) => Outcome::Refused,
        _ => Outcome::Answered,
    }
}
