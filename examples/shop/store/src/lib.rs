//! SQLite for a service of the shop: off the async threads, bounded, and tied to its host.
//!
//! A service has one file, which all of its replicas on the machine share. Reads go by a few
//! connections, writes by one (SQLite writes one at a time, and so nobody in this process waits for
//! another by trying again and again). Each job runs on a thread that may block; how many run and how
//! many wait is limited, and what waits ends with its call.

mod error;
mod pool;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kitfox::{Error, Host};
use rusqlite::{Connection, TransactionBehavior};

pub use error::{Abort, StoreError};
pub use rusqlite;

use error::{Doing, unusable};
use pool::Pool;

/// Connections that read.
const READERS: usize = 3;

/// How long a job waits for another process that writes, before it fails.
const BUSY: Duration = Duration::from_secs(1);

/// A service's SQLite file. Cloning shares its connections.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    readers: Arc<Pool>,
    writer: Arc<Pool>,
}

impl Store {
    /// Opens the file at `path`, and makes it if there is none. `schema` is run each time, so it says
    /// `IF NOT EXISTS`.
    ///
    /// What is committed survives the end of the process, and not that of the machine's power: the
    /// file is in WAL mode, and synchronous only at its checkpoints.
    ///
    /// # Errors
    /// When the file cannot be opened, or `schema` does not fit it.
    pub async fn open(path: impl Into<PathBuf>, schema: &'static str) -> Result<Self, StoreError> {
        let path = path.into();
        let mut left = 50;
        loop {
            let at = path.clone();
            let opened = tokio::task::spawn_blocking(move || connect_all(&at, schema)).await;
            match opened.map_err(|_| StoreError::Panicked)? {
                Ok((writer, readers)) => {
                    let (readers, writer) = (Pool::new(readers), Pool::new(vec![writer]));
                    return Ok(Store { path, readers, writer });
                }
                // Nobody waits for the switch to WAL mode, when replicas start at the same time.
                Err(error) if error.is_busy() && left > 0 => left -= 1,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs `job`, which changes nothing.
    ///
    /// # Errors
    /// What `job` refuses, and that of SQLite or of the pool as a [`kitfox::Error`].
    pub async fn read<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let outcome = self.readers.run(|connection| job(connection)).await?;
        outcome.map_err(|abort| abort.into_error(&self.path))
    }

    /// Runs `job` in a transaction, which is committed when it ends well.
    ///
    /// A job that has begun is finished, even if its call has ended meanwhile.
    ///
    /// # Errors
    /// As [`Store::read`]; nothing has changed then.
    pub async fn write<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, Abort<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let outcome = self.writer.run(|connection| {
            // At once, since a transaction that reads first may find that it can no longer write.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let output = job(&transaction)?;
            transaction.commit()?;
            Ok(output)
        });
        outcome.await?.map_err(|abort: Abort<E>| abort.into_error(&self.path))
    }

    /// Ties the store to a host: it is ready only while the file can be read, and closes the file at
    /// drain, after the last call.
    pub fn tend(&self, host: Host) -> Host {
        let (checked, closed) = (self.clone(), self.clone());
        host.check("store", move || {
            let store = checked.clone();
            async move { store.check().await }
        })
        .worker("store", move |cx| {
            let store = closed.clone();
            async move {
                cx.done().await;
                store.close().await;
            }
        })
    }

    /// Whether the file is there and can be read.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> Result<(), Error> {
        let path = self.path.clone();
        self.read(move |connection| {
            // SQLite goes on in a file that somebody has deleted, alone.
            std::fs::metadata(&path).map_err(|cause| Abort::Refused(unusable(&path, cause)))?;
            Ok(connection.query_row("PRAGMA schema_version", (), |_| Ok(()))?)
        })
        .await
    }

    /// Waits for the jobs that run or wait, and closes the file. Later ones are refused.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn connect_all(
    path: &Path,
    schema: &'static str,
) -> Result<(Connection, Vec<Connection>), StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|cause| StoreError::Folder { path: folder.into(), cause })?;
    }
    let mut writer = connect(path).doing("open", path)?;
    prepare(&mut writer, schema).doing("make the tables of", path)?;
    let readers = (0..READERS).map(|_| connect(path).doing("open", path));
    Ok((writer, readers.collect::<Result<_, _>>()?))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn prepare(writer: &mut Connection, schema: &str) -> rusqlite::Result<()> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(schema)?;
    transaction.commit()
}

#[cfg(test)]
mod tests;
