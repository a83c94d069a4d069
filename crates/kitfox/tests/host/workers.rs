//! Background workers under supervision.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox::Ending;

use super::bare;
use crate::support::memory::Memory;

/// Runs a host for a minute with a worker whose runs `behave`, and says how often it was started.
async fn starts<Fut>(behave: impl Fn(usize) -> Fut + Send + Sync + 'static) -> usize
where
    Fut: Future<Output = Result<(), String>> + Send + 'static,
{
    let starts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&starts);
    let worker = move |_| behave(count.fetch_add(1, Ordering::SeqCst));
    let running = bare(&Memory::default()).worker("worker", worker).start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
    starts.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_or_fails_is_started_again_and_one_that_is_done_is_not() {
    let runs = starts(|run| async move {
        match run {
            0 => panic!("on purpose"),
            1 => Err("no luck".to_owned()),
            _ => Ok(()),
        }
    });
    assert_eq!(runs.await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_before_its_first_await_is_started_again_too() {
    let runs = starts(|run| {
        assert!(run > 0, "on purpose");
        async { Ok(()) }
    });
    assert_eq!(runs.await, 2);
}

#[tokio::test(start_paused = true)]
async fn restarts_back_off() {
    // Pauses of at least 50 ms, 100 ms, 200 ms, ... and at most twice that: the eleventh start
    // would be after at least 51 s, the ninth is after at most 51 s.
    let runs = starts(|_| async { Err("never".to_owned()) }).await;
    assert!((9..=11).contains(&runs), "{runs}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_between_two_runs_does_not_hold_up_the_end() {
    let running = bare(&Memory::default())
        .worker("never", |_| async { Err::<(), _>("never") })
        .start()
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}
