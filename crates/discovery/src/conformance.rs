//! What every registry must do, as tests: one suite for all of them, which later ones join.
//!
//! Part of the crate with the feature `conformance`. A registry that can be asked joins by a [`Backend`]
//! and a line in its tests; one that takes instances, too, by a [`Registry`] and another line:
//!
//! ```ignore
//! kitfox_discovery::discovery_suite!(Etcd::new, start_paused = true);
//! kitfox_discovery::registrar_suite!(Etcd::new, start_paused = true);
//! ```
//!
//! The first part is a function from the name of a test to a backend, the second what
//! `tokio::test` is told: in paused time nothing is waited for, and where a server is real, neither is
//! time. Then tests wait for what they expect, for two minutes at most.

mod counting;
mod discovery;
mod registrar;

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::Platform;
use tokio::time::timeout;

pub use discovery::*;
pub use registrar::*;

use crate::{Discovery, Instance, Registrar, Registration, RegistryError, View, Watcher};

/// The longest that anything may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A registry that can be asked, and what a test does to it.
pub trait Backend: Send + Sync {
    /// For those who watch.
    fn discovery(&self) -> Arc<dyn Discovery>;

    /// Lets exactly these be the instances of `service`.
    fn put<'a>(&'a self, service: &'a str, instances: Vec<Instance>) -> BoxFuture<'a, ()>;

    /// Fails all that it is asked, or answers again.
    fn fail(&self, fails: bool);

    /// What is left of an instance in this registry; all of it by default.
    fn known(&self, instance: Instance) -> Instance {
        instance
    }

    /// Whether what it tells can change, and fail: always but for a list that is written down.
    fn lives(&self) -> bool {
        true
    }

    /// A name that no service can have in it, if there is one.
    fn impossible(&self) -> Option<&str> {
        None
    }
}

/// A registry that takes instances, too.
pub trait Registry: Backend {
    /// For those who register.
    fn registrar(&self) -> Arc<dyn Registrar>;

    /// Loses everything, as a registry does that is replaced by an empty one.
    fn lose(&self);

    /// Lets the process that holds this registration die; by default it is dropped.
    fn kill(&self, registration: Box<dyn Registration>) {
        drop(registration);
    }
}

/// An instance with all that can be known of one.
fn full() -> Instance {
    let instance = Instance::new("10.0.0.7:8080").weight(50).priority(2);
    instance.zone("west").version("1.2.3").with("git", "4711")
}

fn plain() -> Instance {
    Instance::new("10.0.0.8:8080")
}

fn watch(backend: &impl Backend, service: &str) -> Watcher {
    watch_by(&*backend.discovery(), service)
}

fn watch_by(discovery: &dyn Discovery, service: &str) -> Watcher {
    Watcher::start(discovery, service, &Platform::system()).expect("a sane name")
}

/// Waits until what is known of the service is as it shall be.
async fn until(watcher: &mut Watcher, expected: &str, holds: impl Fn(&View) -> bool) {
    let seen = async {
        while !holds(&watcher.view()) {
            assert!(watcher.changed().await, "the watcher has ended");
        }
    };
    let seen = timeout(LIMIT, seen).await;
    assert!(seen.is_ok(), "expected {expected}, there is {:?}", watcher.view());
}

/// Waits until exactly these are listed, and the registry answers.
async fn listed(watcher: &mut Watcher, expected: &[Instance]) {
    let holds = |view: &View| {
        let list = view.snapshot.as_ref();
        view.failing.is_none() && list.is_some_and(|list| list.instances() == expected)
    };
    until(watcher, &format!("{expected:?}"), holds).await;
}

fn is_name(outcome: &Result<(), RegistryError>) -> bool {
    matches!(outcome, Err(RegistryError::Name { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Snapshot, Watch};

    /// A registry that is wrong in one way.
    #[derive(Clone, Copy)]
    enum Wrong {
        Spins,
        Forgets,
    }

    struct Told(Wrong, bool);

    impl Backend for Wrong {
        fn discovery(&self) -> Arc<dyn Discovery> {
            Arc::new(*self)
        }

        fn put<'a>(&'a self, _: &'a str, _: Vec<Instance>) -> BoxFuture<'a, ()> {
            Box::pin(std::future::ready(()))
        }

        fn fail(&self, _: bool) {}
    }

    impl Discovery for Wrong {
        fn describe(&self) -> String {
            "wrong".to_owned()
        }

        fn watch(&self, _: &str, _: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
            Ok(Box::new(Told(*self, false)))
        }
    }

    impl Watch for Told {
        fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
            let told = std::mem::replace(&mut self.1, true);
            let wrong = self.0;
            Box::pin(async move {
                match (told, wrong) {
                    (false, _) => Ok(Snapshot::new([full()])),
                    (true, Wrong::Forgets) => Ok(Snapshot::default()),
                    (true, Wrong::Spins) => loop {
                        tokio::task::yield_now().await;
                    },
                }
            })
        }
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "it spins")]
    async fn a_registry_that_spins_does_not_pass() {
        who_waits_keeps_nobody_busy(Wrong::Spins).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "nothing has changed")]
    async fn a_registry_that_tells_what_did_not_happen_does_not_pass() {
        nothing_is_lost_by_who_stops_waiting(Wrong::Forgets).await;
    }
}
