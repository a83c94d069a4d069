//! Customers: as many a second as one wants, whatever becomes of those before them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox::{Context, Error, Platform};
use shop_catalog::{Catalog, CatalogClient, DeliverRequest};
use shop_storefront::{
    BrowseRequest, BuyRequest, Line, OrderRequest, Storefront, StorefrontClient, StorefrontError,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::registry::{NoWay, Registry};
use crate::role::Role;
use crate::tally::{Outcome, Tally};

/// How long a customer waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many customers are in the shop at most. More are not sent, and counted as such.
const CROWD: usize = 2_000;

/// How many customers come in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

/// The customers of a shop, and whoever delivers what they buy.
#[derive(Clone, Debug)]
pub struct Customers {
    storefront: StorefrontClient,
    catalog: CatalogClient,
    platform: Platform,
    /// The order that was confirmed last.
    last: Arc<Mutex<Option<String>>>,
}

impl Customers {
    /// Those of the shop that `registry` knows.
    ///
    /// # Errors
    /// When nobody can be reached.
    pub fn new(registry: &Registry) -> Result<Self, NoWay> {
        let storefront = StorefrontClient::new(&registry.reach(Role::Storefront)?);
        let catalog = CatalogClient::new(&registry.reach(Role::Catalog)?);
        let (platform, last) = (Platform::system(), Arc::default());
        Ok(Customers { storefront, catalog, platform, last })
    }

    /// Lets them come from now on. The tally has what they see.
    pub fn come(self, rate: Rate) -> Arc<Tally> {
        let tally = Arc::new(Tally::default());
        let (to, tasks) = (Arc::clone(&tally), self.platform.tasks().clone());
        drop(tasks.spawn(self.keep_coming(rate, to)));
        tally
    }

    async fn keep_coming(self, rate: Rate, tally: Arc<Tally>) {
        let mut next = interval(Duration::from_secs(1) / rate.0.max(1));
        // Those who could not come in time come all at once: there are as many a second as was said.
        next.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let room = Arc::new(Semaphore::new(CROWD));
        for number in 0_u64.. {
            next.tick().await;
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                tally.turned_away();
                continue;
            };
            let (customer, tally) = (self.clone(), Arc::clone(&tally));
            let visit = self.platform.tasks().spawn(async move {
                let begun = Instant::now();
                let outcome = customer.visit(number).await;
                tally.add(outcome, begun.elapsed());
                drop(place);
            });
            drop(visit);
        }
    }

    /// What one customer does. Of twenty, one looks around, one looks how the last order went, one
    /// wants what is soon sold out, one has no money, and one is the van with new goods.
    async fn visit(&self, number: u64) -> Outcome {
        let cx = Context::background().with_timeout(PATIENCE);
        match number % 20 {
            4 => Outcome::of(&self.storefront.browse(&cx, BrowseRequest::default()).await),
            8 => self.look(&cx).await,
            12 => self.buy(&cx, "meteorite", "4242").await,
            16 => self.buy(&cx, "mug", "40000002").await,
            19 => Outcome::of(&self.deliver(&cx, self.pick()).await),
            _ => self.buy(&cx, self.pick(), "4242").await,
        }
    }

    /// Looks at the last order.
    async fn look(&self, cx: &Context) -> Outcome {
        let id = self.last().clone().unwrap_or_default();
        Outcome::of(&self.storefront.order(cx, OrderRequest { id }).await)
    }

    /// Buys one of it.
    async fn buy(&self, cx: &Context, sku: &str, card: &str) -> Outcome {
        let key = format!("{:016x}", self.platform.random().next_u64());
        let lines = vec![Line { sku: sku.to_owned(), quantity: 1 }];
        let request = BuyRequest { key, lines, card: card.to_owned() };
        let bought = self.storefront.buy(cx, request).await;
        let outcome = Outcome::of(&bought);
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
