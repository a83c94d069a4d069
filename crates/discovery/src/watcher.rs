//! Watches a service in the background, and keeps the last good list whatever the registry does.
//!
//! It never spins: after an error it pauses, from a tenth of a second to ten seconds, and a registry
//! that always has news is asked at most fifty times a second.

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{Backoff, Discovery, RegistryError, Snapshot, Watch};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The shortest time between two questions.
const PACE: Duration = Duration::from_millis(20);

/// What is known of a service.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The last good list; none before the first.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Since when the registry fails, and how: the list is as old as that.
    pub failing: Option<(Instant, RegistryError)>,
}

impl View {
    /// How old the list is: zero as long as the registry tells of changes.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.failing.as_ref().map_or(Duration::ZERO, |(since, _)| since.elapsed())
    }
}

/// Watches one service. Cloning shares it; when the last one is dropped, nobody watches any more.
#[derive(Clone, Debug)]
pub struct Watcher(watch::Receiver<View>);

impl Watcher {
    /// Begins to watch `service`, as a background task of `platform`.
    ///
    /// # Errors
    /// Where the registry can have no such service.
    pub fn start(
        discovery: &dyn Discovery,
        service: &str,
        platform: &Platform,
    ) -> Result<Self, RegistryError> {
        let source = discovery.watch(service, platform)?;
        let (tell, view) = watch::channel(View::default());
        let running = run(source, tell, service.to_owned(), platform.clone());
        drop(platform.tasks().spawn(running));
        Ok(Watcher(view))
    }

    /// What is known now.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.borrow().clone()
    }

    /// Waits until something else is known. `false` when nobody watches any more.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

async fn run(
    mut source: Box<dyn Watch>,
    tell: watch::Sender<View>,
    service: String,
    platform: Platform,
) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let asked = Instant::now();
        let told = tokio::select! {
            biased;
            () = tell.closed() => return,
            told = source.next() => told,
        };
        let pause = match told {
            Ok(snapshot) => {
                backoff.reset();
                take(&tell, &service, snapshot);
                sleep_until(asked + PACE)
            }
            Err(error) => {
                let pause = backoff.pause(platform.random());
                fail(&tell, &service, error);
                sleep(pause)
            }
        };
        tokio::select! {
            biased;
            () = tell.closed() => return,
            () = pause => {}
        }
    }
}

fn take(tell: &watch::Sender<View>, service: &str, snapshot: Snapshot) {
    tell.send_if_modified(|view| {
        if view.failing.take().is_some() {
            tracing::info!(service, instances = snapshot.len(), "the registry answers again");
        } else if view.snapshot.as_deref() == Some(&snapshot) {
            return false;
        }
        let news = |ignored: &&crate::Ignored| {
            !view.snapshot.as_ref().is_some_and(|old| old.ignored().contains(ignored))
        };
        for ignored in snapshot.ignored().iter().filter(news) {
            tracing::warn!(service, %ignored, "an entry of the registry is no instance");
        }
        view.snapshot = Some(Arc::new(snapshot));
        true
    });
}

fn fail(tell: &watch::Sender<View>, service: &str, error: RegistryError) {
    tell.send_modify(|view| match &mut view.failing {
        Some((_, last)) => *last = error,
        failing @ None => {
            tracing::warn!(service, %error, "the registry fails; the last list is kept");
            *failing = Some((Instant::now(), error));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_core::future::BoxFuture;

    use super::*;
    use crate::Instance;

    type Told = Result<Snapshot, RegistryError>;

    /// Tells what it is given, one after the other, and then the last thing for ever.
    #[derive(Clone)]
    struct Script(Arc<Mutex<Vec<Told>>>, Arc<AtomicUsize>);

    impl Script {
        fn new(mut told: Vec<Told>) -> Self {
            told.reverse();
            Script(Arc::new(Mutex::new(told)), Arc::default())
        }
    }

    impl Discovery for Script {
        fn describe(&self) -> String {
            "script".to_owned()
        }

        fn watch(&self, _: &str, _: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Watch for Script {
        fn next(&mut self) -> BoxFuture<'_, Told> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let mut told = self.0.lock().unwrap();
            let next = if told.len() > 1 { told.pop() } else { told.last().cloned() };
            Box::pin(async move { next.unwrap() })
        }
    }

    fn one() -> Told {
        Ok(Snapshot::new([Instance::new("a:1")]))
    }

    fn broken() -> Told {
        Err(RegistryError::failed("asking the registry", &"it is gone"))
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_list_is_kept_and_its_age_is_told() {
        let script = Script::new(vec![one(), broken()]);
        let mut watcher = Watcher::start(&script, "shop", &Platform::system()).unwrap();
        assert!(watcher.changed().await);
        assert_eq!(watcher.view().age(), Duration::ZERO);
        assert!(watcher.changed().await);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let view = watcher.view();
        assert_eq!(view.snapshot.as_ref().unwrap().len(), 1);
        assert!(view.failing.as_ref().unwrap().1.to_string().contains("it is gone"));
        assert!(view.age() > Duration::from_secs(59), "{:?}", view.age());
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_answers_again_is_current_even_if_nothing_changed() {
        let script = Script::new(vec![one(), broken(), one()]);
        let watcher = Watcher::start(&script, "shop", &Platform::system()).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(watcher.view().failing.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_never_spins() {
        for told in [one(), broken()] {
            let script = Script::new(vec![told.clone()]);
            let watcher = Watcher::start(&script, "shop", &Platform::system()).unwrap();
            tokio::time::sleep(Duration::from_secs(100)).await;
            let asked = script.1.load(Ordering::Relaxed);
            let most = if told.is_ok() { 5_001 } else { 40 };
            assert!((10..=most).contains(&asked), "{asked}");
            drop(watcher);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_watches_for_nobody() {
        let platform = Platform::system();
        let watcher = Watcher::start(&Script::new(vec![one()]), "shop", &platform).unwrap();
        drop(watcher);
        platform.tasks().idle().await;
    }
}
