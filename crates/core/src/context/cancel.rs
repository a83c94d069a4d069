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
    /// A guard that cancels this context, and all that come from it, when it is dropped. For
    /// whoever runs the call: its children end when the call does.
    pub fn guard(&self) -> CancelGuard {
        CancelGuard(self.clone())
    }

    /// Whether the call was cancelled, or is over. Does not look at the deadline.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let mut node = Some(self);
        while let Some(context) = node {
            if context.0.cancel.cancelled.load(Ordering::SeqCst) {
                return true;
            }
            node = context.0.parent.as_ref();
        }
        false
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

    #[tokio::test]
    async fn waiting_after_the_fact_resolves_at_once() {
        let call = Context::background();
        let deep = call.with_value(1_u8).with_value(2_u16);
        drop(call.guard());
        deep.cancelled().await;
    }
}
