//! A replica is gone from one moment to the next.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kitfox::platform::Task;
use kitfox::{Context, Error, Platform, ServiceChannel};
use shop::customers::counting;
use shop::role::Role;
use shop::tally::Tally;
use shop_catalog::{
    Catalog, CatalogClient, DeliverRequest, Line, ListProductsRequest, ReserveRequest,
};
use shop_storefront::{BrowseRequest, BuyRequest, Storefront, StorefrontClient};
use tokio::time::{sleep, timeout};

use crate::rig::{PATIENCE, Shop};

/// A second, unless the machine is slow.
const RATE: u32 = 40;

/// Calls of each kind that are sent at once.
const EACH: u32 = 20;

/// What is in each delivery.
const QUANTITY: u32 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_killed_fails_only_its_calls_in_flight_that_may_not_be_repeated() {
    let mut shop = Shop::open().await;
    let mut visitors = shop.customers(RATE);
    visitors.visit(120).await;

    // In the middle of whatever they do.
    for role in Role::ALL {
        let index = shop.find(role, 1);
        shop.signal(index, "-KILL");
        shop.ended(index).await;
        visitors.visit(80).await;
        shop.start_again(index).await;
        visitors.visit(30).await;
    }
    let sum = visitors.leave().await;
    println!("killed one of each: {} calls, {} by REST: {sum}", sum.took.len(), sum.by_rest);
    assert!(sum.by_rest * 3 > sum.took.len() as u64, "half of them come by REST: {sum}");
    // A delivery may not be repeated, and happened to be in flight or not.
    assert!(sum.failed.keys().all(|(what, _)| *what == "deliver"), "{sum}");

    // The catalog stands still first, so that it has calls of every kind in flight when it is killed.
    let sent = Arc::<Tally>::default();
    let way = shop.registry().way(Role::Catalog).layer(counting(&sent)).build().unwrap();
    let catalog = CatalogClient::new(&way);
    warm(&way, async || catalog.list_products(&cx(), ListProductsRequest::default()).await).await;
    let wave = shop.kill_under(Role::Catalog, &sent, || to_the_catalog(&catalog)).await;
    println!("killed a catalog with {wave}");
    wave.is_as_it_should();
    assert!(wave.lost > 0, "{wave}");
    let (delivered, lost) = (EACH - wave.lost, wave.lost);

    // The same with orders by their keys, which a gateway had that is gone: by gRPC and by REST.
    let sent = Arc::<Tally>::default();
    let registry = shop.registry();
    let mut storefronts = Vec::new();
    for way in [registry.way(Role::Storefront), registry.rest(Role::Storefront)] {
        let way = way.layer(counting(&sent)).build().unwrap();
        let storefront = StorefrontClient::new(&way);
        warm(&way, async || storefront.browse(&cx(), BrowseRequest::default()).await).await;
        storefronts.push(storefront);
    }
    let wave = shop.kill_under(Role::Storefront, &sent, || to_the_storefront(&storefronts)).await;
    println!("killed a storefront with {wave}");
    wave.is_as_it_should();
    assert_eq!(wave.lost, 0, "{wave}");

    let books = shop.close().await;
    books.agree();
    let (least, most) = (delivered, delivered + lost);
    // Of those that failed nobody knows.
    let deliveries = (books.meteorites - 3) / QUANTITY;
    assert!((least..=most).contains(&deliveries), "{deliveries} of {least} to {most}: {books:?}");
}

fn cx() -> Context {
    Context::background().with_timeout(PATIENCE)
}

impl Shop {
    /// Stops the first replica of `role`, sends it and the other one calls, and kills it with those that
    /// it has: what became of them.
    async fn kill_under(
        &mut self,
        role: Role,
        sent: &Tally,
        send: impl FnOnce() -> Vec<Call>,
    ) -> Wave {
        let index = self.find(role, 1);
        self.signal(index, "-STOP");
        let wave = Calls(send());
        let in_flight = wave.standing_still().await;
        // What was sent again before.
        drop(sent.take());
        self.signal(index, "-KILL");
        self.ended(index).await;
        let wave = wave.end(in_flight).await;
        self.start_again(index).await;
        Wave { again: sent.take().again, ..wave }
    }
}

/// Waits until there is a connection to each replica, since one that is called before another is
/// connected takes every call; and until there were enough calls that those which fail are few of them,
/// as they are where customers come and go.
async fn warm<T, E: fmt::Debug>(way: &ServiceChannel, call: impl AsyncFn() -> Result<T, E>) {
    let both = || way.replicas().iter().filter(|replica| replica.warm).count() == 2;
    let wait = async {
        for calls in 1.. {
            call().await.unwrap();
            if calls > 10 * EACH && both() {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("both are called");
}

/// Deliveries, which may not be repeated, and two kinds of calls that may.
fn to_the_catalog(catalog: &CatalogClient) -> Vec<Call> {
    let mut calls = Vec::new();
    for number in 0..EACH {
        let client = catalog.clone();
        calls.push(Call::once(async move {
            let request = DeliverRequest { sku: "meteorite".to_owned(), quantity: QUANTITY };
            client.deliver(&cx(), request).await.map(drop).map_err(Error::from)
        }));
        let client = catalog.clone();
        calls.push(Call::repeatable(async move {
            let page = client.list_products(&cx(), ListProductsRequest::default()).await;
            page.map(drop).map_err(Error::from)
        }));
        let client = catalog.clone();
        calls.push(Call::repeatable(async move {
            let lines = vec![Line { sku: "teapot".to_owned(), quantity: 1 }];
            let request = ReserveRequest { order: format!("wave {number}"), lines };
            client.reserve(&cx(), request).await.map(drop).map_err(Error::from)
        }));
    }
    calls
}

/// Orders, which have keys, and visitors who look around.
fn to_the_storefront(storefronts: &[StorefrontClient]) -> Vec<Call> {
    let mut calls = Vec::new();
    for storefront in storefronts.iter().cycle().take(EACH as usize) {
        let client = storefront.clone();
        calls.push(Call::repeatable(async move {
            let lines = vec![Line { sku: "mug".to_owned(), quantity: 1 }];
            let request = BuyRequest { lines, card: "4242".to_owned() };
            client.buy(&cx(), request).await.map(drop).map_err(Error::from)
        }));
        let client = storefront.clone();
        calls.push(Call::repeatable(async move {
            let page = client.browse(&cx(), BrowseRequest::default()).await;
            page.map(drop).map_err(Error::from)
        }));
    }
    calls
}

/// A call that is under way.
struct Call {
    repeatable: bool,
    over: Arc<AtomicBool>,
    answer: Task<Result<(), Error>>,
}

impl Call {
    fn once(call: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&over);
        let answer = Platform::system().tasks().spawn(async move {
            let answer = call.await;
            tell.store(true, Ordering::SeqCst);
            answer
        });
        Call { repeatable: false, over, answer }
    }

    fn repeatable(call: impl Future<Output = Result<(), Error>> + Send + 'static) -> Self {
        Call { repeatable: true, ..Call::once(call) }
    }
}

/// Calls that were all sent at once.
struct Calls(Vec<Call>);

impl Calls {
    /// How many are not answered, of those that may be repeated and those that may not.
    fn in_flight(&self) -> [u32; 2] {
        [true, false].map(|repeatable| {
            let waits =
                |call: &&Call| call.repeatable == repeatable && !call.over.load(Ordering::SeqCst);
            u32::try_from(self.0.iter().filter(waits).count()).unwrap()
        })
    }

    /// Waits until the replica that runs has done what it has, and gives how many it was not.
    async fn standing_still(&self) -> [u32; 2] {
        let all = u32::try_from(self.0.len()).unwrap();
        let wait = async {
            let mut last = self.in_flight();
            loop {
                sleep(Duration::from_millis(300)).await;
                let now = self.in_flight();
                if now.iter().sum::<u32>() < all && now == last {
                    return now;
                }
                last = now;
            }
        };
        timeout(PATIENCE, wait).await.expect("half of them are answered")
    }

    /// Waits for all of them.
    async fn end(self, [repeatable, once]: [u32; 2]) -> Wave {
        let mut wave = Wave { repeatable, once, ..Wave::default() };
        for call in self.0 {
            match call.answer.await.unwrap() {
                Ok(()) => {}
                Err(error) if call.repeatable => wave.failed.push(error),
                Err(_) => wave.lost += 1,
            }
        }
        wave
    }
}

/// What became of calls one of whose replicas was killed.
#[derive(Default)]
struct Wave {
    /// How many were in flight there that may be repeated, and that may not.
    repeatable: u32,
    once: u32,
    /// Attempts that were made again.
    again: u64,
    /// Those that failed although they may be repeated.
    failed: Vec<Error>,
    /// Those that failed and may not be.
    lost: u32,
}

impl Wave {
    /// Only those failed that may not be repeated.
    fn is_as_it_should(&self) {
        assert!(self.failed.is_empty(), "{self}: {:?}", self.failed);
        assert!(self.lost <= self.once, "{self}");
        assert!(self.repeatable > 0 && self.again > 0, "{self}");
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wave { repeatable, once, again, failed, lost } = self;
        let failed = failed.len();
        write!(
            f,
            "{repeatable} calls in flight that may be repeated: {again} sent again, {failed} "
        )?;
        write!(f, "failed; and {once} that may not: {lost} failed")
    }
}
