//! The messages of an answer: the call is over with the last of them, and where they break off for
//! what the replica did, it has failed.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use kitfox_core::{Error, MessageStream, Method};

use super::endpoint::{Flight, outcome};
use crate::replica::Outcome;

/// Messages that a replica is judged by.
pub(super) struct Streaming {
    method: &'static Method,
    messages: MessageStream,
    /// None when the call is over.
    flight: Option<Flight>,
}

impl Streaming {
    pub(super) fn new(method: &'static Method, messages: MessageStream, flight: Flight) -> Self {
        Streaming { method, messages, flight: Some(flight) }
    }

    fn end(&mut self, outcome: Outcome) {
        if let Some(flight) = self.flight.take() {
            flight.judge_now(outcome);
        }
    }
}

impl Stream for Streaming {
    type Item = Result<Bytes, Error>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let message = ready!(Pin::new(&mut self.messages).poll_next(cx));
        match &message {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let outcome = outcome(self.method, error);
                self.end(outcome);
            }
            None => self.end(Outcome::Answered),
        }
        Poll::Ready(message)
    }
}

/// Whoever has enough of a stream has been answered.
impl Drop for Streaming {
    fn drop(&mut self) {
        self.end(Outcome::Answered);
    }
}
