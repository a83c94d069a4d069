use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

use kitfox_core::message::Codec;
use kitfox_core::record::Stage;
use kitfox_core::{BoxEndpoint, Code, MessageStream, Payload, Recovery};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::BudgetSettings;
use crate::testing::{IDEMPOTENT, METHOD, SAFE, context, endpoint, reply, request, unavailable};

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn after(delay: u64) -> HedgeSettings {
    let after = HedgeAfter::Time(milliseconds(delay));
    HedgeSettings { mode: Mode::On, after, ..HedgeSettings::default() }
}

/// A hedge before a service whose attempts take so long and end so; what was begun, and what ended.
struct Stack {
    hedge: Hedge,
    endpoint: BoxEndpoint,
    begun: Arc<AtomicU32>,
    ended: Arc<AtomicU32>,
}

fn stack(
    method: &'static Method,
    settings: HedgeSettings,
    attempt: impl Fn(u32) -> (u64, Option<Error>) + Send + Sync + 'static,
) -> Stack {
    let budget = Budget::new(Live::new(BudgetSettings::default()));
    let hedge = Hedge::new(Live::new(settings), budget);
    let (begun, ended) = (Arc::<AtomicU32>::default(), Arc::<AtomicU32>::default());
    let service = {
        let (begun, ended) = (Arc::clone(&begun), Arc::clone(&ended));
        endpoint(move |_| {
            let (takes, failure) = attempt(begun.fetch_add(1, Ordering::Relaxed) + 1);
            let ended = Arc::clone(&ended);
            async move {
                sleep(milliseconds(takes)).await;
                ended.fetch_add(1, Ordering::Relaxed);
                failure.map_or_else(|| Ok(reply()), Err)
            }
        })
    };
    let endpoint = BoxEndpoint::new(hedge.layer(method, service));
    Stack { hedge, endpoint, begun, ended }
}

impl Stack {
    async fn call(&self) -> (Result<Reply, Error>, u128) {
        let begin = Instant::now();
        (self.endpoint.call(request(&context())).await, begin.elapsed().as_millis())
    }

    fn attempts(&self) -> (u32, u32) {
        (self.begun.swap(0, Ordering::Relaxed), self.ended.swap(0, Ordering::Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_wins_and_the_loser_is_cancelled() {
    let slow_first = |attempt| (if attempt == 1 { 1_000 } else { 10 }, None);
    let slow = stack(&SAFE, after(50), slow_first);
    let (answer, took) = slow.call().await;
    assert!(answer.is_ok());
    assert_eq!((took, slow.attempts()), (60, (2, 1)));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(slow.attempts(), (0, 0), "nobody works for the loser any more");

    let fast = stack(&SAFE, after(50), |attempt| (if attempt == 1 { 55 } else { 10 }, None));
    assert_eq!((fast.call().await.1, fast.attempts()), (55, (2, 1)), "the first was faster");
    let quick = stack(&SAFE, after(50), |_| (49, None));
    assert_eq!((quick.call().await.1, quick.attempts()), (49, (1, 1)));
    let counts = &slow.hedge.0.counts;
    assert_eq!((counts.sent.value(), counts.won.value()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn only_what_changes_nothing_is_hedged_and_what_is_idempotent_where_that_is_said() {
    let idempotent = || HedgeSettings { idempotent: true, ..after(50) };
    for (method, settings, attempts) in [
        (&SAFE, after(50), 2),
        (&IDEMPOTENT, after(50), 1),
        (&IDEMPOTENT, idempotent(), 2),
        (&METHOD, idempotent(), 1),
        (&SAFE, HedgeSettings { mode: Mode::Off, ..after(50) }, 1),
        (&SAFE, HedgeSettings { most: 3, ..after(50) }, 4),
    ] {
        let stack = stack(method, settings, |_| (500, None));
        let (answer, took) = stack.call().await;
        assert!(answer.is_ok());
        assert_eq!((took, stack.attempts().0), (500, attempts));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_the_other_attempt_and_an_answer_of_the_logic_does_not() {
    let failing = |attempt| match attempt {
        1 => (60, Some(unavailable())),
        _ => (100, None),
    };
    let stack_ = stack(&SAFE, after(50), failing);
    let (answer, took) = stack_.call().await;
    assert!(answer.is_ok());
    assert_eq!(took, 150);
    let missing = |_| (60, Some(Error::new(Code::NotFound, "")));
    let stack_ = stack(&SAFE, after(50), missing);
    let (answer, took) = stack_.call().await;
    assert_eq!((answer.unwrap_err().code(), took), (Code::NotFound, 60));
    let both = |_| (60, Some(unavailable()));
    let stack_ = stack(&SAFE, after(50), both);
    let (answer, took) = stack_.call().await;
    assert_eq!((answer.unwrap_err().recovery(), took), (Recovery::Retry, 110));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_in_the_layer_while_its_attempts_race() {
    let service = endpoint(|request| async move {
        request.context.enter_stage(Stage::Channel);
        sleep(milliseconds(100)).await;
        Ok(reply())
    });
    let budget = Budget::new(Live::default());
    let hedge = Hedge::new(Live::new(after(50)), budget).layer(&SAFE, service);
    let context = context();
    let mut call = pin!(hedge.call(request(&context)));
    for (wait, place) in [(40, (Stage::Channel, None)), (20, (Stage::Layers, Some(HEDGE)))] {
        assert!(timeout(milliseconds(wait), &mut call).await.is_err());
        assert_eq!((context.stage(), context.layer()), place);
    }
    call.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_hedge_is_the_retrys_business() {
    let stack = stack(&SAFE, after(50), |_| (10, Some(unavailable())));
    let (answer, took) = stack.call().await;
    assert!(answer.is_err());
    assert_eq!((took, stack.attempts()), (10, (1, 1)));
}

#[tokio::test(start_paused = true)]
async fn after_a_percentile_it_learns_first_and_does_not_forget_the_slow_ones() {
    let percentile = HedgeSettings { after: HedgeAfter::Percentile(0.9), ..after(0) };
    let every_twentieth =
        |attempt: u32| (if attempt.is_multiple_of(20) { 1_000 } else { 10 }, None);
    let stack = stack(&SAFE, percentile, every_twentieth);
    for _ in 0..120 {
        stack.call().await.0.unwrap();
    }
    assert_eq!(stack.attempts().0, 120, "it has not seen enough");
    let mut slowest = 0;
    for _ in 0..2_000 {
        slowest = slowest.max(stack.call().await.1);
    }
    assert!(slowest < 1_000, "{slowest}");
    let sent = stack.hedge.0.counts.sent.value();
    assert!((50..=200).contains(&sent), "{sent} of 2,000 calls, of which a twentieth is slow");
}

#[tokio::test(start_paused = true)]
async fn hedges_are_spent_from_the_budget_that_retries_have() {
    let live = Live::new(BudgetSettings { floor: 0.0, ..BudgetSettings::default() });
    let budget = Budget::new(live);
    let hedge = Hedge::new(Live::new(after(50)), budget.clone());
    let begun = Arc::<AtomicU32>::default();
    for _ in 0..1_000 {
        let begun = Arc::clone(&begun);
        let service = endpoint(move |_| {
            begun.fetch_add(1, Ordering::Relaxed);
            async {
                sleep(milliseconds(60)).await;
                Ok(reply())
            }
        });
        let stack = budget.layer(&SAFE, hedge.clone().layer(&SAFE, service));
        stack.call(request(&context())).await.unwrap();
    }
    let begun = begun.load(Ordering::Relaxed);
    assert!((1_150..=1_200).contains(&begun), "{begun}");
    assert!(hedge.0.counts.denied.value() > 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_call_cancels_every_attempt_and_gives_the_budget_back() {
    let stack = stack(&SAFE, after(50), |_| (1_000, None));
    let call = stack.endpoint.call(request(&context()));
    assert!(tokio::time::timeout(milliseconds(100), call).await.is_err());
    sleep(Duration::from_secs(5)).await;
    assert_eq!(stack.attempts(), (2, 0));
    let spent: Vec<_> =
        std::iter::from_fn(|| stack.hedge.0.budget.spend(&context()).ok()).collect();
    assert_eq!(spent.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_dark_hedge_counts_and_sends_nothing_and_a_stream_goes_out_once() {
    let dark = HedgeSettings { mode: Mode::Dark, ..after(50) };
    let stack_ = stack(&SAFE, dark, |_| (100, None));
    stack_.call().await.0.unwrap();
    assert_eq!((stack_.attempts().0, stack_.hedge.0.counts.dark.value()), (1, 1));

    let stack_ = stack(&SAFE, after(50), |_| (100, None));
    let stream = Payload::stream(Codec::Json, MessageStream::once("{}".into()));
    stack_.endpoint.call(Request::new(context(), stream)).await.unwrap();
    assert_eq!(stack_.attempts().0, 1);
}

#[tokio::test(start_paused = true)]
async fn by_default_nothing_is_hedged() {
    let stack = stack(&SAFE, HedgeSettings::default(), |_| (60_000, None));
    stack.call().await.0.unwrap();
    assert_eq!(stack.attempts().0, 1);
}

#[test]
fn settings_that_make_no_sense_are_refused_and_all_are_written_as_they_are_read() {
    let default = HedgeSettings::default;
    assert_eq!(default().check(), Ok(()));
    for bad in [
        HedgeSettings { most: 0, ..default() },
        HedgeSettings { most: 6, ..default() },
        HedgeSettings { after: HedgeAfter::Time(Duration::ZERO), ..default() },
        HedgeSettings { after: HedgeAfter::Percentile(0.2), ..default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
    for text in ["p50", "p95", "p99.9", "50ms"] {
        let after = (AFTER.parse)(text).unwrap();
        assert_eq!((AFTER.show)(&after), text);
    }
}
