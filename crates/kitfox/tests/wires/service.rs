//! A service that does to its wires what they must bear.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use kitfox::{Context, Error, Streaming};
use tokio::sync::Notify;

/// A part of an order.
#[kitfox::message(package = "wired.v1")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) id: u64,
}

/// What goes in and what comes out.
#[kitfox::message(package = "wired.v1")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) text: String,
    pub(crate) count: u32,
    pub(crate) part: Option<Part>,
    pub(crate) tags: Vec<String>,
}

/// How it fails.
#[kitfox::error(domain = "wired.v1")]
pub(crate) enum WiredError {
    /// nothing to do: the text is empty
    #[code(InvalidArgument)]
    Empty,
    /// all {places} places are taken
    #[code(ResourceExhausted, retry)]
    Full { places: u32 },
    #[call]
    Call(Error),
}

/// Bears everything.
#[kitfox::service(package = "wired.v1")]
pub(crate) trait Wired {
    /// Gives back what it gets.
    #[endpoint(post = "/v1/echo", put = "/v1/parts/{part.id}", idempotent)]
    async fn echo(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Gives back what it gets, and changes nothing.
    #[endpoint(get = "/v1/echo/{text}")]
    async fn look(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Fails.
    #[endpoint(post = "/v1/fail")]
    async fn fail(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Panics.
    #[endpoint(post = "/v1/panic")]
    async fn panic(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Never answers.
    #[endpoint(post = "/v1/wait")]
    async fn wait(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Waits until it is told to go on, whoever went away.
    #[endpoint(post = "/v1/finish", detached)]
    async fn finish(&self, cx: &Context, order: Order) -> Result<Order, WiredError>;

    /// Gives back what it gets, and then nothing more for ever.
    #[endpoint(post = "/v1/flow")]
    async fn flow(
        &self,
        cx: &Context,
        order: Order,
    ) -> Result<Streaming<Order, WiredError>, WiredError>;

    /// Counts what it gets.
    async fn gather(
        &self,
        cx: &Context,
        orders: Streaming<Order, WiredError>,
    ) -> Result<Order, WiredError>;
}

/// What happened to the calls.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) called: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
    pub(crate) finished: AtomicUsize,
    pub(crate) begun: Notify,
    pub(crate) ended: Notify,
    pub(crate) go: Notify,
}

impl Seen {
    pub(crate) fn count(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::SeqCst)
    }
}

/// The implementation; cloning shares what it saw.
#[derive(Clone, Default)]
pub(crate) struct Real(pub(crate) Arc<Seen>);

/// A call under way; notes it when it is dropped before it is done.
struct UnderWay {
    seen: Arc<Seen>,
    done: bool,
}

impl UnderWay {
    fn begin(seen: &Arc<Seen>) -> Self {
        seen.begun.notify_one();
        UnderWay { seen: Arc::clone(seen), done: false }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let counter = if self.done { &self.seen.finished } else { &self.seen.dropped };
        counter.fetch_add(1, Ordering::SeqCst);
        self.seen.ended.notify_one();
    }
}

impl Wired for Real {
    async fn echo(&self, _: &Context, order: Order) -> Result<Order, WiredError> {
        self.0.called.fetch_add(1, Ordering::SeqCst);
        Ok(order)
    }

    async fn look(&self, _: &Context, order: Order) -> Result<Order, WiredError> {
        self.0.called.fetch_add(1, Ordering::SeqCst);
        Ok(order)
    }

    async fn fail(&self, _: &Context, order: Order) -> Result<Order, WiredError> {
        match order.count {
            0 => Err(WiredError::Empty),
            places => Err(WiredError::Full { places }),
        }
    }

    async fn panic(&self, _: &Context, order: Order) -> Result<Order, WiredError> {
        panic!("on purpose: {}", order.text);
    }

    async fn wait(&self, _: &Context, _: Order) -> Result<Order, WiredError> {
        self.0.called.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay::begin(&self.0);
        std::future::pending().await
    }

    async fn finish(&self, _: &Context, order: Order) -> Result<Order, WiredError> {
        let mut under_way = UnderWay::begin(&self.0);
        self.0.go.notified().await;
        under_way.done = true;
        Ok(order)
    }

    async fn flow(
        &self,
        _: &Context,
        order: Order,
    ) -> Result<Streaming<Order, WiredError>, WiredError> {
        let under_way = UnderWay::begin(&self.0);
        let forever = stream::pending().inspect(move |_| _ = &under_way);
        Ok(Streaming::new(stream::iter([Ok(order)]).chain(forever)))
    }

    async fn gather(
        &self,
        _: &Context,
        mut orders: Streaming<Order, WiredError>,
    ) -> Result<Order, WiredError> {
        let mut under_way = UnderWay::begin(&self.0);
        let mut count = 0;
        while let Some(order) = orders.next().await {
            order?;
            count += 1;
        }
        under_way.done = true;
        Ok(Order { text: String::new(), count, part: None, tags: Vec::new() })
    }
}
