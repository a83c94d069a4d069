//! What every registry must do that can be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox_core::Platform;
use tokio::time::{sleep, timeout};

use super::counting::Counting;
use super::{Backend, LIMIT, full, is_name, listed, plain, until, watch, watch_by};
use crate::{Instance, Snapshot, Watch};

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(2);

/// How often a registry may be polled in that time: a [`Watcher`](crate::Watcher) asks at most fifty
/// times a second.
const MOST_POLLS: usize = 100;

/// Tests of a registry that can be asked: see [`conformance`](crate::conformance).
#[macro_export]
macro_rules! discovery_suite {
    ($new:expr, $($runtime:tt)*) => {
        $crate::discovery_suite!(@ [$new] [$($runtime)*]
            nobody_is_an_empty_list
            an_instance_is_told_with_all_that_is_known_of_it
            who_comes_and_who_goes_is_told
            services_are_told_apart
            an_error_keeps_the_last_list_and_tells_how_old_it_is
            nothing_is_lost_by_who_stops_waiting
            who_waits_keeps_nobody_busy
            a_service_that_can_never_be_is_refused_at_once
        );
    };
    (@ $new:tt $runtime:tt $($name:ident)*) => {
        $( $crate::discovery_suite!(one $name $new $runtime); )*
    };
    (one $name:ident [$new:expr] [$($runtime:tt)*]) => {
        #[tokio::test($($runtime)*)]
        async fn $name() {
            $crate::conformance::$name($new(stringify!($name))).await;
        }
    };
}

/// A service that nobody serves is an empty list, and no error.
pub async fn nobody_is_an_empty_list(backend: impl Backend) {
    backend.put("shop", Vec::new()).await;
    listed(&mut watch(&backend, "shop"), &[]).await;
}

/// What is known of an instance is seen as it is, and in the order of addresses.
pub async fn an_instance_is_told_with_all_that_is_known_of_it(backend: impl Backend) {
    backend.put("shop", vec![plain(), full()]).await;
    let expected = [full(), plain()].map(|instance| backend.known(instance));
    listed(&mut watch(&backend, "shop"), &expected).await;
}

/// Those who watch are told of changes, one after the other; those who come later see the last one.
pub async fn who_comes_and_who_goes_is_told(backend: impl Backend) {
    if !backend.lives() {
        return;
    }
    backend.put("shop", Vec::new()).await;
    let mut watcher = watch(&backend, "shop");
    listed(&mut watcher, &[]).await;
    for instances in [vec![full()], vec![full(), plain()], vec![plain()], Vec::new(), vec![full()]]
    {
        backend.put("shop", instances.clone()).await;
        let expected: Vec<_> = instances.into_iter().map(|it| backend.known(it)).collect();
        listed(&mut watcher, &expected).await;
        listed(&mut watch(&backend, "shop"), &expected).await;
    }
}

/// A service does not see the instances of another one, whose name begins as its own does.
pub async fn services_are_told_apart(backend: impl Backend) {
    backend.put("shop", vec![full()]).await;
    backend.put("shop.v2", vec![plain()]).await;
    listed(&mut watch(&backend, "shop"), &[backend.known(full())]).await;
    listed(&mut watch(&backend, "shop.v2"), &[backend.known(plain())]).await;
}

/// Whoever watches keeps the last good list while the registry fails, knows how old it is and why, and
/// is current when it answers again, though nothing has changed.
pub async fn an_error_keeps_the_last_list_and_tells_how_old_it_is(backend: impl Backend) {
    if !backend.lives() {
        return;
    }
    backend.put("shop", vec![full()]).await;
    let expected = [backend.known(full())];
    let mut watcher = watch(&backend, "shop");
    listed(&mut watcher, &expected).await;
    assert_eq!(watcher.view().age(), Duration::ZERO);

    backend.fail(true);
    until(&mut watcher, "an error", |view| view.failing.is_some()).await;
    sleep(IDLE).await;
    let view = watcher.view();
    assert!(view.age() >= IDLE, "it is older than that: {:?}", view.age());
    let kept = view.snapshot.as_ref().map(|list| list.instances());
    assert_eq!(kept, Some(&expected[..]), "the last list is kept");
    let why = view.failing.map(|(_, error)| error.to_string()).unwrap_or_default();
    assert!(why.len() > 10, "the error says what went wrong: {why:?}");

    backend.fail(false);
    listed(&mut watcher, &expected).await;
    assert_eq!(watcher.view().age(), Duration::ZERO);
}

/// Whoever gives up waiting for a change, and asks again, is told of it nevertheless.
pub async fn nothing_is_lost_by_who_stops_waiting(backend: impl Backend) {
    backend.put("shop", vec![full()]).await;
    let discovery = backend.discovery();
    let mut asked = discovery.watch("shop", &Platform::system()).expect("a sane name");
    let (first, second) = ([full()].map(|it| backend.known(it)), [plain(), full()]);
    next(&mut *asked, &first).await;
    for _ in 0..10 {
        let news = timeout(Duration::from_millis(10), asked.next()).await;
        assert!(news.is_err(), "nothing has changed: {news:?}");
    }
    if backend.lives() {
        backend.put("shop", second.to_vec()).await;
        // As somebody asks who has something else to do as well.
        let second = Snapshot::new(second.map(|it| backend.known(it)));
        next(&mut *asked, second.instances()).await;
    }
}

/// Asks again and again, a moment each time, until it is told these.
async fn next(asked: &mut dyn Watch, expected: &[Instance]) {
    let told = async {
        loop {
            match timeout(Duration::from_millis(50), asked.next()).await {
                Ok(Ok(list)) if list.instances() == expected => return,
                Ok(Err(error)) => panic!("it works: {error}"),
                // The list on the way there, or not yet.
                Ok(Ok(_)) | Err(_) => {}
            }
        }
    };
    assert!(timeout(LIMIT, told).await.is_ok(), "{expected:?} was never told");
}

/// Where nothing changes, nobody is busy.
pub async fn who_waits_keeps_nobody_busy(backend: impl Backend) {
    backend.put("shop", vec![full()]).await;
    let polls = Arc::new(AtomicUsize::new(0));
    let inner = backend.discovery();
    let counting = Counting { inner, polls: Arc::clone(&polls), most: MOST_POLLS };
    let mut watcher = watch_by(&counting, "shop");
    listed(&mut watcher, &[backend.known(full())]).await;
    sleep(IDLE).await;
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls < MOST_POLLS, "it spins: {polls} polls in {IDLE:?}");
}

/// A name that no service can have is refused when it is asked for, and not later.
pub async fn a_service_that_can_never_be_is_refused_at_once(backend: impl Backend) {
    let Some(name) = backend.impossible() else { return };
    let refused = backend.discovery().watch(name, &Platform::system()).map(drop);
    assert!(is_name(&refused), "`{name}` can never be");
}
