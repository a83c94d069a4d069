//! The list that never changes: it is written before anybody asks.

use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use kitfox_discovery::conformance::Backend;
use kitfox_discovery::{Discovery, Instance, StaticList};

struct Written(Mutex<StaticList>);

impl Written {
    fn new(_: &str) -> Self {
        Written(Mutex::default())
    }
}

impl Backend for Written {
    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.0.lock().expect("nobody panics").clone())
    }

    fn put<'a>(&'a self, service: &'a str, instances: Vec<Instance>) -> BoxFuture<'a, ()> {
        let mut list = self.0.lock().expect("nobody panics");
        *list = list.clone().instances(service, instances);
        Box::pin(std::future::ready(()))
    }

    fn fail(&self, _: bool) {}

    fn lives(&self) -> bool {
        false
    }

    fn impossible(&self) -> Option<&str> {
        Some("who is not in the list")
    }
}

kitfox_discovery::discovery_suite!(Written::new, start_paused = true);
