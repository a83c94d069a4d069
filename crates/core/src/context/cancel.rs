//! Cancellation: nothing but a flag until somebody waits for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Context;

/// Whether a context is cancelled, and whom to wake when it is.
///
/// Most calls are never waited upon, so that the token is made by the first who does.
#[derive(Default)]
pub(super) struct Cancel {
    cancelled: AtomicBool,
    /// Somebody holds a guard who does not run the call, and may cancel it while it runs.
    apart: AtomicBool,
    token: OnceLock<CancellationToken>,
}

/// Cancels a context when it is dropped: whoever runs a call holds one.
#[derive(Debug)]
#[must_use = "dropping it cancels the context"]
pub struct CancelGuard(Context);

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Context {
    /// A guard that cancels this context, and all that come from it, when it is dropped. Calls
    /// that are made in it from now on end then.
    pub fn guard(&self) -> CancelGuard {
        self.0.cancel.apart.store(true, Ordering::Relaxed);
        self.runner()
    }

    /// The same for whoever runs the call: what the call itself waits for is dropped with it, and
    /// need not look for its cancellation.
    pub(crate) fn runner(&self) -> CancelGuard {
        CancelGuard(self.clone())
    }

    /// Whether anybody may cancel it but whoever runs it.
    pub(crate) fn is_cancellable(&self) -> bool {
        self.chain().any(|context| context.0.cancel.apart.load(Ordering::Relaxed))
    }

    /// Whether the call was cancelled, or is over. Does not look at the deadline.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.chain().any(|context| context.0.cancel.cancelled.load(Ordering::SeqCst))
    }

    /// This context, what it comes from, and so on.
    fn chain(&self) -> impl Iterator<Item = &Context> {
        std::iter::successors(Some(self), |context| context.0.parent.as_ref())
    }

    /// Resolves when the call is cancelled, or over. Does not look at the deadline.
    pub async fn cancelled(&self) {
        self.token().cancelled().await;
    }

    /// The same, for whoever cannot borrow the context.
    pub(crate) fn cancelled_owned(&self) -> WaitForCancellationFutureOwned {
        self.token().clone().cancelled_owned()
    }

    fn cancel(&self) {
        // The flag first, then the token: who makes the token in between looks at the flag after.
        self.0.cancel.cancelled.store(true, Ordering::SeqCst);
        if let Some(token) = self.0.cancel.token.get() {
            token.cancel();
        }
    }

    fn token(&self) -> &CancellationToken {
        let token = self.0.cancel.token.get_or_init(|| match &self.0.parent {
            Some(parent) => parent.token().child_token(),
            None => CancellationToken::new(),
        });
        if self.0.cancel.cancelled.load(Ordering::SeqCst) {
            token.cancel();
        }
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_nobody_waits_upon_makes_no_token() {
        let call = Context::background();
        let (child, guard) = call.child();
        drop(guard);
        assert!(child.is_cancelled());
        assert!(child.0.cancel.token.get().is_none());
    }

    #[test]
    fn who_runs_a_call_does_not_make_it_watch_for_cancellation() {
        let call = Context::background();
        let runner = call.runner();
        assert!(!call.with_value(1_u8).is_cancellable());
        let (child, _guard) = call.child();
        assert!(child.with_value(1_u8).is_cancellable());
        assert!(!call.is_cancellable());
        drop(runner);
        assert!(child.is_cancelled());
    }

    #[tokio::test]
    async fn waiting_after_the_fact_resolves_at_once() {
        let call = Context::background();
        let deep = call.with_value(1_u8).with_value(2_u16);
        drop(call.guard());
        deep.cancelled().await;
    }
}
