//! What every registry must do besides that takes instances.

use kitfox_core::Platform;
use tokio::time::timeout;

use super::{LIMIT, Registry, full, is_name, listed, plain, watch};
use crate::{Instance, Registered, Standing};

/// Tests of a registry that takes instances: see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! registrar_suite {
    ($new:expr, $($runtime:tt)*) => {
        $crate::discovery_suite!(@ [$new] [$($runtime)*]
            who_registers_is_seen_as_it_is
            who_leaves_is_not_listed_any_more
            a_registry_that_lost_everything_finds_everybody_again
            a_registry_that_was_away_finds_everybody_again
            who_dies_is_not_listed_any_more
            who_can_never_be_registered_is_told_beforehand
        );
    };
}

async fn register(backend: &impl Registry, instance: Instance) -> Registered {
    let registered = Registered::start(backend.registrar(), "shop", instance, &Platform::system());
    timeout(LIMIT, registered.settled()).await.expect("registered in time");
    assert_eq!(registered.check(), Ok(()));
    registered
}

/// What is registered is seen as it is, by those who watch already and those who come later.
pub async fn who_registers_is_seen_as_it_is(backend: impl Registry) {
    let mut early = watch(&backend, "shop");
    listed(&mut early, &[]).await;
    let _registered = register(&backend, full()).await;
    listed(&mut early, &[backend.known(full())]).await;
    listed(&mut watch(&backend, "shop"), &[backend.known(full())]).await;
}

/// Who leaves is gone, and nobody else is.
pub async fn who_leaves_is_not_listed_any_more(backend: impl Registry) {
    let mut watcher = watch(&backend, "shop");
    let first = register(&backend, full()).await;
    let _second = register(&backend, plain()).await;
    let both = [full(), plain()].map(|instance| backend.known(instance));
    listed(&mut watcher, &both).await;
    assert_eq!(first.leave(LIMIT).await, Ok(()));
    listed(&mut watcher, &both[1..]).await;
}

/// A registry that lost everything finds everybody registered again, without anybody's help.
pub async fn a_registry_that_lost_everything_finds_everybody_again(backend: impl Registry) {
    let mut watcher = watch(&backend, "shop");
    let _first = register(&backend, full()).await;
    let _second = register(&backend, plain()).await;
    let both = [full(), plain()].map(|instance| backend.known(instance));
    listed(&mut watcher, &both).await;
    backend.lose();
    // Who comes now can only see what was registered since.
    listed(&mut watch(&backend, "shop"), &both).await;
    listed(&mut watcher, &both).await;
}

/// Who registers while the registry is away is told so, and is registered when it is back.
pub async fn a_registry_that_was_away_finds_everybody_again(backend: impl Registry) {
    backend.put("shop", Vec::new()).await;
    backend.fail(true);
    let registered = Registered::start(backend.registrar(), "shop", full(), &Platform::system());
    timeout(LIMIT, registered.settled()).await.expect("told in time");
    assert!(matches!(registered.standing(), Standing::Failing(..)), "{:?}", registered.standing());
    backend.fail(false);
    listed(&mut watch(&backend, "shop"), &[backend.known(full())]).await;
}

/// Who dies without leaving is gone all the same, and nobody else is.
pub async fn who_dies_is_not_listed_any_more(backend: impl Registry) {
    let (registrar, platform) = (backend.registrar(), Platform::system());
    let instance = full();
    let dies = registrar.register("shop", &instance, &platform).await.expect("it is taken");
    let _lives = register(&backend, plain()).await;
    let mut watcher = watch(&backend, "shop");
    let both = [full(), plain()].map(|instance| backend.known(instance));
    listed(&mut watcher, &both).await;
    backend.kill(dies);
    listed(&mut watcher, &both[1..]).await;
    listed(&mut watch(&backend, "shop"), &both[1..]).await;
}

/// What a registry can never take it refuses before and when it is registered.
pub async fn who_can_never_be_registered_is_told_beforehand(backend: impl Registry) {
    let (registrar, platform) = (backend.registrar(), Platform::system());
    assert_eq!(registrar.check("shop", &full()), Ok(()));
    let nowhere = Instance::new("nowhere");
    assert!(is_name(&registrar.check("shop", &nowhere)), "nobody could call it");
    let Some(name) = backend.impossible() else { return };
    let refused = registrar.register(name, &full(), &platform).await.map(drop);
    assert!(is_name(&registrar.check(name, &full())) && is_name(&refused), "`{name}` can never be");
}
