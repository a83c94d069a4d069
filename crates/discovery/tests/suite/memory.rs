//! The registry in memory.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use kitfox_discovery::conformance::{Backend, Registry};
use kitfox_discovery::{Discovery, Instance, Memory, Registrar};

/// A registry of its own for each test.
struct InMemory(Memory);

impl InMemory {
    fn new(_: &str) -> Self {
        InMemory(Memory::new())
    }
}

impl Backend for InMemory {
    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.0.clone())
    }

    fn put<'a>(&'a self, service: &'a str, instances: Vec<Instance>) -> BoxFuture<'a, ()> {
        self.0.set(service, instances);
        Box::pin(std::future::ready(()))
    }

    fn fail(&self, fails: bool) {
        self.0.fail(fails.then_some("the memory is full"));
    }
}

impl Registry for InMemory {
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(self.0.clone())
    }

    fn lose(&self) {
        self.0.forget();
    }
}

kitfox_discovery::discovery_suite!(InMemory::new, start_paused = true);
kitfox_discovery::registrar_suite!(InMemory::new, start_paused = true);
