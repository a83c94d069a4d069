//! Who reads slowly stops whoever writes: nothing piles up between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox::{Context, Streaming};
use tokio::sync::Semaphore;

use super::rig::{Outcome, Rig, settled, until};
use super::service::{Item, SuiteError};

const SIZE: usize = 64 * 1024;

/// How many messages may lie between the two ends: 1.5 MiB.
const BETWEEN: usize = 24;

/// How many messages a stream has.
const ALL: usize = 48;

/// A stream of [`ALL`] messages, which counts how many were asked for.
fn counting(count: &Arc<AtomicUsize>) -> Streaming<Item, SuiteError> {
    count.store(0, Ordering::SeqCst);
    let count = Arc::clone(count);
    let item = Item::sized(SIZE);
    Streaming::of((0..ALL).map(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        item.clone()
    }))
}

pub(super) async fn a_slow_reader_stops_the_service(rig: &Rig) {
    for shape in rig.answering() {
        let written = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&written);
        rig.puppet.behave(move |_, _| {
            let items = counting(&counter);
            async move { Ok(items) }
        });
        let request = Streaming::of([Item::default()]);
        let mut answer = rig.call(shape, &Context::background(), request).await.unwrap();
        for read in [1, 20] {
            for _ in 0..read {
                answer.try_next().await.unwrap().expect("more");
            }
            let written = settled(|| written.load(Ordering::SeqCst)).await;
            assert!((1..=21 + BETWEEN).contains(&written), "{shape:?}: {written} after {read}");
        }
        let rest = Outcome::of(Ok(answer)).await.good();
        assert_eq!(rest.len(), ALL - 21, "{shape:?}");
        assert_eq!(written.load(Ordering::SeqCst), ALL, "{shape:?}");
    }
}

pub(super) async fn a_slow_service_stops_its_caller(rig: &Rig) {
    for shape in rig.asking() {
        let go_on = Arc::new(Semaphore::new(1));
        let gate = Arc::clone(&go_on);
        rig.puppet.behave(move |_, mut items: Streaming<Item, SuiteError>| {
            let gate = Arc::clone(&gate);
            async move {
                let mut count = 0;
                loop {
                    gate.acquire().await.expect("never closed").forget();
                    if items.try_next().await?.is_none() {
                        return Ok(Streaming::of([Item::numbered(count)]));
                    }
                    count += 1;
                }
            }
        });
        let written = Arc::new(AtomicUsize::new(0));
        let cx = Context::background();
        let calling = async {
            let called = rig.call(shape, &cx, counting(&written)).await;
            Outcome::of(called).await.good()
        };
        let watching = async {
            for more in [1, 20] {
                go_on.add_permits(more);
                until(|| written.load(Ordering::SeqCst) > 0).await;
                let written = settled(|| written.load(Ordering::SeqCst)).await;
                assert!((1..=22 + BETWEEN).contains(&written), "{shape:?}: {written}");
            }
            go_on.add_permits(ALL);
        };
        let (items, ()) = tokio::join!(calling, watching);
        assert_eq!(items, [Item::numbered(ALL as u64)], "{shape:?}");
    }
}
