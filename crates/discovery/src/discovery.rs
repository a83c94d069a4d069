//! Who is there, as a registry tells it.

use std::fmt::Display;

use futures_core::future::BoxFuture;
use kitfox_core::Platform;

use crate::Snapshot;

/// A registry that can be asked who serves what.
///
/// A backend says what there is and when that changes; keeping the last good answer, pausing after
/// failures and telling everybody is a [`Watcher`](crate::Watcher)'s.
pub trait Discovery: Send + Sync + 'static {
    /// What it is, for errors and pages: `directory /run/kitfox`.
    fn describe(&self) -> String;

    /// Begins to watch `service`. Sockets, randomness and tasks are `platform`'s.
    ///
    /// # Errors
    /// Where the registry can have no service of that name.
    fn watch(&self, service: &str, platform: &Platform) -> Result<Box<dyn Watch>, RegistryError>;
}

/// One service of a registry.
pub trait Watch: Send + 'static {
    /// The full list: at once when asked first and after an error, then as soon as it differs from
    /// the last one. May be dropped and asked again without losing anything.
    ///
    /// # Errors
    /// Where the registry cannot be asked, or its answer cannot be understood. It is asked again.
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>>;
}

/// What a registry cannot do, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No registry of this kind can hold it. Trying again does not help.
    #[error("the registry can hold no {what} `{name}`: {mend}")]
    Name {
        /// What it was to be.
        what: &'static str,
        /// What it is called.
        name: String,
        /// How to mend it.
        mend: &'static str,
    },
    /// The registry did not do what it was asked.
    #[error("{doing}: {why}")]
    Failed {
        /// What was being done, and to what.
        doing: String,
        /// What went wrong.
        why: String,
    },
    /// An instance was registered and is no more.
    #[error("the registration was lost: {0}")]
    Lost(String),
}

impl RegistryError {
    /// That `doing` something did not work.
    #[must_use]
    pub fn failed(doing: impl Into<String>, why: &dyn Display) -> Self {
        RegistryError::Failed { doing: doing.into(), why: why.to_string() }
    }
}
