//! Background tasks that a host knows of: it waits for them at drain and ends them after it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;

use crate::{Code, Error};

/// Starts background tasks and awaits them at drain. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    ended: Arc<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    /// What a task looks at in each poll.
    now: AtomicBool,
    /// What wakes it.
    told: CancellationToken,
}

impl Tasks {
    /// Starts `future`. It runs until it is done or [`Tasks::end`] comes; dropping the handle does
    /// not stop it. After [`Tasks::end`] nothing starts any more.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let ended = Arc::clone(&self.ended);
        let told = self.ended.told.clone().cancelled_owned();
        let tracked = self.tracker.track_future(UntilEnded { future, ended, told, waker: None });
        #[expect(clippy::disallowed_methods, reason = "this is where background tasks come from")]
        Task(tokio::spawn(tracked))
    }

    /// How many tasks are running.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Waits until no task is running. Dropping the future stops the waiting, not the tasks.
    pub async fn idle(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Ends every task at its next await.
    pub fn end(&self) {
        self.ended.now.store(true, Ordering::SeqCst);
        self.ended.told.cancel();
    }
}

pin_project! {
    /// A task's future, until its tasks are ended.
    ///
    /// Waiting to be told takes a lock, and a connection is polled for each of its calls: so the
    /// wait is begun anew only when the task has another waker, which it hardly ever has.
    struct UntilEnded<F> {
        #[pin]
        future: F,
        ended: Arc<Ended>,
        #[pin]
        told: WaitForCancellationFutureOwned,
        waker: Option<Waker>,
    }
}

impl<F: Future> Future for UntilEnded<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        if !this.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *this.waker = Some(cx.waker().clone());
            if this.told.poll(cx).is_ready() {
                return Poll::Ready(None);
            }
        }
        if this.ended.now.load(Ordering::SeqCst) {
            return Poll::Ready(None);
        }
        this.future.poll(cx).map(Some)
    }
}

/// A handle on a background task: await it for the output.
///
/// Dropping it does not stop the task.
#[derive(Debug)]
#[must_use = "await it, or drop it on purpose: the task runs on"]
pub struct Task<T>(JoinHandle<Option<T>>);

impl<T> Future for Task<T> {
    /// The output; an error of code `Canceled` when the task was ended, `Internal` when it panicked.
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = std::task::ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(match joined {
            Ok(Some(output)) => Ok(output),
            Ok(None) => Err(Error::by_layer("tasks", Code::Canceled, "the task was ended")),
            Err(failure) if failure.is_panic() => {
                Err(Error::by_layer("tasks", Code::Internal, "the task panicked"))
            }
            Err(_) => Err(Error::by_layer("tasks", Code::Canceled, "the runtime is shut down")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_ended_task_says_so_and_a_drained_one_is_done() {
        let tasks = Tasks::default();
        let done = tasks.spawn(async { 7 });
        let stuck = tasks.spawn(std::future::pending::<()>());
        assert_eq!(done.await.unwrap(), 7);
        assert_eq!(tasks.running(), 1);
        tasks.end();
        tasks.idle().await;
        assert_eq!(stuck.await.unwrap_err().code(), Code::Canceled);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_handle() {
        let tasks = Tasks::default();
        let failed = tasks.spawn(async { panic!("on purpose") });
        assert_eq!(failed.await.unwrap_err().code(), Code::Internal);
        tasks.idle().await;
    }
}
