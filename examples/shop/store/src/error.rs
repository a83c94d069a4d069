//! What goes wrong with a store, and how a job ends that does not want to be committed.

use std::io;
use std::path::{Path, PathBuf};

use kitfox::{Code, Error, Recovery};
use rusqlite::ErrorCode;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Its folder cannot be made.
    #[error("could not make the folder {path}, which the store is to be in: {cause}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// SQLite cannot work with the file.
    #[error("could not {doing} {path}: {cause}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: rusqlite::Error,
    },
    /// A bug.
    #[error("the thread that opens the store panicked")]
    Panicked,
}

impl StoreError {
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, StoreError::Sqlite { cause, .. } if is_busy(cause))
    }
}

/// Says what was being done when SQLite failed.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError::Sqlite { doing, path: path.into(), cause })
    }
}

/// Why a job ends without its output.
#[derive(Debug)]
pub enum Abort<E> {
    /// It says so: an error of the service.
    Refused(E),
    /// SQLite failed.
    Failed(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for Abort<E> {
    fn from(error: rusqlite::Error) -> Self {
        Abort::Failed(error)
    }
}

impl<E: From<Error>> Abort<E> {
    pub(crate) fn into_error(self, path: &Path) -> E {
        match self {
            Abort::Refused(error) => error,
            Abort::Failed(cause) if is_busy(&cause) => {
                let why = format!("others kept {} locked for too long", path.display());
                let error = Error::by_layer("store", Code::Unavailable, why);
                E::from(error.with_recovery(Recovery::Retry).with_source(cause))
            }
            Abort::Failed(cause) => E::from(unusable(path, cause)),
        }
    }
}

/// That the file does not do what it is for.
pub(crate) fn unusable(
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let why = format!("{} cannot be used: {cause}", path.display());
    Error::by_layer("store", Code::Internal, why).with_source(cause)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}
