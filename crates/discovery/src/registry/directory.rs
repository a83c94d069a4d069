//! A directory as a registry: a file for each instance, with a lock that dies with its process. Needs
//! no server, on one machine.
//!
//! `DIRECTORY/SERVICE/ADDRESS-RANDOM.json` holds an instance. Whoever registers writes a file beside
//! it, locks that, and gives it its name: so every file that is seen is whole, and locked for as long
//! as its process lives. Whoever watches reads the directory again and again, and takes those files
//! that somebody has locked; of those that nobody has, the process is dead, and it removes them.

mod entry;
mod own;

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use kitfox_core::Platform;
use tokio::time::sleep;

use crate::{
    Discovery, Ignored, Instance, Registrar, Registration, RegistryError, Snapshot, Watch,
};
use own::Own;

/// How often a watcher looks, and an instance sees after its file.
const INTERVAL: Duration = Duration::from_millis(500);

/// How many files of a service are read. More are reported, and not read.
const MOST_ENTRIES: usize = 10_000;

/// How files end that hold an instance.
const ENDING: &str = ".json";

/// How files begin that get their names later.
const UNFINISHED: &str = ".kitfox-";

/// A directory that is a registry for all processes of a machine. Cloning shares nothing but its path.
///
/// A change is noticed after at most a second by default: half a second, half of it by chance.
///
/// ```no_run
/// use kitfox_discovery::Directory;
///
/// let registry = Directory::new("/run/kitfox");
/// # let _ = registry;
/// ```
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    interval: Duration,
}

impl Directory {
    /// The registry in the directory at `path`, which is made where it is not there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Directory { path: path.into(), interval: INTERVAL }
    }

    /// With another time between two looks; 500 ms by default, 10 ms at least.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(10));
        self
    }

    /// Where the files of `service` are.
    fn of(&self, service: &str) -> Result<PathBuf, RegistryError> {
        let sane = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let mend = if service.is_empty() || service.len() > 128 {
            "give it 1 to 128 letters"
        } else if service.starts_with('.') {
            "let it begin with a letter"
        } else if !service.chars().all(sane) {
            "use letters, digits and `-_.`"
        } else {
            return Ok(self.path.join(service));
        };
        Err(RegistryError::Name { what: "service", name: service.to_owned(), mend })
    }
}

/// A time between two looks: a quarter more or less by chance, so that not all look at once.
async fn pause(interval: Duration, platform: &Platform) {
    sleep(interval.mul_f64(0.75 + platform.random().next_f64() / 2.0)).await;
}

/// Runs what may wait for a disk where that harms nobody.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it does not panic, and nobody aborts it")
}

impl Discovery for Directory {
    fn describe(&self) -> String {
        format!("directory {}", self.path.display())
    }

    fn watch(&self, service: &str, platform: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
        Ok(Box::new(Watching {
            path: self.of(service)?,
            interval: self.interval,
            platform: platform.clone(),
            told: None,
            read: Arc::default(),
        }))
    }
}

struct Watching {
    path: PathBuf,
    interval: Duration,
    platform: Platform,
    told: Option<Snapshot>,
    read: Arc<Read>,
}

impl Watch for Watching {
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
        Box::pin(async move {
            loop {
                let (path, before) = (self.path.clone(), Arc::clone(&self.read));
                let (listed, read) = on_disk(move || look(&path, &before)).await;
                self.read = Arc::new(read);
                if listed.is_err() || self.told.as_ref() != listed.as_ref().ok() {
                    self.told = listed.as_ref().ok().cloned();
                    return listed;
                }
                pause(self.interval, &self.platform).await;
            }
        })
    }
}

/// The files that were read, by their names: one that did not change is not read again.
type Read = HashMap<String, (Stamp, Found)>;

/// What is in a file.
#[derive(Clone)]
enum Found {
    Instance(Instance),
    /// It has no name yet.
    Unfinished,
    Garbage(String),
}

/// What tells whether a file has changed.
type Stamp = (u64, Option<SystemTime>);

/// Everybody who is in the directory and lives.
fn look(directory: &Path, before: &Read) -> (Result<Snapshot, RegistryError>, Read) {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // Nobody was there yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (Ok(Snapshot::default()), Read::new());
        }
        Err(error) => {
            return (Err(failed("reading the directory", directory, &error)), Read::new());
        }
    };
    let (mut instances, mut ignored, mut read) = (Vec::new(), Vec::new(), Read::new());
    for (number, entry) in entries.enumerate() {
        let entry = match entry {
            Ok(entry) if number < MOST_ENTRIES => entry,
            Ok(_) => {
                let why = format!("there are more than {MOST_ENTRIES} files; the rest is not read");
                ignored.push(Ignored { entry: directory.display().to_string(), why });
                break;
            }
            Err(error) => {
                return (Err(failed("reading the directory", directory, &error)), Read::new());
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(ENDING) && !name.starts_with(UNFINISHED) {
            let why = "it is no file of a registry".to_owned();
            ignored.push(Ignored { entry: name, why });
            continue;
        }
        match one(&entry.path(), before.get(&name)) {
            Ok(Some((stamp, found))) => {
                match &found {
                    Found::Instance(instance) => instances.push(instance.clone()),
                    Found::Unfinished => {}
                    Found::Garbage(why) => {
                        ignored.push(Ignored { entry: name.clone(), why: why.clone() });
                    }
                }
                read.insert(name, (stamp, found));
            }
            Ok(None) => {}
            Err(error) => ignored.push(Ignored { entry: name, why: error.to_string() }),
        }
    }
    ignored.sort_by(|a, b| a.entry.cmp(&b.entry));
    (Ok(Snapshot::new(instances).ignoring(ignored)), read)
}

/// What a file says; nothing where its process is dead.
fn one(path: &Path, before: Option<&(Stamp, Found)>) -> io::Result<Option<(Stamp, Found)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        // It has just gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Some(((0, None), Found::Garbage("it is no file".to_owned()))));
    }
    let stamp = (metadata.len(), metadata.modified().ok());
    let before = before.filter(|(old, _)| *old == stamp).map(|(_, found)| found.clone());
    let known = before.is_some();
    let unfinished =
        path.file_name().is_some_and(|it| it.to_string_lossy().starts_with(UNFINISHED));
    let found = match before {
        Some(found) => found,
        None if unfinished => Found::Unfinished,
        None => match entry::read(&file, metadata.len()) {
            Ok(instance) => Found::Instance(instance),
            Err(why) => Found::Garbage(why),
        },
    };
    let dead = match file.try_lock_shared() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    let sweeps = match found {
        Found::Instance(_) => true,
        // It may just have been made, and be locked in a moment.
        Found::Unfinished => known,
        // It is somebody else's.
        Found::Garbage(_) => false,
    };
    if dead && sweeps {
        sweep(path, &file);
        return Ok(None);
    }
    Ok(Some((stamp, found)))
}

/// Removes a file whose process is dead, if it is still that file.
fn sweep(path: &Path, file: &File) {
    let same = own::identity(file).ok().zip(own::identity_at(path).ok());
    if same.is_some_and(|(open, named)| open == named) {
        // Whoever else sweeps may be quicker.
        let _ = fs::remove_file(path);
    }
}

fn failed(doing: &str, path: &Path, why: &io::Error) -> RegistryError {
    RegistryError::failed(format!("{doing} {}", path.display()), why)
}

impl Registrar for Directory {
    fn describe(&self) -> String {
        Discovery::describe(self)
    }

    fn check(&self, service: &str, instance: &Instance) -> Result<(), RegistryError> {
        self.of(service)?;
        instance.check()?;
        entry::write(instance).map(drop)
    }

    fn register<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        platform: &'a Platform,
    ) -> BoxFuture<'a, Result<Box<dyn Registration>, RegistryError>> {
        Box::pin(async move {
            self.check(service, instance)?;
            let directory = self.of(service)?;
            let (instance, random) = (instance.clone(), platform.random().next_u64());
            let own = on_disk(move || Own::write(&directory, &instance, random)).await?;
            let (interval, platform) = (self.interval, platform.clone());
            Ok(Box::new(Held { own: Arc::new(own), interval, platform }) as Box<dyn Registration>)
        })
    }
}

/// An instance that is registered: its file, and the lock on it.
struct Held {
    own: Arc<Own>,
    interval: Duration,
    platform: Platform,
}

impl Registration for Held {
    fn keep(&mut self) -> BoxFuture<'_, RegistryError> {
        Box::pin(async move {
            loop {
                pause(self.interval, &self.platform).await;
                let own = Arc::clone(&self.own);
                if let Err(lost) = on_disk(move || own.check()).await {
                    return lost;
                }
            }
        })
    }

    fn deregister(self: Box<Self>) -> BoxFuture<'static, Result<(), RegistryError>> {
        Box::pin(async move { on_disk(move || self.own.remove()).await })
    }
}

#[cfg(test)]
mod tests;
