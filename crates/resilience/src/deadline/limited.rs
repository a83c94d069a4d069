//! A future that may take until a moment.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// The moment came before the future was done.
pub(crate) struct Expired;

/// `future`, until `deadline` where there is one. The timer is made only when it is not done at once.
pub(crate) fn limited<F: Future>(deadline: Option<Instant>, future: F) -> Limited<F> {
    Limited { future, deadline, timer: None }
}

pin_project! {
    pub(crate) struct Limited<F> {
        #[pin]
        future: F,
        pub(super) deadline: Option<Instant>,
        // In a box, which only a call that waits pays for: every call is as large as its future.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for Limited<F> {
    type Output = Result<F::Output, Expired>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        let Some(deadline) = *this.deadline else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).map(|()| Err(Expired))
    }
}
