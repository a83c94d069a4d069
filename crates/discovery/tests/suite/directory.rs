//! The directory, on a real disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kitfox_discovery::{Directory, Discovery, Registrar};

use super::Backend;

/// A directory that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kitfox-suite-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn directory(&self) -> Directory {
        Directory::new(&self.0).interval(Duration::from_millis(40))
    }
}

impl Backend for Scratch {
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(self.directory())
    }

    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.directory())
    }

    fn lose(&self) {
        std::fs::remove_dir_all(&self.0).expect("the directory is there");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

super::suite!(Scratch::new, flavor = "current_thread");
