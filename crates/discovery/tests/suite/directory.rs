//! The directory, on a real disk. Time is paused nevertheless: it stands still while the disk works.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use kitfox_core::Platform;
use kitfox_discovery::conformance::{Backend, Registry};
use kitfox_discovery::{Directory, Discovery, Instance, Registrar, Registration};

/// A directory that is removed with the test, and those who were put there.
struct Scratch {
    path: PathBuf,
    put: Mutex<Vec<(String, Box<dyn Registration>)>>,
}

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kitfox-suite-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch { path, put: Mutex::default() }
    }

    fn directory(&self) -> Directory {
        Directory::new(&self.path)
    }

    /// Where it is while it is away.
    fn aside(&self) -> PathBuf {
        self.path.with_extension("aside")
    }

    /// The files of all services, and what is in them.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let services = list(&self.path);
        let files = services.iter().flat_map(|service| list(service));
        files.map(|file| (file.clone(), fs::read(&file).expect("it can be read"))).collect()
    }
}

fn list(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

impl Backend for Scratch {
    fn discovery(&self) -> Arc<dyn Discovery> {
        Arc::new(self.directory())
    }

    fn put<'a>(&'a self, service: &'a str, instances: Vec<Instance>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut all = std::mem::take(&mut *self.put.lock().expect("nobody panics"));
            all.retain(|(name, _)| name != service);
            for instance in instances {
                let (directory, platform) = (self.directory(), Platform::system());
                let registered = directory.register(service, &instance, &platform).await;
                all.push((service.to_owned(), registered.expect("it is taken")));
            }
            *self.put.lock().expect("nobody panics") = all;
        })
    }

    /// A file stands where the directory was, and nobody can make another.
    fn fail(&self, fails: bool) {
        if fails {
            fs::create_dir_all(&self.path).expect("a directory");
            fs::rename(&self.path, self.aside()).expect("it is moved");
            fs::write(&self.path, "no directory").expect("it is written");
        } else {
            fs::remove_file(&self.path).expect("the file is there");
            fs::rename(self.aside(), &self.path).expect("it is moved back");
        }
    }

    fn impossible(&self) -> Option<&str> {
        Some("my shop")
    }
}

impl Registry for Scratch {
    fn registrar(&self) -> Arc<dyn Registrar> {
        Arc::new(self.directory())
    }

    fn lose(&self) {
        fs::remove_dir_all(&self.path).expect("the directory is there");
    }

    /// What a process leaves that was killed: its file, which nobody locks any more.
    fn kill(&self, registration: Box<dyn Registration>) {
        let before = self.files();
        drop(registration);
        let (path, text) = before.iter().find(|(path, _)| !path.exists()).expect("its file");
        fs::write(path, text).expect("it is written");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir_all(self.aside());
    }
}

kitfox_discovery::discovery_suite!(Scratch::new, start_paused = true);
kitfox_discovery::registrar_suite!(Scratch::new, start_paused = true);
