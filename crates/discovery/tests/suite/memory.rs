//! The registry in memory.

use std::sync::Arc;

use kitfox_discovery::{Discovery, Memory, Registrar};

use super::Backend;

impl Backend for Memory {
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(self.clone())
    }

    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.clone())
    }

    fn lose(&self) {
        self.forget();
    }
}

super::suite!(|_: &str| Memory::new(), start_paused = true);
