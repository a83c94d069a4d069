//! The connections to one server, and which of them takes a call.
//!
//! The first that has a free stream does: so a quiet time needs few connections, and the others
//! grow idle and go. The next one is opened while the last one still has room, one at a time, in a
//! task of its own: no call waits for it that another connection can take, and a caller who goes
//! away takes nobody's connection along. Where there is room nowhere, calls wait in their turn for
//! whatever comes first: a stream, or a connection.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kitfox_core::platform::Tasks;
use kitfox_core::{Error, Platform};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::link::{self, Link, Running, Slot};
use super::load::Load;
use crate::client::ChannelLimits;
use crate::client::address::Address;
use crate::client::failure::{Failure, Refused};
use crate::limits::FOREVER;

/// How long a pool that has connections waits after it could not open one more.
const PAUSE: Duration = Duration::from_secs(1);

/// How often in the time that a connection may be unused somebody looks whether it was: a call
/// need not read the clock for it.
const LOOKS: u32 = 4;

/// The connections to one server.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    platform: Platform,
    limits: ChannelLimits,
    /// A permit for each free stream of all connections.
    free: Arc<Semaphore>,
    /// Told whenever a connection is gone: who waits sees to another one.
    gone: Notify,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they are tried.
    open: Vec<Arc<Link>>,
    attempt: Option<Attempt>,
    /// When it failed last while others were open.
    failed: Option<Instant>,
}

/// A connection that is being opened, and how that went, once it is known.
type Attempt = watch::Receiver<Option<Result<(), Refused>>>;

/// What a call that finds no room may hope for beside a stream.
enum Growth {
    /// A connection is being opened.
    Attempt(Attempt),
    /// Not before then: it failed a moment ago.
    NotBefore(Instant),
    /// There are as many connections as may be.
    Full,
}

impl Pool {
    pub(super) fn new(address: Address, platform: Platform, limits: ChannelLimits) -> Self {
        let free = Arc::new(Semaphore::new(0));
        let (gone, state) = (Notify::new(), Mutex::default());
        Pool { address, platform, limits, free, gone, state }
    }

    /// Where what runs beside the calls runs.
    pub(super) fn tasks(&self) -> &Tasks {
        self.platform.tasks()
    }

    /// How often a call may find that its connection is over before it is sent: each may be, and
    /// the one that is opened instead.
    pub(super) fn turns(&self) -> usize {
        self.limits.http2_connections + 1
    }

    /// Whether a call would find a place at once, as far as one can know.
    pub(super) fn has_room(&self) -> bool {
        self.free.available_permits() > 0
    }

    /// Sees to it that there is a connection.
    pub(super) async fn warm(self: &Arc<Self>) -> Result<(), Error> {
        if !self.state().open.is_empty() {
            return Ok(());
        }
        self.growth().await
    }

    /// A place on a connection, at once where there is one.
    pub(super) async fn slot(self: &Arc<Self>) -> Result<Slot, Error> {
        while let Ok(permit) = self.free.try_acquire() {
            permit.forget();
            if let Some(slot) = self.pick() {
                return Ok(slot);
            }
        }
        self.wait().await
    }

    /// Sees to it that no later call takes the connection of `load`.
    pub(super) fn discard(&self, load: &Arc<Load>) {
        load.close();
        let mut state = self.state();
        let position = state.open.iter().position(|link| Arc::ptr_eq(link.load(), load));
        let link = position.map(|position| state.open.remove(position));
        drop(state);
        // Closing it is not done under the lock.
        drop(link);
        self.gone.notify_waiters();
    }

    async fn wait(self: &Arc<Self>) -> Result<Slot, Error> {
        let mut turn = pin!(self.free.acquire());
        loop {
            // Made before anybody looks, so that nothing is missed in between.
            let gone = self.gone.notified();
            tokio::select! {
                biased;
                permit = &mut turn => {
                    permit.expect("never closed").forget();
                    if let Some(slot) = self.pick() {
                        return Ok(slot);
                    }
                    turn.set(self.free.acquire());
                }
                outcome = self.growth() => outcome?,
                () = gone => {}
            }
        }
    }

    /// The first connection with room, for somebody who has a permit; `None` where it was one too
    /// many.
    fn pick(self: &Arc<Self>) -> Option<Slot> {
        let state = self.state();
        let (last, link) = {
            let position = state.open.iter().position(|link| link.load().take())?;
            (position + 1 == state.open.len(), Arc::clone(&state.open[position]))
        };
        drop(state);
        if last && link.load().nearly_full() {
            self.grow();
        }
        Some(Slot::new(link))
    }

    /// Opens one more connection, if there may be one more and none is being opened.
    fn grow(self: &Arc<Self>) -> Growth {
        self.grow_to(self.limits.http2_connections)
    }

    fn grow_to(self: &Arc<Self>, most: usize) -> Growth {
        let mut state = self.state();
        // An attempt that ended without a word was ended with its tasks.
        let running = state.attempt.as_ref().filter(|attempt| attempt.has_changed().is_ok());
        if let Some(attempt) = running {
            return Growth::Attempt(attempt.clone());
        }
        if state.open.len() >= most {
            return Growth::Full;
        }
        let failed = state.failed.filter(|_| !state.open.is_empty());
        if let Some(until) =
            failed.map(|failed| failed + PAUSE).filter(|until| *until > Instant::now())
        {
            return Growth::NotBefore(until);
        }
        let (tell, attempt) = watch::channel(None);
        state.attempt = Some(attempt.clone());
        drop(state);
        drop(self.platform.tasks().spawn(open(Arc::clone(self), tell)));
        Growth::Attempt(attempt)
    }

    /// Sees to it that there will be more room, and waits until there may be; fails when there is
    /// no connection at all and none could be opened.
    async fn growth(self: &Arc<Self>) -> Result<(), Error> {
        match self.grow() {
            Growth::Attempt(mut attempt) => {
                let outcome = attempt.wait_for(Option::is_some).await.map(|told| told.clone());
                match outcome.ok().flatten() {
                    Some(Err(refused)) if self.state().open.is_empty() => Err(refused.into()),
                    Some(_) => Ok(()),
                    None => {
                        let why = "the client's background tasks have ended";
                        Err(Failure::unsent(&self.address.target, why).error)
                    }
                }
            }
            Growth::NotBefore(until) => {
                sleep_until(until).await;
                Ok(())
            }
            Growth::Full => std::future::pending().await,
        }
    }

    /// Sees to it that there is a connection beside an old one, which may be one more than usual.
    /// Says whether there is.
    async fn another(self: &Arc<Self>) -> bool {
        if self.state().open.len() > 1 {
            return true;
        }
        match self.grow_to(2) {
            Growth::Attempt(mut attempt) => {
                let outcome = attempt.wait_for(Option::is_some).await;
                outcome.is_ok_and(|told| matches!(&*told, Some(Ok(()))))
            }
            Growth::NotBefore(_) => false,
            Growth::Full => true,
        }
    }

    /// An attempt is over, and brought a connection or did not.
    fn attempted(&self, link: Option<Arc<Link>>) {
        let mut state = self.state();
        state.attempt = None;
        state.failed = link.is_none().then(Instant::now);
        state.open.extend(link);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a connection, tells everybody, and keeps it running to its end.
async fn open(pool: Arc<Pool>, tell: watch::Sender<Option<Result<(), Refused>>>) {
    let Pool { address, platform, limits, free, .. } = &*pool;
    match link::connect(address, platform, limits, free).await {
        Err(refused) => {
            pool.attempted(None);
            tell.send_replace(Some(Err(refused)));
        }
        Ok((link, running)) => {
            let load = Arc::clone(link.load());
            pool.attempted(Some(link));
            // Only who finds the connection may get a permit for it.
            load.open();
            tell.send_replace(Some(Ok(())));
            drop(tell);
            // Whoever runs the connection must not keep its users alive.
            let limits = limits.clone();
            let age = limits.connection_age.min(FOREVER);
            let age = age.mul_f64(1.0 - platform.random().next_f64() / 4.0);
            let member = Member { pool: Arc::downgrade(&pool), load };
            drop(pool);
            member.run(running, &limits, age).await;
        }
    }
}

/// A connection that runs, as a member of its pool; when this goes it is none any more.
struct Member {
    pool: Weak<Pool>,
    load: Arc<Load>,
}

impl Member {
    async fn run(self, running: Running, limits: &ChannelLimits, age: Duration) {
        let running = running.run(&self.load, limits.keep_alive);
        tokio::select! {
            biased;
            () = running => {}
            () = self.leave_unused(limits.idle_timeout.min(FOREVER)) => {}
            () = self.leave_old(age) => {}
        }
    }

    /// Leaves the pool after a time without calls. The connection ends by itself when nobody can
    /// use it any more.
    async fn leave_unused(&self, idle_timeout: Duration) {
        let mut unused = 0;
        while unused < LOOKS || !self.load.close_if_idle() {
            sleep(idle_timeout / LOOKS).await;
            unused = if self.load.unused() { unused + 1 } else { 0 };
        }
        self.leave();
        std::future::pending::<()>().await;
    }

    /// Leaves the pool at an age, when there is another connection to take its place; its calls
    /// finish.
    async fn leave_old(&self, age: Duration) {
        sleep(age).await;
        while let Some(pool) = self.pool.upgrade() {
            if pool.another().await {
                break;
            }
            drop(pool);
            sleep(PAUSE).await;
        }
        self.leave();
        std::future::pending::<()>().await;
    }

    fn leave(&self) {
        match self.pool.upgrade() {
            Some(pool) => pool.discard(&self.load),
            None => self.load.close(),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}
