//! Connections without a call, until the next call or the end of their time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kitfox_core::Platform;
use kitfox_core::platform::Tasks;
use tokio::time::{Instant, sleep_until};

use crate::limits::FOREVER;

/// Kept connections: the one used last is taken first, the one unused longest goes first.
#[derive(Debug)]
pub(super) struct Idle<T> {
    kept: Arc<Mutex<Kept<T>>>,
    tasks: Tasks,
    most: usize,
    timeout: Duration,
}

#[derive(Debug)]
struct Kept<T> {
    /// In the order of their return, with the end of their time.
    connections: VecDeque<(T, Instant)>,
    /// Whether somebody lets go of those whose time is over.
    watched: bool,
}

impl<T: Send + 'static> Idle<T> {
    pub(super) fn new(platform: &Platform, most: usize, timeout: Duration) -> Self {
        let kept = Kept { connections: VecDeque::new(), watched: false };
        let tasks = platform.tasks().clone();
        Idle { kept: Arc::new(Mutex::new(kept)), tasks, most, timeout: timeout.min(FOREVER) }
    }

    pub(super) fn take(&self) -> Option<T> {
        let (connection, _) = lock(&self.kept).connections.pop_back()?;
        Some(connection)
    }

    /// Keeps a connection; the one unused longest makes room for it.
    pub(super) fn keep(&self, connection: T) {
        if self.most == 0 {
            return;
        }
        let end = Instant::now() + self.timeout;
        let mut kept = lock(&self.kept);
        let oldest = (kept.connections.len() >= self.most).then(|| kept.connections.pop_front());
        kept.connections.push_back((connection, end));
        let watched = std::mem::replace(&mut kept.watched, true);
        drop(kept);
        // Closing it is not done under the lock.
        drop(oldest);
        if !watched {
            drop(self.tasks.spawn(watch(Arc::downgrade(&self.kept))));
        }
    }
}

/// Lets go of connections whose time is over, until there are none.
async fn watch<T>(kept: Weak<Mutex<Kept<T>>>) {
    while let Some(next) = expire(&kept) {
        sleep_until(next).await;
    }
}

/// Lets go of what is over. Says when the next one will be.
fn expire<T>(kept: &Weak<Mutex<Kept<T>>>) -> Option<Instant> {
    let kept = kept.upgrade()?;
    let mut kept = lock(&kept);
    let now = Instant::now();
    while let Some((_, end)) = kept.connections.front() {
        if *end > now {
            return Some(*end);
        }
        kept.connections.pop_front();
    }
    kept.watched = false;
    None
}

fn lock<T>(kept: &Mutex<Kept<T>>) -> MutexGuard<'_, Kept<T>> {
    // Nothing that holds it can panic halfway.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle() -> Idle<Arc<u8>> {
        Idle::new(&Platform::system(), 2, Duration::from_secs(90))
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_is_taken_and_the_oldest_makes_room() {
        let idle = idle();
        for number in 1..=3 {
            idle.keep(Arc::new(number));
        }
        assert_eq!(idle.take().as_deref(), Some(&3));
        assert_eq!(idle.take().as_deref(), Some(&2));
        assert_eq!(idle.take(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn without_an_end_of_its_time_a_connection_is_kept() {
        let idle = Idle::new(&Platform::system(), 2, Duration::MAX);
        idle.keep(1);
        tokio::time::sleep(Duration::from_secs(1_000_000)).await;
        assert_eq!(idle.take(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_uses_is_let_go() {
        let (idle, one, two) = (idle(), Arc::new(1), Arc::new(2));
        idle.keep(Arc::clone(&one));
        tokio::time::sleep(Duration::from_secs(60)).await;
        idle.keep(Arc::clone(&two));
        tokio::time::sleep(Duration::from_secs(31)).await;
        assert_eq!((Arc::strong_count(&one), Arc::strong_count(&two)), (1, 2));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(Arc::strong_count(&two), 1);
        assert_eq!(idle.tasks.running(), 0);
        idle.keep(Arc::clone(&two));
        tokio::time::sleep(Duration::from_secs(91)).await;
        assert_eq!(Arc::strong_count(&two), 1, "watched again after a pause");
    }
}
