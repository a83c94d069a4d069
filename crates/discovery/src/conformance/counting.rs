//! Counts how often a registry does something for one who waits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use kitfox_core::Platform;

use crate::{Discovery, RegistryError, Snapshot, Watch};

/// A registry that is polled so often at most. One that spins would never let time go on; after so many
/// polls it is asked no more.
pub(super) struct Counting {
    pub(super) inner: Arc<dyn Discovery>,
    pub(super) polls: Arc<AtomicUsize>,
    pub(super) most: usize,
}

struct Counted {
    inner: Box<dyn Watch>,
    polls: Arc<AtomicUsize>,
    most: usize,
}

struct Next<'a> {
    inner: BoxFuture<'a, Result<Snapshot, RegistryError>>,
    polls: &'a AtomicUsize,
    most: usize,
}

impl Discovery for Counting {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn watch(&self, service: &str, platform: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
        let (polls, most) = (Arc::clone(&self.polls), self.most);
        let inner = self.inner.watch(service, platform)?;
        Ok(Box::new(Counted { inner, polls, most }))
    }
}

impl Watch for Counted {
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
        let Counted { inner, polls, most } = self;
        Box::pin(Next { inner: inner.next(), polls, most: *most })
    }
}

impl Future for Next<'_> {
    type Output = Result<Snapshot, RegistryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls.fetch_add(1, Ordering::Relaxed) >= self.most {
            return Poll::Pending;
        }
        self.inner.as_mut().poll(cx)
    }
}
