//! Replicas are replaced one by one, and nobody notices.

use crate::rig::Shop;

/// A second, unless the machine is slow.
const RATE: u32 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_every_replica_fails_not_one_call() {
    let mut shop = Shop::open().await;
    let mut visitors = shop.customers(RATE);
    visitors.visit(120).await;
    for index in 0..shop.replicas.len() {
        shop.signal(index, "-TERM");
        let status = shop.ended(index).await;
        assert!(status.success(), "{}: {status}", shop.replicas[index].0.name());
        shop.start_again(index).await;
        visitors.visit(30).await;
    }
    let sum = visitors.leave().await;
    let books = shop.close().await;
    println!("every replica restarted: {} calls, {} by REST: {sum}", sum.took.len(), sum.by_rest);
    assert!(sum.by_rest * 3 > sum.took.len() as u64, "half of them come by REST: {sum}");
    assert_eq!(sum.failures(), 0, "{sum}");
    assert_eq!(books.pending, 0, "{books:?}");
    assert_eq!(books.overcharged, 0, "{books:?}");
    books.agree();
}
