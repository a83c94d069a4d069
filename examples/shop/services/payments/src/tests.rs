use std::time::Duration;

use kitfox::{Code, Recovery};
use shop_payments::{Ailment, PaymentsClient, Trouble, TroubleClient};
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;

async fn payments() -> (TempDir, PaymentsClient, TroubleClient) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("payments.db"), SCHEMA).await.unwrap();
    let troubles = Troubles::default();
    let payments = PaymentsClient::local(Service::new(store, troubles.clone()));
    (folder, payments, TroubleClient::local(troubles))
}

fn request(order: &str, amount_cents: u32, card: &str) -> ChargeRequest {
    ChargeRequest { order: order.to_owned(), amount_cents, card: card.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_charged_once_and_one_amount() {
    let (_folder, payments, _) = payments().await;
    let cx = Context::background();
    for _ in 0..2 {
        let charge = payments.charge(&cx, request("a", 500, "4242")).await.unwrap();
        assert_eq!(charge.amount_cents, 500);
    }
    let other = payments.charge(&cx, request("a", 501, "4242")).await;
    assert!(matches!(other, Err(PaymentsError::OtherAmount)));
}

#[tokio::test(start_paused = true)]
async fn a_card_that_ends_in_0002_is_declined() {
    let (_folder, payments, _) = payments().await;
    let declined = payments.charge(&Context::background(), request("a", 500, "40000002")).await;
    assert!(matches!(declined, Err(PaymentsError::Declined { .. })));
}

#[tokio::test(start_paused = true)]
async fn trouble_comes_and_goes_on_demand() {
    let (_folder, payments, trouble) = payments().await;
    let cx = Context::background();
    let ailment = Ailment { slow_percent: 100, slow_millis: 700, fail_percent: 100 };
    trouble.make_trouble(&cx, ailment).await.unwrap();

    let begun = Instant::now();
    let failed = payments.charge(&cx, request("a", 500, "4242")).await;
    let Err(PaymentsError::Call(failed)) = failed else { panic!("{failed:?}") };
    assert_eq!((failed.code(), failed.recovery()), (Code::Unavailable, Recovery::Retry));
    assert!(begun.elapsed() >= Duration::from_millis(700));

    trouble.make_trouble(&cx, Ailment::default()).await.unwrap();
    payments.charge(&cx, request("a", 500, "4242")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn trouble_that_nobody_can_have_is_refused() {
    let (_folder, _, trouble) = payments().await;
    let ailment = Ailment { fail_percent: 101, ..Ailment::default() };
    let refused = trouble.make_trouble(&Context::background(), ailment).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
