//! Who serves what, and where: registrars and watchers, replicas and their health, the pick among
//! them.
//!
//! A [`Registrar`] puts an [`Instance`] into a registry and a [`Registered`] keeps it there; a
//! [`Discovery`] tells who is there, as full lists, and a [`Watcher`] keeps the last good one. A
//! [`Balanced`] is a channel to all of them: for each call it picks one replica, by what it knows of
//! their load and health.
//!
//! A registry of your own is two small traits. With the feature `conformance` there is a suite of tests
//! that it should pass, as those here do.

mod backoff;
mod balanced;
mod census;
#[cfg(feature = "conformance")]
pub mod conformance;
mod discovery;
mod instance;
mod picker;
mod registered;
mod registrar;
mod registry;
mod replica;
mod settings;
mod subset;
#[cfg(test)]
mod testing;
mod watcher;

pub use backoff::Backoff;
pub use balanced::{
    Balanced, BalancedEndpoint, Connect, Line, PICK, Prepared, ReplicaView, SteadyLine,
};
pub use discovery::{Discovery, RegistryError, Watch};
pub use instance::{Ignored, Instance, Snapshot};
pub use picker::HashKey;
pub use registered::{Registered, Standing};
pub use registrar::{Registrar, Registration};
#[cfg(feature = "dns")]
pub use registry::SystemResolver;
pub use registry::{Directory, Dns, Memory, Records, Resolver, Srv, StaticList};
pub use replica::{Event, State};
pub use settings::{BalanceSettings, HashBy, HealthSettings, Policy};
pub use watcher::{View, Watcher};
