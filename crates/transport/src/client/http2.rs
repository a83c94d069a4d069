//! Calls over HTTP/2: one connection that all calls of a channel share.
//!
//! The connection is opened by the first call, in a task of its own: everybody who calls meanwhile
//! waits for the same attempt, and a caller who goes away takes nobody's connection along. It is
//! replaced when it breaks or the server says that it is going away; a call that was certainly
//! not seen there is sent once more, on the next one.
//!
//! This stands on the `h2` crate, not on hyper's client, which sends each call through an
//! unbounded queue to a task made for it. Here a call hands over its own frames, HEADERS and DATA
//! before the connection's task gets to run, and the connection is corked without waiting, so that
//! a call's frames, and those of calls that are ready with it, leave in one write.

mod link;
mod permits;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Request;
use kitfox_core::{Error, Platform};
use tokio::sync::watch;

use super::ChannelLimits;
use super::address::Address;
use super::answer::Answer;
use super::failure::{Failure, Refused};
use super::outgoing::Outgoing;
use link::Link;

/// The way over HTTP/2.
#[derive(Debug)]
pub(super) struct Http2(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    address: Address,
    platform: Platform,
    limits: ChannelLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Closed,
    Connecting(watch::Receiver<Option<Result<Arc<Link>, Refused>>>),
    Open(Arc<Link>),
}

impl Http2 {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        Http2(Arc::new(Shared { address, platform, limits, state: Mutex::new(State::Closed) }))
    }

    /// Sends a call and waits for its whole answer.
    pub(super) async fn exchange(
        &self,
        head: impl Fn() -> Request<()>,
        body: &Outgoing,
    ) -> Result<Answer, Error> {
        let link = self.link().await?;
        let first = match link.exchange(head(), body.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        if !first.elsewhere {
            return Err(first.error);
        }
        self.0.discard(&link);
        drop(link);
        let next = self.link().await?;
        next.exchange(head(), body.clone()).await.map_err(|second| {
            if second.elsewhere {
                self.0.discard(&next);
            }
            second.error
        })
    }

    async fn link(&self) -> Result<Arc<Link>, Error> {
        let mut waiting = {
            let mut state = self.0.state();
            match &*state {
                State::Open(link) if link.is_open() => return Ok(Arc::clone(link)),
                // An attempt that ended without a word was ended with its platform.
                State::Connecting(attempt) if attempt.has_changed().is_ok() => attempt.clone(),
                _ => {
                    let (tell, attempt) = watch::channel(None);
                    *state = State::Connecting(attempt.clone());
                    let opened = open(Arc::clone(&self.0), tell);
                    drop(self.0.platform.tasks().spawn(opened));
                    attempt
                }
            }
        };
        let outcome = waiting.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match outcome {
            Ok(Some(Ok(link))) => Ok(link),
            Ok(Some(Err(refused))) => Err(refused.into()),
            Ok(None) | Err(_) => {
                let why = "the client's background tasks have ended";
                Err(Failure::unsent(&self.0.address.target, why).error)
            }
        }
    }
}

impl Shared {
    /// Sees to it that no later call takes `link`.
    fn discard(&self, link: &Arc<Link>) {
        let mut state = self.state();
        if matches!(&*state, State::Open(current) if Arc::ptr_eq(current, link)) {
            *state = State::Closed;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a connection, tells everybody, and keeps it running to its end.
async fn open(shared: Arc<Shared>, tell: watch::Sender<Option<Result<Arc<Link>, Refused>>>) {
    let Shared { address, platform, limits, .. } = &*shared;
    match link::connect(address, platform, limits).await {
        Err(refused) => {
            *shared.state() = State::Closed;
            tell.send_replace(Some(Err(refused)));
        }
        Ok((link, running)) => {
            *shared.state() = State::Open(Arc::clone(&link));
            tell.send_replace(Some(Ok(link)));
            // Whoever runs the connection must not keep its users alive.
            drop((shared, tell));
            running.run().await;
        }
    }
}
