//! Background workers: supervised, told to end at drain, and awaited.
//!
//! A worker that fails or panics is logged and started again, after a pause that doubles with each
//! failure: 100 ms at first, 30 s at most, and half of it random, so that the workers of many
//! replicas do not come back in step. A run of a minute counts as success and makes the next pause
//! short again.

use std::any::Any;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use kitfox_core::platform::Random;
use kitfox_core::{Context, Incoming, Platform};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LONG_RUN: Duration = Duration::from_secs(60);

/// What a worker or a check comes to: nothing, or a `Result` whose error can be shown.
#[diagnostic::on_unimplemented(
    message = "a worker or check cannot come to `{Self}`",
    label = "must return `()` or `Result<(), E>` where `E` is `Display`"
)]
pub trait Outcome {
    /// Why it failed, if it did.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// A background worker: its name, and how it is started.
pub(super) struct Worker {
    name: String,
    start: Box<dyn Fn(Context) -> BoxFuture<'static, Option<String>> + Send + Sync>,
}

impl Worker {
    pub(super) fn new<F, Fut>(name: String, start: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        let start = move |cx| start(cx).map(Outcome::failure).boxed();
        Worker { name, start: Box::new(start) }
    }

    /// Runs the worker until it is done, or told to `stop` and done.
    pub(super) async fn supervise(self, platform: Platform, stop: CancellationToken) {
        let mut watch = Watch { worker: &self.name, ended: false };
        let mut failures = 0;
        loop {
            let started = Instant::now();
            let Some(failure) = self.once(&platform, &stop).await else { break };
            if started.elapsed() >= LONG_RUN {
                failures = 0;
            }
            let pause = pause(failures, platform.random());
            failures = failures.saturating_add(1);
            tracing::error!(worker = self.name, failure, ?pause, "a worker failed");
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
        watch.ended = true;
    }

    /// One run of the worker: why it failed, or nothing if it shall not run again.
    async fn once(&self, platform: &Platform, stop: &CancellationToken) -> Option<String> {
        let incoming = Incoming { platform: Some(platform.clone()), ..Incoming::default() };
        let cx = Context::incoming(incoming);
        let guard = cx.guard();
        let run = async { (self.start)(cx).await };
        // What a panic left half done is dropped with the run.
        let mut run = std::pin::pin!(AssertUnwindSafe(run).catch_unwind());
        let told = stop.run_until_cancelled(&mut run).await;
        if let Some(output) = told {
            return failure(output);
        }
        drop(guard);
        if let Some(failure) = failure(run.await) {
            tracing::error!(worker = self.name, failure, "a worker failed when told to end");
        }
        None
    }
}

/// Logs a worker that is dropped before it has ended.
struct Watch<'a> {
    worker: &'a str,
    ended: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.ended {
            tracing::warn!(worker = self.worker, "a worker did not end in time and was dropped");
        }
    }
}

/// Why a run failed.
pub(super) fn failure(output: Result<Option<String>, Box<dyn Any + Send>>) -> Option<String> {
    let panic = match output {
        Ok(failure) => return failure,
        Err(panic) => panic,
    };
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Some(format!("it panicked: {}", text.unwrap_or("(the panic carries no text)")))
}

/// How long to wait after as many `failures` in a row.
fn pause(failures: u32, random: &Random) -> Duration {
    let doubled = 2_u32.checked_pow(failures).and_then(|factor| FIRST_PAUSE.checked_mul(factor));
    let whole = doubled.map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
    whole / 2 + (whole / 2).mul_f64(random.next_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_and_half_of_each_is_random() {
        let random = Random::seeded(1);
        for (failures, longest) in [(0, 100), (1, 200), (5, 3_200), (9, 30_000), (4_000, 30_000)] {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<_> = (0..100).map(|_| pause(failures, &random)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)));
            assert_ne!(pauses[0], pauses[1]);
        }
    }
}
