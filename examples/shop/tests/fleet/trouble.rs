//! Trouble on demand, and who notices.

use kitfox::{Context, HttpChannel};
use shop::role::Role;
use shop_payments::{Ailment, Trouble, TroubleClient};

use crate::rig::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_fails_every_call_fails_no_customer_and_all_replicas_fail_every_one() {
    let shop = Shop::open().await;
    let mut visitors = shop.customers(40);
    visitors.visit(80).await;
    fail(&shop, 1, 100).await;
    visitors.visit(160).await;
    println!("one of two payments fails: {} calls, {}", visitors.sum.took.len(), visitors.sum);
    assert_eq!(visitors.sum.failures(), 0, "{}", visitors.sum);

    fail(&shop, 2, 100).await;
    visitors.visit(160).await;
    println!("both fail: {}", visitors.sum);
    assert!(visitors.sum.failures() > 0, "{}", visitors.sum);
    assert!(visitors.sum.failed.keys().all(|(what, _)| *what == "buy"), "{}", visitors.sum);

    for number in [1, 2] {
        fail(&shop, number, 0).await;
    }
    visitors.until_well().await;
    visitors.leave().await;
    let books = shop.close().await;
    assert!(books.pending > 0, "{books:?}");
    assert_eq!(books.overcharged, 0, "{books:?}");
    books.agree();
}

/// Lets so many in a hundred charges fail that go to a replica.
async fn fail(shop: &Shop, number: u16, fail_percent: u32) {
    let (_, replica) = &shop.replicas[shop.find(Role::Payments, number)];
    let channel = HttpChannel::new(&format!("http://{}", replica.address)).unwrap();
    let ailment = Ailment { fail_percent, ..Ailment::default() };
    let made = TroubleClient::new(&channel).make_trouble(&Context::background(), ailment).await;
    assert_eq!(made.unwrap(), ailment);
}
