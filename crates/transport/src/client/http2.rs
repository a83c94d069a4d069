//! Calls over HTTP/2: a few connections that all calls of a channel share.
//!
//! A connection is replaced when it breaks or the server says that it is going away; calls that
//! are on it then finish there. A call that was certainly not seen there is sent once more, on
//! another one.
//!
//! This stands on the `h2` crate, not on hyper's client, which sends each call through an
//! unbounded queue to a task made for it. Here a call hands over its own frames, HEADERS and DATA
//! before the connection's task gets to run, and the connection is corked without waiting, so that
//! a call's frames, and those of calls that are ready with it, leave in one write.

mod link;
mod load;
mod pool;

use std::sync::Arc;

use h2::client::ResponseFuture;
use http::Request;
use kitfox_core::{Error, Platform};

use super::ChannelLimits;
use super::address::Address;
use super::answer::Answer;
use super::outgoing::Outgoing;
use link::Slot;
use pool::Pool;

/// The way over HTTP/2.
#[derive(Debug)]
pub(super) struct Http2(Arc<Pool>);

impl Http2 {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        Http2(Arc::new(Pool::new(address, platform, limits)))
    }

    /// Sends a call and waits for its whole answer.
    pub(super) async fn exchange(
        &self,
        head: impl Fn() -> Request<()>,
        body: &Outgoing,
    ) -> Result<Answer, Error> {
        let (slot, response) = self.send(&head, body).await?;
        let first = match slot.answer(response).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if !first.elsewhere {
            return Err(first.error);
        }
        self.0.discard(slot.load());
        drop(slot);
        let (slot, response) = self.send(&head, body).await?;
        slot.answer(response).await.map_err(|second| {
            if second.elsewhere {
                self.0.discard(slot.load());
            }
            second.error
        })
    }

    /// Sends a call over a connection that takes it.
    async fn send(
        &self,
        head: &impl Fn() -> Request<()>,
        body: &Outgoing,
    ) -> Result<(Slot, ResponseFuture), Error> {
        let mut turns = self.0.turns();
        loop {
            let slot = self.0.slot().await?;
            let failure = match slot.send(head(), body.clone()) {
                Ok(response) => return Ok((slot, response)),
                Err(failure) => failure,
            };
            self.0.discard(slot.load());
            turns -= 1;
            if turns == 0 {
                return Err(failure.error);
            }
        }
    }
}
