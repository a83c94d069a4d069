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

    async fn checked(&self) -> Checked {
        let run = AssertUnwindSafe(async { (self.run)().await }).catch_unwind();
        let failure = match tokio::time::timeout(LIMIT, run).await {
            Ok(output) => failure(output),
            Err(_) => Some(format!("no answer within {LIMIT:?}")),
        };
        Checked { name: self.name.clone(), failure }
    }
}

/// The phase and the checks together.
pub(super) struct Readiness {
    pub(super) progress: Progress,
    pub(super) checks: Vec<Check>,
}

/// Whether the host is ready, and why not.
pub(super) struct Verdict {
    pub(super) phase: Phase,
    /// Asked only while the host serves: otherwise nothing hangs on them.
    pub(super) checks: Vec<Checked>,
}

/// What a check came to.
pub(super) struct Checked {
    pub(super) name: String,
    /// Why it fails, if it does.
    pub(super) failure: Option<String>,
}

impl Readiness {
    /// Asks everybody.
    pub(super) async fn verdict(&self) -> Verdict {
        let phase = self.progress.phase();
        let checks = match phase {
            Phase::Serving => join_all(self.checks.iter().map(Check::checked)).await,
            _ => Vec::new(),
        };
        Verdict { phase, checks }
    }
}

impl Verdict {
    pub(super) fn is_ready(&self) -> bool {
        self.refusal().is_none()
    }

    /// Why the host is not ready, a line for each reason; `None` when it is.
    pub(super) fn refusal(&self) -> Option<String> {
        if self.phase != Phase::Serving {
            return Some(self.phase.to_string());
        }
        let failures = self.checks.iter().filter_map(|check| {
            let why = check.failure.as_ref()?;
            Some(format!("check `{}` fails: {why}", check.name))
        });
        let failures: Vec<_> = failures.collect();
        (!failures.is_empty()).then(|| failures.join("\n"))
    }
}
