//! What is attacked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox::{Context, Error, Streaming};

/// A message that may lie in itself.
#[kitfox::message(package = "hostile.v1")]
pub(super) struct Tree {
    pub(super) label: String,
    pub(super) children: Vec<Tree>,
    pub(super) numbers: Vec<u32>,
}

/// A method of each shape that matters here.
#[kitfox::service(package = "hostile.v1")]
pub(super) trait Hostile {
    /// Gives back what it gets.
    #[endpoint(post = "/v1/echo")]
    async fn echo(&self, cx: &Context, tree: Tree) -> Result<Tree, Error>;

    /// Gives back what the path says.
    #[endpoint(get = "/v1/look/{label}", safe)]
    async fn look(&self, cx: &Context, tree: Tree) -> Result<Tree, Error>;

    /// Large messages without end.
    #[endpoint(get = "/v1/flow", safe)]
    async fn flow(&self, cx: &Context, tree: Tree) -> Result<Streaming<Tree>, Error>;

    /// Takes all there is.
    async fn gather(&self, cx: &Context, trees: Streaming<Tree>) -> Result<Tree, Error>;
}

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Seen {
    calls: AtomicUsize,
    /// Streams of `flow` that are open.
    open: AtomicUsize,
    /// What `flow` was asked for.
    flowed: AtomicUsize,
}

/// The implementation; cloning shares what it saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Victim(Arc<Seen>);

impl Victim {
    pub(super) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    pub(super) fn flowed(&self) -> usize {
        self.0.flowed.load(Ordering::SeqCst)
    }
}

/// An open stream of `flow`.
struct Open(Victim);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Hostile for Victim {
    async fn echo(&self, _: &Context, tree: Tree) -> Result<Tree, Error> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        Ok(tree)
    }

    async fn look(&self, _: &Context, tree: Tree) -> Result<Tree, Error> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        Ok(tree)
    }

    async fn flow(&self, _: &Context, _: Tree) -> Result<Streaming<Tree>, Error> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.0.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.clone());
        Ok(Streaming::of(std::iter::repeat_with(move || {
            open.0.0.flowed.fetch_add(1, Ordering::SeqCst);
            Tree { label: "x".repeat(10_000), ..Tree::default() }
        })))
    }

    async fn gather(&self, _: &Context, mut trees: Streaming<Tree>) -> Result<Tree, Error> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let mut count = 0;
        while trees.try_next().await?.is_some() {
            count += 1;
        }
        Ok(Tree { numbers: vec![count], ..Tree::default() })
    }
}
