//! Calls over HTTP/2: a few connections that all calls of a channel share.
//!
//! A connection is replaced when it breaks or the server says that it is going away; calls that
//! are on it then finish there. A call that was certainly not seen there is sent once more, on
//! another one, unless it sends a stream of which something is gone already.
//!
//! This stands on the `h2` crate, not on hyper's client, which sends each call through an
//! unbounded queue to a task made for it. Here a call hands over its own frames, HEADERS and DATA
//! before the connection's task gets to run, and the connection is corked without waiting, so that
//! a call's frames, and those of calls that are ready with it, leave in one write. A stream of
//! messages is sent by a task of its own, so that it flows whether or not anybody reads the answer.

mod link;
mod load;
mod pool;
mod upload;

use std::sync::Arc;

use http::{Request, Response};
use kitfox_core::{Error, Platform};

use super::ChannelLimits;
use super::address::Address;
use super::failure::Failure;
use super::outgoing::Outgoing;
use super::sending::{Sending, Sent};
pub(super) use link::Incoming;
use link::Slot;
use pool::Pool;

/// The way over HTTP/2.
#[derive(Debug)]
pub(super) struct Http2(Arc<Pool>);

impl Http2 {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        Http2(Arc::new(Pool::new(address, platform, limits)))
    }

    /// Whether there is room for a call.
    pub(super) fn is_warm(&self) -> bool {
        self.0.has_room()
    }

    /// Connects, unless a connection is there.
    pub(super) async fn warm(&self) -> Result<(), Error> {
        self.0.warm().await
    }

    /// Sends a call and waits for the head of its answer.
    pub(super) async fn open(
        &self,
        head: impl Fn() -> Request<()>,
        sent: Sent,
    ) -> Result<Response<Incoming>, Error> {
        match sent {
            Sent::Whole(body) => self.exchange(&head, &body).await,
            Sent::Messages(sending) => self.stream(&head, sending).await,
        }
    }

    async fn exchange(
        &self,
        head: &impl Fn() -> Request<()>,
        body: &Outgoing,
    ) -> Result<Response<Incoming>, Error> {
        let send = |slot: &Slot| slot.send(head(), body.clone());
        let (slot, response) = self.begin(send).await?;
        let first = match slot.head(response).await {
            Ok(response) => return Ok(opened(response, slot)),
            Err(failure) => failure,
        };
        if !first.elsewhere {
            return Err(first.error);
        }
        self.0.discard(slot.load());
        drop(slot);
        let (slot, response) = self.begin(send).await?;
        let response = slot.head(response).await.map_err(|second| self.failed(&slot, second))?;
        Ok(opened(response, slot))
    }

    async fn stream(
        &self,
        head: &impl Fn() -> Request<()>,
        sending: Sending,
    ) -> Result<Response<Incoming>, Error> {
        let (slot, (response, stream)) = self.begin(|slot| slot.begin(head(), false)).await?;
        if let Some(stream) = stream {
            drop(self.0.tasks().spawn(upload::upload(stream, sending)));
        }
        let response = slot.head(response).await.map_err(|failure| self.failed(&slot, failure))?;
        Ok(opened(response, slot))
    }

    /// Begins a call on a connection that takes it.
    async fn begin<T>(
        &self,
        begin: impl Fn(&Slot) -> Result<T, Failure>,
    ) -> Result<(Slot, T), Error> {
        let mut turns = self.0.turns();
        loop {
            let slot = self.0.slot().await?;
            let failure = match begin(&slot) {
                Ok(begun) => return Ok((slot, begun)),
                Err(failure) => failure,
            };
            self.0.discard(slot.load());
            turns -= 1;
            if turns == 0 {
                return Err(failure.error);
            }
        }
    }

    fn failed(&self, slot: &Slot, failure: Failure) -> Error {
        if failure.elsewhere {
            self.0.discard(slot.load());
        }
        failure.error
    }
}

fn opened(response: Response<h2::RecvStream>, slot: Slot) -> Response<Incoming> {
    response.map(|body| Incoming::new(body, slot))
}
