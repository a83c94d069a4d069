//! A registry in this process: for tests, and for fleets that live in one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use kitfox_core::Platform;
use tokio::sync::watch;

use crate::{Discovery, Instance, Registrar, Registration, RegistryError, Snapshot, Watch};

/// A registry in memory, which can be made to forget and to fail. Cloning shares it.
///
/// ```
/// use kitfox_discovery::{Instance, Memory};
///
/// let registry = Memory::new();
/// registry.set("shop", [Instance::new("10.0.0.7:8080")]);
/// assert_eq!(registry.instances("shop").len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Told whenever something changes.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<(String, String), Entry>,
    failure: Option<String>,
    /// The number of the last registration.
    last: u64,
}

#[derive(Debug)]
struct Entry {
    instance: Instance,
    registration: u64,
}

impl Default for Memory {
    fn default() -> Self {
        let (state, changed) = (Mutex::default(), watch::Sender::new(()));
        Memory(Arc::new(Inner { state, changed }))
    }
}

impl Memory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Memory::default()
    }

    /// Lets these be the instances of `service`, whoever registered.
    pub fn set(&self, service: &str, instances: impl IntoIterator<Item = Instance>) {
        self.change(|state| {
            state.entries.retain(|(name, _), _| name != service);
            for instance in instances {
                state.put(service, instance);
            }
        });
    }

    /// Who is registered as an instance of `service`.
    #[must_use]
    pub fn instances(&self, service: &str) -> Vec<Instance> {
        self.0.state().of(service).collect()
    }

    /// Loses everything, as a registry does that was started anew.
    pub fn forget(&self) {
        self.change(|state| state.entries.clear());
    }

    /// Fails everything that it is asked, with this reason, until it is told otherwise.
    pub fn fail(&self, why: Option<&str>) {
        self.change(|state| state.failure = why.map(str::to_owned));
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.0.state());
        self.0.changed.send_replace(());
        changed
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, service: &str) -> Result<Snapshot, RegistryError> {
        let state = self.state();
        state.works("asking the registry in memory")?;
        Ok(Snapshot::new(state.of(service)))
    }
}

impl State {
    fn put(&mut self, service: &str, instance: Instance) -> u64 {
        self.last += 1;
        let key = (service.to_owned(), instance.address.clone());
        self.entries.insert(key, Entry { instance, registration: self.last });
        self.last
    }

    fn of(&self, service: &str) -> impl Iterator<Item = Instance> {
        let found = self.entries.iter().filter(move |((name, _), _)| name == service);
        found.map(|(_, entry)| entry.instance.clone())
    }

    fn works(&self, doing: &str) -> Result<(), RegistryError> {
        match &self.failure {
            None => Ok(()),
            Some(why) => Err(RegistryError::failed(doing, why)),
        }
    }
}

impl Discovery for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn watch(&self, service: &str, _: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
        let changed = self.0.changed.subscribe();
        Ok(Box::new(Watching {
            registry: self.clone(),
            service: service.to_owned(),
            changed,
            told: None,
        }))
    }
}

struct Watching {
    registry: Memory,
    service: String,
    changed: watch::Receiver<()>,
    told: Option<Snapshot>,
}

impl Watch for Watching {
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
        Box::pin(async move {
            loop {
                self.changed.borrow_and_update();
                let listed = self.registry.0.list(&self.service);
                if listed.is_err() || self.told.as_ref() != listed.as_ref().ok() {
                    self.told = listed.clone().ok();
                    return listed;
                }
                // The sender lives as long as the registry, which is held here.
                let _ = self.changed.changed().await;
            }
        })
    }
}

impl Registrar for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn register<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        _: &'a Platform,
    ) -> BoxFuture<'a, Result<Box<dyn Registration>, RegistryError>> {
        Box::pin(async move {
            self.0.state().works("registering in memory")?;
            let number = self.change(|state| state.put(service, instance.clone()));
            let key = (service.to_owned(), instance.address.clone());
            let changed = self.0.changed.subscribe();
            let registry = self.clone();
            Ok(Box::new(Entered { registry, key, number, changed }) as Box<dyn Registration>)
        })
    }
}

struct Entered {
    registry: Memory,
    key: (String, String),
    number: u64,
    changed: watch::Receiver<()>,
}

impl Entered {
    fn holds(&self) -> bool {
        let state = self.registry.0.state();
        state.entries.get(&self.key).is_some_and(|entry| entry.registration == self.number)
    }
}

impl Registration for Entered {
    fn keep(&mut self) -> BoxFuture<'_, RegistryError> {
        Box::pin(async move {
            loop {
                self.changed.borrow_and_update();
                if !self.holds() {
                    return RegistryError::Lost(
                        "the registry does not know it any more".to_owned(),
                    );
                }
                // The sender lives as long as the registry, which is held here.
                let _ = self.changed.changed().await;
            }
        })
    }

    fn deregister(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move { self.registry.0.state().works("deregistering in memory") })
    }
}

/// Whoever leaves or dies is gone, as with a lock that dies with its holder.
impl Drop for Entered {
    fn drop(&mut self) {
        if self.holds() {
            self.registry.change(|state| state.entries.remove(&self.key));
        }
    }
}
