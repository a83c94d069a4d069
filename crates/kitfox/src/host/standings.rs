//! How a host stands with its registries, for whoever asks the admin port.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox_discovery::{Registrar, RegistryError, Standing};
use tokio::time::Instant;

/// One for each registry. Cloning shares them.
#[derive(Clone)]
pub(super) struct Standings(Arc<[Arc<Entry>]>);

/// How a host stands with one of them.
pub(super) struct Entry {
    registry: String,
    state: Mutex<State>,
}

struct State {
    standing: Standing,
    /// Since when it stands so.
    since: Instant,
    /// What went wrong last.
    error: Option<RegistryError>,
}

/// The same at one moment.
pub(super) struct Stands {
    pub(super) registry: String,
    pub(super) standing: Standing,
    pub(super) time: Duration,
    pub(super) error: Option<RegistryError>,
}

impl Standings {
    pub(super) fn of(registrars: &[Arc<dyn Registrar>]) -> Self {
        let entries = registrars.iter().map(|it| Arc::new(Entry::new(it.describe())));
        Standings(entries.collect())
    }

    /// One for each registry, in the order in which they were given; each is told how the host stands.
    pub(super) fn entries(&self) -> impl Iterator<Item = Arc<Entry>> {
        self.0.iter().map(Arc::clone)
    }

    /// All at this moment.
    pub(super) fn now(&self) -> Vec<Stands> {
        self.0.iter().map(|entry| entry.now()).collect()
    }
}

impl Entry {
    fn new(registry: String) -> Self {
        let state = State { standing: Standing::Registering, since: Instant::now(), error: None };
        Entry { registry, state: Mutex::new(state) }
    }

    /// It stands like this now. What went wrong before is remembered.
    pub(super) fn tell(&self, standing: Standing) {
        let mut state = self.state();
        match &standing {
            Standing::Failing(since, error) => {
                state.since = *since;
                state.error = Some(error.clone());
            }
            other if std::mem::discriminant(other) == std::mem::discriminant(&state.standing) => {}
            _ => state.since = Instant::now(),
        }
        state.standing = standing;
    }

    fn now(&self) -> Stands {
        let State { standing, since, error } = &*self.state();
        let (standing, error) = (standing.clone(), error.clone());
        Stands { registry: self.registry.clone(), standing, time: since.elapsed(), error }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stands {
    /// In a word: `registered`.
    pub(super) fn word(&self) -> &'static str {
        match self.standing {
            Standing::Registering => "registering",
            Standing::Registered => "registered",
            Standing::Failing(..) => "failing",
            Standing::Left => "left",
        }
    }
}
