//! Customers: as many a second as one wants, whatever becomes of those before them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox::{
    BoxEndpoint, Context, Error, Layer, Platform, Request, ServiceChannelError, layer_fn,
};
use shop_catalog::{Catalog, CatalogClient, DeliverRequest};
use shop_storefront::{
    BrowseRequest, BuyRequest, Line, OrderRequest, Storefront, StorefrontClient, StorefrontError,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::registry::Registry;
use crate::role::Role;
use crate::tally::{By, Outcome, Second, Tally};

/// How long a customer waits, if nothing else is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many customers are in the shop at most. More are not sent, and counted as such.
const CROWD: u32 = 2_000;

/// How many customers come in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

/// Those who come.
#[derive(Debug)]
pub struct Crowd {
    tally: Arc<Tally>,
    /// A place for each who is in the shop.
    room: Arc<Semaphore>,
    /// Whether nobody comes any more.
    closed: AtomicBool,
}

impl Crowd {
    /// What they have seen since the last time somebody asked.
    #[must_use]
    pub fn seen(&self) -> Second {
        self.tally.take()
    }

    /// Nobody comes any more, and those who are there leave: what they have seen.
    pub async fn leave(&self) -> Second {
        self.closed.store(true, Ordering::Relaxed);
        let _everybody = self.room.acquire_many(CROWD).await;
        self.tally.take()
    }
}

/// The customers of a shop, and whoever delivers what they buy.
#[derive(Clone, Debug)]
pub struct Customers {
    /// By gRPC, and by REST.
    storefronts: [StorefrontClient; 2],
    catalog: CatalogClient,
    patience: Duration,
    tally: Arc<Tally>,
    platform: Platform,
    /// The order that was confirmed last.
    last: Arc<Mutex<Option<String>>>,
}

impl Customers {
    /// Those of the shop that `registry` knows.
    ///
    /// # Errors
    /// When nobody can be reached.
    pub fn new(registry: &Registry) -> Result<Self, ServiceChannelError> {
        let tally = Arc::new(Tally::default());
        let by_grpc = registry.way(Role::Storefront).layer(counting(&tally)).build()?;
        let by_rest = registry.rest(Role::Storefront).layer(counting(&tally)).build()?;
        let catalog = registry.way(Role::Catalog).layer(counting(&tally)).build()?;
        let storefronts = [&by_grpc, &by_rest].map(StorefrontClient::new);
        let catalog = CatalogClient::new(&catalog);
        let (platform, last) = (Platform::system(), Arc::default());
        Ok(Customers { storefronts, catalog, patience: PATIENCE, tally, platform, last })
    }

    /// The same, who wait for so long.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Customers { patience, ..self }
    }

    /// Lets them come from now on.
    #[must_use]
    pub fn come(self, rate: Rate) -> Arc<Crowd> {
        let (tally, room) = (Arc::clone(&self.tally), Arc::new(Semaphore::new(CROWD as usize)));
        let crowd = Arc::new(Crowd { tally, room, closed: AtomicBool::new(false) });
        let (to, tasks) = (Arc::clone(&crowd), self.platform.tasks().clone());
        drop(tasks.spawn(self.keep_coming(rate, to)));
        crowd
    }

    async fn keep_coming(self, rate: Rate, crowd: Arc<Crowd>) {
        let mut next = interval(Duration::from_secs(1) / rate.0.max(1));
        // Those who could not come in time come all at once: there are as many a second as was said.
        next.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0_u64.. {
            next.tick().await;
            if crowd.closed.load(Ordering::Relaxed) {
                return;
            }
            let Ok(place) = Arc::clone(&crowd.room).try_acquire_owned() else {
                crowd.tally.turned_away();
                continue;
            };
            let (customer, crowd) = (self.clone(), Arc::clone(&crowd));
            let visit = self.platform.tasks().spawn(async move {
                let begun = Instant::now();
                let (by, outcome) = customer.visit(number).await;
                crowd.tally.add(by, outcome, begun.elapsed());
                drop(place);
            });
            drop(visit);
        }
    }

    /// What one customer does. Of twenty, one looks around, one looks how the last order went, one
    /// wants what is soon sold out, one has no money, and one is the van with new goods. Every other
    /// one comes by REST, but for the van, which goes to the catalog.
    async fn visit(&self, number: u64) -> (By, Outcome) {
        let cx = Context::background().with_timeout(self.patience);
        if number % 20 == 19 {
            let delivered = self.deliver(&cx, self.pick()).await;
            return (By::Grpc, Outcome::of("deliver", &delivered));
        }
        // So that the next of its kind comes the other way.
        let by = if (number + number / 20).is_multiple_of(2) { By::Grpc } else { By::Rest };
        let storefront = &self.storefronts[by as usize];
        let outcome = match number % 20 {
            4 => Outcome::of("browse", &storefront.browse(&cx, BrowseRequest::default()).await),
            8 => self.look(storefront, &cx).await,
            12 => self.buy(storefront, &cx, "meteorite", "4242").await,
            16 => self.buy(storefront, &cx, "mug", "40000002").await,
            _ => self.buy(storefront, &cx, self.pick(), "4242").await,
        };
        (by, outcome)
    }

    /// Looks at the last order.
    async fn look(&self, storefront: &StorefrontClient, cx: &Context) -> Outcome {
        let id = self.last().clone().unwrap_or_default();
        Outcome::of("order", &storefront.order(cx, OrderRequest { id }).await)
    }

    /// Buys one of it.
    async fn buy(
        &self,
        storefront: &StorefrontClient,
        cx: &Context,
        sku: &str,
        card: &str,
    ) -> Outcome {
        let lines = vec![Line { sku: sku.to_owned(), quantity: 1 }];
        let request = BuyRequest { lines, card: card.to_owned() };
        let bought = storefront.buy(cx, request).await;
        let outcome = Outcome::of("buy", &bought);
        if let Ok(order) = bought {
            *self.last() = Some(order.id);
        }
        outcome
    }

    /// Delivers what twenty customers buy. Nobody may try that again.
    async fn deliver(&self, cx: &Context, sku: &str) -> Result<(), StorefrontError> {
        let request = DeliverRequest { sku: sku.to_owned(), quantity: 20 };
        let delivered = self.catalog.deliver(cx, request).await;
        delivered.map(drop).map_err(|error| Error::from(error).into())
    }

    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is sold, and delivered again.
    fn pick(&self) -> &'static str {
        match self.platform.random().next_u64() % 4 {
            0 => "kettle",
            1 => "mug",
            2 => "tea",
            _ => "teapot",
        }
    }
}

/// Counts attempts that are not the first of their call.
pub fn counting(tally: &Arc<Tally>) -> impl Layer<BoxEndpoint> + Send + Sync + 'static {
    let tally = Arc::clone(tally);
    layer_fn(move |request: Request, next| {
        if request.context.attempt() > 1 {
            tally.again();
        }
        async move { next.call(request).await }
    })
}
