//! Connections, and the jobs that wait for one.
//!
//! Async threads hand a job over and wait for its answer. A thread that has a connection does one job
//! after the other until none waits: so a busy store does not wait for a thread to be woken before each.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox::{Code, Error, Recovery};
use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;

/// How many jobs may wait for a connection. More are refused: they would wait for longer than their
/// callers do.
const WAITING: usize = 500;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    /// Told whenever a connection has nothing to do any more.
    rest: Notify,
}

struct State {
    idle: Vec<Connection>,
    /// How many connections have something to do.
    busy: usize,
    /// Only where no connection is idle.
    waiting: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    pub(crate) fn new(idle: Vec<Connection>) -> Arc<Self> {
        let state = State { idle, busy: 0, waiting: VecDeque::new(), closed: false };
        Arc::new(Pool { state: Mutex::new(state), rest: Notify::new() })
    }

    /// Runs `job` with a connection, on a thread that may block.
    ///
    /// Dropped while it waits, the job never runs; later, it is finished.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.hand_over(Box::new(move |connection| {
            if !answer.is_closed() {
                // Whoever does not wait any more does not mind.
                let _ = answer.send(job(connection));
            }
        }))?;
        let panicked = |_| Error::by_layer("store", Code::Internal, "a job in the store panicked");
        answered.await.map_err(panicked)
    }

    fn hand_over(self: &Arc<Self>, job: Job) -> Result<(), Error> {
        let mut state = self.state();
        if state.closed {
            return Err(refusal("the store is closed, since the process ends"));
        }
        if let Some(connection) = state.idle.pop() {
            state.busy += 1;
            let pool = Arc::clone(self);
            spawn_blocking(move || pool.work(connection, job));
        } else if state.waiting.len() < WAITING {
            state.waiting.push_back(job);
        } else {
            return Err(refusal("as many jobs wait for the store as may"));
        }
        Ok(())
    }

    /// Does one job after the other, until none waits.
    fn work(&self, mut connection: Connection, mut job: Job) {
        loop {
            // A panic has rolled its transaction back; its caller has lost the other end of the answer.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
            let mut state = self.state();
            match state.waiting.pop_front() {
                Some(next) => job = next,
                None => {
                    state.idle.push(connection);
                    state.busy -= 1;
                    break;
                }
            }
        }
        self.rest.notify_waiters();
    }

    /// Waits for the jobs, and closes the connections.
    pub(crate) async fn close(&self) {
        self.state().closed = true;
        loop {
            let mut rest = std::pin::pin!(self.rest.notified());
            // From now on, so that nothing is missed between the look and the wait.
            rest.as_mut().enable();
            if let Some(connections) = self.resting() {
                // The last one writes the log into the file, which blocks.
                let _ = spawn_blocking(move || drop(connections)).await;
                return;
            }
            rest.await;
        }
    }

    /// The connections, once none has anything to do.
    fn resting(&self) -> Option<Vec<Connection>> {
        let mut state = self.state();
        (state.busy == 0).then(|| std::mem::take(&mut state.idle))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let State { busy, waiting, .. } = self;
        let waiting = waiting.len();
        f.debug_struct("State")
            .field("busy", busy)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

/// That nothing was done.
fn refusal(why: &'static str) -> Error {
    Error::by_layer("store", Code::Unavailable, why).with_recovery(Recovery::NeverProcessed)
}
