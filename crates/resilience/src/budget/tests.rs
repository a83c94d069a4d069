use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, MessageStream, Payload};

use super::*;
use crate::testing::{METHOD, STREAM, answering, context, endpoint, request};

fn budget(settings: BudgetSettings) -> Budget {
    Budget::new(Live::new(settings))
}

/// Nothing but a share of the calls of the last ten seconds.
fn by_share(share: f64) -> BudgetSettings {
    BudgetSettings { share, floor: 0.0, in_flight: 1.0, least: u32::MAX, ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn a_fifth_of_the_calls_of_the_last_ten_seconds_may_be_sent_once_more() {
    let budget = budget(by_share(0.2));
    let spend = |calls| {
        (0..calls).for_each(|_| drop(budget.begin(&context())));
        std::iter::from_fn(|| budget.spend(&context()).ok()).count()
    };
    assert_eq!(spend(4), 0);
    assert_eq!(spend(1), 1, "20 % of five");
    assert_eq!(spend(95), 19);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(spend(0), 0);
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(spend(100), 20, "what was spent is forgotten with the calls it was spent on");
}

#[tokio::test(start_paused = true)]
async fn calls_of_long_ago_allow_nothing_now() {
    let budget = budget(by_share(0.2));
    (0..100_000).for_each(|_| drop(budget.begin(&context())));
    tokio::time::advance(Duration::from_secs(3600)).await;
    drop(budget.begin(&context()));
    let spent = std::iter::from_fn(|| budget.spend(&context()).ok()).count();
    assert!(spent <= 13, "{spent}: a fifth of those that went by without a look at the clock");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_few_call_has_its_floor() {
    let budget = budget(BudgetSettings { floor: 0.5, ..by_share(0.2) });
    let spent = || std::iter::from_fn(|| budget.spend(&context()).ok()).count();
    assert_eq!(spent(), 5, "half a retry a second for ten seconds");
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(spent(), 5);
}

#[tokio::test(start_paused = true)]
async fn at_the_same_time_a_fifth_of_those_in_flight_may_and_ten_always() {
    let budget = budget(BudgetSettings { floor: 1e6, ..BudgetSettings::default() });
    let context = context();
    let spend = || std::iter::from_fn(|| budget.spend(&context).ok()).collect::<Vec<_>>();
    let ten = spend();
    assert_eq!(ten.len(), 10);
    let calls: Vec<_> = (0..100).map(|_| budget.begin(&context)).collect();
    let rest = spend();
    assert_eq!(rest.len(), 10, "twenty of a hundred, of which ten are out");
    let Err(denied) = budget.spend(&context) else { panic!("there is nothing left") };
    assert_eq!(
        denied.to_string(),
        "20 retries for 100 calls in flight are as many as the budget allows"
    );
    drop((ten, rest, calls));
    assert_eq!(spend().len(), 10, "what is over is given back");
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_budget_and_so_do_the_methods_of_a_layer() {
    let budget = budget(by_share(0.2));
    for _ in 0..1_000 {
        let endpoint = BoxEndpoint::new(budget.clone().layer(&METHOD, answering()));
        endpoint.call(request(&context())).await.unwrap();
    }
    let spend = |_| std::iter::from_fn(|| budget.clone().spend(&context()).ok().map(drop)).count();
    let spent: usize = (0..1_000).map(spend).sum();
    assert_eq!(spent, 200);
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_counts_as_in_flight_and_a_dropped_call_does_not() {
    let budget = budget(BudgetSettings::default());
    let streaming = endpoint(|_| async {
        Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::once("{}".into()))))
    });
    let streaming = budget.layer(&STREAM, streaming);
    let reply = streaming.call(request(&context())).await.unwrap();
    assert_eq!(budget.0.in_flight(), 1);
    let (payload, _) = reply.into_parts();
    assert_eq!(budget.0.in_flight(), 1);
    drop(payload);
    assert_eq!(budget.0.in_flight(), 0);

    let hanging = budget.layer(&METHOD, endpoint(|_| std::future::pending()));
    let call = hanging.call(request(&context()));
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    assert_eq!(budget.0.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dark_budget_counts_and_denies_nothing_and_one_that_is_off_counts_nothing() {
    let live = Live::new(BudgetSettings { mode: Mode::Dark, least: 1, ..by_share(0.0) });
    let budget = Budget::new(live.clone());
    assert!(budget.spend(&context()).is_ok());
    assert_eq!(budget.0.dark.value(), 1);
    live.replace(BudgetSettings { mode: Mode::Off, ..by_share(0.0) });
    assert!(budget.spend(&context()).is_ok());
    assert_eq!((budget.0.dark.value(), budget.0.denied.value()), (1, 0));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let default = BudgetSettings::default;
    assert_eq!(default().check(), Ok(()));
    for bad in [
        BudgetSettings { share: 20.0, ..default() },
        BudgetSettings { floor: f64::INFINITY, ..default() },
        BudgetSettings { least: 0, in_flight: 0.0, ..default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
