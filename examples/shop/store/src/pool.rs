//! Connections, and who may have one: the async threads hand jobs over and wait.

use std::sync::{Arc, Mutex, PoisonError};

use kitfox::{Code, Error, Recovery};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many jobs may wait for a connection. More are refused: they would wait for longer than their
/// callers do.
const WAITING: usize = 500;

#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Connection>>,
    connections: usize,
    /// One for each connection, given in the order of asking.
    permits: Arc<Semaphore>,
    /// One for each job that runs or waits.
    places: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(idle: Vec<Connection>) -> Arc<Self> {
        let connections = idle.len();
        Arc::new(Pool {
            idle: Mutex::new(idle),
            connections,
            permits: Arc::new(Semaphore::new(connections)),
            places: Arc::new(Semaphore::new(connections + WAITING)),
        })
    }

    /// Runs `job` with a connection, on a thread that may block.
    ///
    /// Dropped while it waits, the job never runs; later, it is finished, and only then another may
    /// have its connection.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| overloaded())?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let mut lease = Lease::new(self, [place, permit])?;
        let done = tokio::task::spawn_blocking(move || {
            let connection = lease.connection.as_mut()?;
            Some(job(connection))
        });
        match done.await {
            Ok(output) => output.ok_or_else(closed),
            Err(_) => Err(Error::by_layer("store", Code::Internal, "a job in the store panicked")),
        }
    }

    /// Waits for the jobs, and closes the connections.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.connections).unwrap_or(u32::MAX);
        let _permits = self.permits.acquire_many(all).await;
        self.permits.close();
        let connections = std::mem::take(&mut *self.idle());
        // The last connection to close writes the log into the file, which blocks.
        let _ = tokio::task::spawn_blocking(move || drop(connections)).await;
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan, which comes back whatever happens.
struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permits: [OwnedSemaphorePermit; 2],
}

impl Lease {
    fn new(pool: &Arc<Pool>, permits: [OwnedSemaphorePermit; 2]) -> Result<Self, Error> {
        let connection = Some(pool.idle().pop().ok_or_else(closed)?);
        Ok(Lease { pool: Arc::clone(pool), connection, _permits: permits })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Before the permits, which are dropped after this.
        self.pool.idle().extend(self.connection.take());
    }
}

fn overloaded() -> Error {
    let why = format!("{WAITING} jobs wait for the store already");
    Error::by_layer("store", Code::Unavailable, why).with_recovery(Recovery::NeverProcessed)
}

fn closed() -> Error {
    let why = "the store is closed, since the process ends";
    Error::by_layer("store", Code::Unavailable, why).with_recovery(Recovery::NeverProcessed)
}
