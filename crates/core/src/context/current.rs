//! The call that a thread is working on, for code that has no context at hand: `tracing`.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use super::Context;

thread_local! {
    static CURRENT: Cell<Option<Context>> = const { Cell::new(None) };
}

/// Keeps a context the current one of its thread until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub struct Entered(Option<Context>);

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        let before = self.0.take();
        // The one that ends is dropped when the slot is free again: its values may be anything.
        let _ended = CURRENT.try_with(|slot| slot.replace(before));
    }
}

impl Context {
    /// The context of the call that this thread is working on at the moment, where calls are
    /// recorded; of the work that [`Context::spawn`] or [`Context::detach`] started.
    ///
    /// It is for what cannot be given a context, such as a subscriber of `tracing`. Everything
    /// else takes it as an argument.
    #[must_use]
    pub fn current() -> Option<Context> {
        let current = |slot: &Cell<Option<Context>>| {
            let context = slot.take();
            slot.set(context.clone());
            context
        };
        CURRENT.try_with(current).ok().flatten()
    }

    /// Makes it the current one of this thread, for as long as what is done is its call's. Not
    /// across an await: [`Context::scope`] does that.
    #[inline]
    pub fn enter(&self) -> Entered {
        let this = Some(self.clone());
        let before = CURRENT.try_with(|slot| slot.replace(this));
        Entered(before.ok().flatten())
    }

    /// `future`, with this context the current one whenever it is polled.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        InContext { future, context: self.clone() }
    }
}

pin_project! {
    struct InContext<F> {
        #[pin]
        future: F,
        context: Context,
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.context.enter();
        this.future.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn current() -> Option<u8> {
        Context::current()?.value::<u8>().copied()
    }

    #[tokio::test]
    async fn a_call_is_the_current_one_while_it_is_polled_and_no_longer() {
        let (one, two) = (Context::background().with_value(1_u8), Context::background());
        let two = two.with_value(2_u8);
        let outer = one.scope(async {
            assert_eq!(current(), Some(1));
            two.scope(async {
                assert_eq!(current(), Some(2));
                tokio::task::yield_now().await;
                assert_eq!(current(), Some(2));
            })
            .await;
            assert_eq!(current(), Some(1));
        });
        assert_eq!(current(), None);
        outer.await;
        assert_eq!(current(), None);
    }

    #[tokio::test]
    async fn what_a_call_starts_is_the_calls() {
        let call = Context::background().with_value(7_u8);
        assert_eq!(call.spawn(async { current() }).await.unwrap().unwrap(), Some(7));
        let detached = call.detach(std::time::Duration::from_secs(1), |_| async { current() });
        assert_eq!(detached.await.unwrap().unwrap(), Some(7));
    }
}
