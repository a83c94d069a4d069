//! A replica is gone from one moment to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kitfox::platform::Task;
use kitfox::{Context, Platform, ServiceChannel};
use shop::role::Role;
use shop_catalog::{
    Catalog, CatalogClient, CatalogError, DeliverRequest, ListProductsRequest, Product,
};
use tokio::time::{sleep, timeout};

use crate::rig::{PATIENCE, Shop};

/// A second, unless the machine is slow.
const RATE: u32 = 40;

/// Deliveries that are sent at once, and what is in each.
const DELIVERIES: u32 = 40;
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
    println!("killed one of each: {} calls, {sum}", sum.took.len());
    // A delivery may not be repeated, and happened to be in flight or not.
    assert!(sum.failed.keys().all(|(what, _)| *what == "deliver"), "{sum}");

    // The catalog stands still first, so that it has deliveries in flight when it is killed.
    let index = shop.find(Role::Catalog, 1);
    let way = shop.registry().way(Role::Catalog).build().unwrap();
    warm(&way).await;
    shop.signal(index, "-STOP");
    let van = Van::unload(&way);
    let in_flight = van.standing_still().await;
    shop.signal(index, "-KILL");
    shop.ended(index).await;
    let (delivered, lost) = van.empty().await;
    shop.start_again(index).await;
    println!(
        "killed a catalog with {in_flight} of {DELIVERIES} deliveries in flight: {lost} failed"
    );
    assert_eq!(delivered + lost, DELIVERIES);
    assert!((1..=in_flight).contains(&lost), "{lost} of {in_flight}");

    let books = shop.close().await;
    books.agree();
    let (least, most) = (delivered, delivered + lost);
    // Of those that failed nobody knows.
    let deliveries = (books.meteorites - 3) / QUANTITY;
    assert!((least..=most).contains(&deliveries), "{deliveries} of {least} to {most}: {books:?}");
}

/// Waits until there is a connection to each replica: one that is called before another is connected
/// takes every call.
async fn warm(way: &ServiceChannel) {
    let catalog = CatalogClient::new(way);
    let wait = async {
        while way.replicas().iter().filter(|replica| replica.warm).count() < 2 {
            let any = ListProductsRequest::default();
            catalog.list_products(&Context::background(), any).await.unwrap();
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("both are called");
}

/// Deliveries that are all sent at once.
struct Van {
    deliveries: Vec<Task<Result<Product, CatalogError>>>,
    answered: Arc<AtomicU32>,
}

impl Van {
    fn unload(way: &ServiceChannel) -> Self {
        let catalog = CatalogClient::new(way);
        let answered = Arc::new(AtomicU32::new(0));
        let deliver = |_| {
            let (catalog, answered) = (catalog.clone(), Arc::clone(&answered));
            Platform::system().tasks().spawn(async move {
                let cx = Context::background().with_timeout(PATIENCE);
                let request = DeliverRequest { sku: "meteorite".to_owned(), quantity: QUANTITY };
                let delivered = catalog.deliver(&cx, request).await;
                answered.fetch_add(1, Ordering::SeqCst);
                delivered
            })
        };
        Van { deliveries: (0..DELIVERIES).map(deliver).collect(), answered }
    }

    /// Waits until the replica that runs has done what it has, and gives how many it was not.
    async fn standing_still(&self) -> u32 {
        let wait = async {
            let mut last = 0;
            loop {
                sleep(Duration::from_millis(300)).await;
                let now = self.answered.load(Ordering::SeqCst);
                if now > 0 && now == last {
                    return DELIVERIES - now;
                }
                last = now;
            }
        };
        timeout(PATIENCE, wait).await.expect("half of them are answered")
    }

    /// Waits for all of them: how many were delivered, and how many failed.
    async fn empty(self) -> (u32, u32) {
        let (mut delivered, mut lost) = (0, 0);
        for delivery in self.deliveries {
            match delivery.await.unwrap() {
                Ok(_) => delivered += 1,
                Err(_) => lost += 1,
            }
        }
        (delivered, lost)
    }
}
