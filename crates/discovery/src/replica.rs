//! One replica as its balancer knows it: the way to it, its load, its health.

mod health;
mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use kitfox_core::Error;

pub(crate) use health::Health;
pub use health::{Event, State};
pub(crate) use load::{Forgetting, Load, LoadRules};

use crate::Backoff;
use crate::balanced::{Ground, Line};
use crate::census::Seats;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One replica. It lives until it has left its registry and its last call is over.
pub(crate) struct Replica {
    /// Tells it from every other one of its balancer; never zero.
    pub(crate) id: u32,
    pub(crate) address: Box<str>,
    pub(crate) line: Box<dyn Line>,
    pub(crate) load: Load,
    pub(crate) health: Health,
    pub(crate) seats: Seats,
    /// When it joined, in nanoseconds; none where it was there at the start.
    pub(crate) joined: Option<u64>,
    pub(crate) ground: Arc<Ground>,
    /// Calls since rates of success were compared last, and below them those that went well.
    window: AtomicU64,
    warming: AtomicBool,
    /// Whether nobody could connect to it when that was tried last.
    refused: AtomicBool,
}

impl Replica {
    pub(crate) fn new(
        id: u32,
        address: &str,
        line: Box<dyn Line>,
        seats: Seats,
        joined: Option<u64>,
        ground: Arc<Ground>,
        rules: &LoadRules,
    ) -> Self {
        let load = Load::new(ground.now(), rules);
        Replica {
            id,
            address: address.into(),
            line,
            load,
            health: Health::new(),
            seats,
            joined,
            ground,
            window: AtomicU64::new(0),
            warming: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        }
    }

    /// Whether a call could be sent to it at once.
    pub(crate) fn is_warm(&self) -> bool {
        self.line.is_warm()
    }

    /// Whether connecting to it was refused, and did not go well since.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Something happened to it at `now`, in nanoseconds.
    /// Says whether that changed its state.
    pub(crate) fn tell(&self, event: Event, now: u64) -> bool {
        let ground = &*self.ground;
        let settings = ground.settings.load();
        let chance = || ground.platform.random().next_f64();
        let change =
            self.health.tell(event, now / 1_000_000, &settings.health, &self.seats, chance);
        if let Some((from, to)) = change {
            ground.counts.changed(from, to);
            self.log(from, to);
        }
        change.is_some()
    }

    /// Whether this call is the one that tries it.
    pub(crate) fn probe(&self, now: u64) -> bool {
        self.tell(Event::Probe, now)
    }

    fn log(&self, from: State, to: State) {
        let (service, replica) = (&*self.ground.service, &*self.address);
        match (from, to) {
            (State::Closed { .. }, State::Open { times, until }) => {
                let left = until.saturating_sub(self.ground.now() / 1_000_000);
                let seconds = left as f64 / 1e3;
                tracing::warn!(service, replica, times, seconds, "a replica is left out");
            }
            (State::Open { .. } | State::HalfOpen { .. }, State::Closed { .. }) => {
                tracing::info!(service, replica, "a replica takes calls again");
            }
            _ => {}
        }
    }

    /// A call was answered, or was not.
    pub(crate) fn answered(&self, now: u64, outcome: Outcome) {
        let went_well = u64::from(outcome != Outcome::Failed);
        self.window.fetch_add(1 << 32 | went_well, Ordering::Relaxed);
        match outcome {
            Outcome::Failed => {
                self.tell(Event::Failure, now);
            }
            Outcome::Answered | Outcome::Refused => {
                // The usual case changes nothing, and asks for nothing more.
                if self.health.state() != State::NEW {
                    self.tell(Event::Success, now);
                }
            }
        }
    }

    /// How many calls there were since this was last asked, and how many of them went well.
    pub(crate) fn take_window(&self) -> (u64, u64) {
        let window = self.window.swap(0, Ordering::Relaxed);
        (window >> 32, window & 0xffff_ffff)
    }

    /// A call could not be sent, since nobody took the connection.
    pub(crate) fn refuse(self: &Arc<Self>) {
        self.refused.store(true, Ordering::Relaxed);
        self.heat();
    }

    /// Connects in the background, unless that is being done.
    pub(crate) fn heat(self: &Arc<Self>) {
        if self.is_warm() || self.warming.swap(true, Ordering::Relaxed) {
            return;
        }
        let weak = Arc::downgrade(self);
        let platform = self.ground.platform.clone();
        let tasks = self.ground.platform.tasks();
        drop(tasks.spawn(async move {
            let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
            while let Some(warmed) = weak.upgrade().filter(|it| it.wants_warmth()) {
                let warming = warmed.line.warm();
                drop(warmed);
                let outcome = warming.await;
                let Some(replica) = weak.upgrade() else { return };
                match outcome {
                    Ok(()) => return replica.warmed(),
                    Err(error) => replica.cold(&error),
                }
                drop(replica);
                tokio::time::sleep(backoff.pause(platform.random())).await;
            }
        }));
    }

    fn wants_warmth(&self) -> bool {
        self.health.state() != State::Retired
    }

    fn warmed(&self) {
        self.warming.store(false, Ordering::Relaxed);
        self.ground.connected.notify_waiters();
        // Nobody was there, and now somebody is: that is another one than the one that failed.
        if self.refused.swap(false, Ordering::Relaxed) {
            self.tell(Event::Renewed, self.ground.now());
        }
    }

    fn cold(&self, error: &Error) {
        let known = self.refused.swap(true, Ordering::Relaxed);
        self.ground.connected.notify_waiters();
        if !known {
            let (service, replica) = (&*self.ground.service, &*self.address);
            tracing::info!(service, replica, %error, "a replica cannot be reached; trying again");
        }
    }
}

/// What became of a call, for the replica that it was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered; an error of the business is an answer.
    Answered,
    /// The replica lives, and has too much to do.
    Refused,
    /// The replica, or the way to it, failed.
    Failed,
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Replica");
        debug.field("id", &self.id).field("address", &self.address).finish_non_exhaustive()
    }
}
