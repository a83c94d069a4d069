//! Too many calls at the same time.

use kitfox::resilience::{
    Concurrency, ConcurrencyKind, ConcurrencySettings, Live, Mode, SheddingSettings,
};
use kitfox::{Code, Context, Ending, Phase, Recovery};

use super::till::{Payment, Shop, Till, WAYS, reason};

/// One call at a time, and nobody waits.
async fn narrow() -> (Shop, Concurrency) {
    let settings = ConcurrencySettings {
        mode: Mode::On,
        kind: ConcurrencyKind::Fixed,
        limit: 1,
        queue: 0,
        ..ConcurrencySettings::default()
    };
    let limit = Concurrency::new(Live::new(settings), Live::new(SheddingSettings::default()));
    (Shop::open(|host| host.layer(limit.clone())).await, limit)
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_counts_until_its_caller_leaves_and_the_refusal_is_told_from_a_limited_one()
{
    let (shop, limit) = narrow().await;
    let cx = Context::background();
    for way in WAYS {
        let client = shop.client(way);
        let mut watching = client.watch(&cx, ()).await.unwrap();
        watching.next().await.unwrap().unwrap();
        assert_eq!(limit.running(), 1, "{way:?}");
        let error = client.pay(&cx, Payment { amount: 1 }).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (Code::Unavailable, "QUEUE_FULL"));
        assert_eq!(error.recovery(), Recovery::NeverProcessed, "another replica may do it");
        assert_eq!(shop.post("", r#"{"amount":1}"#).await.status, 503);
        drop(watching);
        while limit.running() > 0 {
            tokio::task::yield_now().await;
        }
        client.pay(&cx, Payment { amount: 1 }).await.unwrap();
    }
    assert_eq!(shop.payments(), WAYS.len());
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_is_awaited_at_drain() {
    let (shop, limit) = narrow().await;
    let mut watching = shop.client(WAYS[2]).watch(&Context::background(), ()).await.unwrap();
    watching.next().await.unwrap().unwrap();
    let handle = shop.running.handle();
    handle.shutdown();
    handle.reached(Phase::Finishing).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!((handle.phase(), limit.running()), (Phase::Finishing, 1));
    drop(watching);
    assert_eq!(shop.running.wait().await, Ending::Clean);
    assert_eq!(limit.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_not_decoded() {
    let (shop, limit) = narrow().await;
    let cx = Context::background();
    let mut watching = shop.client(WAYS[0]).watch(&cx, ()).await.unwrap();
    watching.next().await.unwrap().unwrap();
    assert_eq!((limit.running(), shop.post("", "{garbage").await.status), (1, 503));
}
