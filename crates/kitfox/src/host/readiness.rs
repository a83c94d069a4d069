//! Whether this replica wants calls.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::phase::{Phase, Progress};
use super::worker::{Outcome, failure};

/// How long a check may take: less than the second after which a Kubernetes probe gives up, so that
/// its answer names the check.
const LIMIT: Duration = Duration::from_millis(900);

/// Something that must hold for the host to be ready.
pub(super) struct Check {
    name: String,
    run: Box<dyn Fn() -> BoxFuture<'static, Option<String>> + Send + Sync>,
}

impl Check {
    pub(super) fn new<F, Fut>(name: String, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Outcome> + Send + 'static,
    {
        Check { name, run: Box::new(move || check().map(Outcome::failure).boxed()) }
    }

    /// Why it fails, if it does.
    async fn failure(&self) -> Option<String> {
        let run = AssertUnwindSafe(async { (self.run)().await }).catch_unwind();
        let why = match tokio::time::timeout(LIMIT, run).await {
            Ok(output) => failure(output)?,
            Err(_) => format!("no answer within {LIMIT:?}"),
        };
        Some(format!("check `{}` fails: {why}", self.name))
    }
}

/// The phase and the checks together.
pub(super) struct Readiness {
    pub(super) progress: Progress,
    pub(super) checks: Vec<Check>,
}

impl Readiness {
    /// Why the host is not ready, a line for each reason; `None` when it is.
    pub(super) async fn refusal(&self) -> Option<String> {
        match self.progress.phase() {
            Phase::Serving => {}
            phase => return Some(phase.to_string()),
        }
        let failures = join_all(self.checks.iter().map(Check::failure)).await;
        let failures: Vec<_> = failures.into_iter().flatten().collect();
        (!failures.is_empty()).then(|| failures.join("\n"))
    }
}
