//! Putting oneself into a registry.

use futures_core::future::BoxFuture;
use kitfox_core::Platform;

use crate::{Instance, RegistryError};

/// A registry that takes instances.
///
/// A backend registers once and says when that is lost; doing it again is a
/// [`Registered`](crate::Registered)'s.
pub trait Registrar: Send + Sync + 'static {
    /// What it is, for errors and pages: `directory /run/kitfox`.
    fn describe(&self) -> String;

    /// Whether it could take `instance` as one of `service`, whoever is away now. Asks nobody: a host
    /// wants to know before it starts.
    ///
    /// # Errors
    /// Where it never can. By default where nobody could call the instance.
    fn check(&self, _service: &str, instance: &Instance) -> Result<(), RegistryError> {
        instance.check()
    }

    /// Registers `instance` as one of `service`. Sockets, randomness and tasks are `platform`'s.
    ///
    /// # Errors
    /// Where the registry does not take it.
    fn register<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        platform: &'a Platform,
    ) -> BoxFuture<'a, Result<Box<dyn Registration>, RegistryError>>;
}

/// An instance that is registered. Where it is dropped, the registry finds out by itself, at the
/// latest when the process is gone.
pub trait Registration: Send + 'static {
    /// Keeps the registration alive, and resolves when it is lost nevertheless, to the reason. May
    /// be dropped and asked again.
    fn keep(&mut self) -> BoxFuture<'_, RegistryError>;

    /// Takes the instance out of the registry.
    ///
    /// # Errors
    /// Where the registry cannot be told.
    fn deregister(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>>;
}
