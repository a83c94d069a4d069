//! What every registry must do. A backend joins by a [`Backend`] and a line: `suite!(Etcd::new)`.
//!
//! The times are real where the registry is, so that waits are for a condition, with a limit.

/// A test for each, over the backend that `$new` makes.
macro_rules! suite {
    ($new:expr, $($runtime:tt)*) => {
        crate::suite::suite!(@ [$new] [$($runtime)*]
            nobody_is_an_empty_list
            everything_that_is_known_of_an_instance_arrives
            who_leaves_is_not_listed_any_more
            services_are_told_apart
            a_registry_that_lost_everything_finds_everybody_again
        );
    };
    (@ $new:tt $runtime:tt $($name:ident)*) => {
        $( crate::suite::suite!(one $name $new $runtime); )*
    };
    (one $name:ident [$new:expr] [$($runtime:tt)*]) => {
        #[tokio::test($($runtime)*)]
        async fn $name() {
            crate::suite::$name($new(stringify!($name))).await;
        }
    };
}

pub(crate) use suite;

mod directory;
mod memory;

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_discovery::{Discovery, Instance, Registered, Registrar, Watcher};
use tokio::time::timeout;

/// The longest that anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A registry, and what a test does to it.
pub(crate) trait Backend: Send + Sync {
    /// For those who register.
    fn registrar(&self) -> Arc<dyn Registrar>;

    /// For those who watch.
    fn discovery(&self) -> Arc<dyn Discovery>;

    /// Loses everything, as a registry does that is replaced by an empty one.
    fn lose(&self);
}

fn instance() -> Instance {
    Instance::new("10.0.0.7:8080").weight(50).zone("west").version("1.2.3").with("git", "4711")
}

fn watch(backend: &impl Backend) -> Watcher {
    Watcher::start(&*backend.discovery(), "shop", &Platform::system()).expect("any name will do")
}

async fn register(backend: &impl Backend, instance: Instance) -> Registered {
    let registered = Registered::start(backend.registrar(), "shop", instance, &Platform::system());
    timeout(LIMIT, registered.settled()).await.expect("registered in time");
    assert_eq!(registered.check(), Ok(()));
    registered
}

/// Waits until exactly these are listed.
async fn listed(watcher: &mut Watcher, expected: &[Instance]) {
    let seen = async {
        loop {
            let view = watcher.view();
            if view.snapshot.is_some_and(|list| list.instances() == expected) {
                return;
            }
            assert!(watcher.changed().await, "the watcher has ended");
        }
    };
    let seen = timeout(LIMIT, seen).await;
    assert!(seen.is_ok(), "expected {expected:?}, there is {:?}", watcher.view());
}

/// A service that nobody serves is an empty list, and no error.
pub(crate) async fn nobody_is_an_empty_list(backend: impl Backend) {
    listed(&mut watch(&backend), &[]).await;
}

/// What is registered is seen as it is, by those who watch already and those who come later.
pub(crate) async fn everything_that_is_known_of_an_instance_arrives(backend: impl Backend) {
    let mut early = watch(&backend);
    listed(&mut early, &[]).await;
    let _registered = register(&backend, instance()).await;
    listed(&mut early, &[instance()]).await;
    listed(&mut watch(&backend), &[instance()]).await;
}

/// Who leaves is gone, and nobody else is.
pub(crate) async fn who_leaves_is_not_listed_any_more(backend: impl Backend) {
    let (one, two) = (instance(), Instance::new("10.0.0.8:8080"));
    let mut watcher = watch(&backend);
    let first = register(&backend, one.clone()).await;
    let _second = register(&backend, two.clone()).await;
    listed(&mut watcher, &[one, two.clone()]).await;
    assert_eq!(first.leave(LIMIT).await, Ok(()));
    listed(&mut watcher, &[two]).await;
}

/// A service does not see the instances of another one.
pub(crate) async fn services_are_told_apart(backend: impl Backend) {
    let _registered = register(&backend, instance()).await;
    let platform = Platform::system();
    let mut other =
        Watcher::start(&*backend.discovery(), "shop.v2", &platform).expect("any name will do");
    listed(&mut other, &[]).await;
}

/// A registry that lost everything finds everybody registered again, without anybody's help.
pub(crate) async fn a_registry_that_lost_everything_finds_everybody_again(backend: impl Backend) {
    let mut watcher = watch(&backend);
    let others = [instance(), Instance::new("10.0.0.8:8080")];
    let _first = register(&backend, others[0].clone()).await;
    let _second = register(&backend, others[1].clone()).await;
    listed(&mut watcher, &others).await;
    backend.lose();
    // Who comes now can only see what was registered since.
    listed(&mut watch(&backend), &others).await;
    listed(&mut watcher, &others).await;
}
