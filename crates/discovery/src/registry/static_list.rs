//! A list that never changes: the registry of those who know.

use std::collections::BTreeMap;

use futures_core::future::BoxFuture;
use kitfox_core::Platform;

use crate::{Discovery, Instance, RegistryError, Snapshot, Watch};

/// Services and their instances, written down.
///
/// ```
/// use kitfox_discovery::StaticList;
///
/// let list = StaticList::new().service("shop", ["10.0.0.7:8080", "10.0.0.8:8080"]);
/// # let _ = list;
/// ```
#[derive(Clone, Debug, Default)]
pub struct StaticList(BTreeMap<String, Snapshot>);

impl StaticList {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        StaticList::default()
    }

    /// With the addresses of a service.
    #[must_use]
    pub fn service<A: Into<String>>(
        self,
        name: impl Into<String>,
        addresses: impl IntoIterator<Item = A>,
    ) -> Self {
        self.instances(name, addresses.into_iter().map(Instance::new))
    }

    /// With the instances of a service.
    #[must_use]
    pub fn instances(
        mut self,
        name: impl Into<String>,
        instances: impl IntoIterator<Item = Instance>,
    ) -> Self {
        self.0.insert(name.into(), Snapshot::new(instances));
        self
    }
}

impl Discovery for StaticList {
    fn describe(&self) -> String {
        "static list".to_owned()
    }

    /// A service that is not in the list is an error: nobody could ever come.
    fn watch(&self, service: &str, _: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
        let found = self.0.get(service).cloned().ok_or_else(|| RegistryError::Name {
            what: "service",
            name: service.to_owned(),
            mend: "it is not in the static list: add it there",
        })?;
        Ok(Box::new(Once(Some(found))))
    }
}

struct Once(Option<Snapshot>);

impl Watch for Once {
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
        let list = self.0.take();
        Box::pin(async move {
            match list {
                Some(list) => Ok(list),
                None => std::future::pending().await,
            }
        })
    }
}
