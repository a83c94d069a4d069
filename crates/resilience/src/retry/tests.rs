use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Code, MessageStream, Origin, Recovery};
use tokio::time::Instant;

use super::*;
use crate::testing::{
    IDEMPOTENT, METHOD, SAFE, STREAM, context, endpoint, reason, reply, request, unavailable,
};
use crate::{BREAKER, BudgetSettings, Reason, refusal};

/// A stack of budget and retry around a service that fails as `failure` says, and its attempts.
struct Stack {
    endpoint: BoxEndpoint,
    attempts: Arc<AtomicU32>,
    retry: Retry,
}

fn stack(
    method: &'static Method,
    settings: RetrySettings,
    failure: impl Fn(u32) -> Option<Error> + Send + Sync + 'static,
) -> Stack {
    let budget = Budget::new(Live::new(BudgetSettings::default()));
    let retry = Retry::new(Live::new(settings), budget.clone());
    let attempts = Arc::<AtomicU32>::default();
    let seen = Arc::clone(&attempts);
    let service = endpoint(move |_| {
        let failure = failure(seen.fetch_add(1, Ordering::Relaxed) + 1);
        async move { failure.map_or_else(|| Ok(reply()), Err) }
    });
    let endpoint = BoxEndpoint::new(budget.layer(method, retry.layer(method, service)));
    Stack { endpoint, attempts, retry }
}

impl Stack {
    async fn call(&self, context: &Context) -> Result<Reply, Error> {
        self.endpoint.call(request(context)).await
    }

    fn attempts(&self) -> u32 {
        self.attempts.swap(0, Ordering::Relaxed)
    }
}

fn always(error: fn() -> Error) -> impl Fn(u32) -> Option<Error> + Send + Sync + 'static {
    move |_| Some(error())
}

fn never_processed() -> Error {
    unavailable().with_recovery(Recovery::NeverProcessed)
}

#[tokio::test(start_paused = true)]
async fn what_may_help_and_can_do_no_harm_is_tried_again_and_nothing_else() {
    let mine = || Error::new(Code::Unavailable, "sold out");
    let recovering = || Error::new(Code::Aborted, "lost the race").with_recovery(Recovery::Retry);
    let exhausted = || unavailable().with_recovery(Recovery::Exhausted);
    let open = || refusal(BREAKER, Reason::BreakerOpen, Recovery::Retry, "open");
    struct Case(&'static Method, fn() -> Error, u32, &'static str);
    let cases = [
        Case(&SAFE, unavailable, 3, "a safe method"),
        Case(&IDEMPOTENT, unavailable, 3, "an idempotent one"),
        Case(&METHOD, unavailable, 1, "one that may have been processed"),
        Case(&METHOD, never_processed, 3, "one that certainly was not"),
        Case(
            &SAFE,
            || Error::new(Code::Internal, "").with_origin(Origin::Peer),
            1,
            "no word of it",
        ),
        Case(&SAFE, mine, 1, "an answer of the business logic"),
        Case(&SAFE, recovering, 3, "one that says that it helps"),
        Case(&SAFE, exhausted, 1, "what was tried again below"),
        Case(&SAFE, open, 1, "an open breaker"),
    ];
    for Case(method, error, attempts, why) in cases {
        let stack = stack(method, RetrySettings::default(), always(error));
        let failed = stack.call(&context()).await.unwrap_err();
        assert_eq!(stack.attempts(), attempts, "{why}");
        let expected = if attempts > 1 { Recovery::Exhausted } else { error().recovery() };
        assert_eq!(failed.recovery(), expected, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_again_and_must_not_be_once_more_goes_up_marked() {
    let in_an_hour = || Recovery::After(Duration::from_secs(3600));
    let open = move || refusal(BREAKER, Reason::BreakerOpen, in_an_hour(), "open");
    let half_open = || refusal(BREAKER, Reason::BreakerOpen, Recovery::Retry, "half-open");
    let final_ = || Error::new(Code::NotFound, "").with_origin(Origin::Peer);
    type Failures = (&'static Method, fn() -> Error, Box<dyn Fn() -> Error + Send + Sync>);
    let cases: [(Failures, Recovery, &str); 5] = [
        ((&SAFE, unavailable, Box::new(open)), Recovery::Exhausted, "the breaker opened"),
        ((&SAFE, unavailable, Box::new(half_open)), Recovery::Exhausted, "it is half-open"),
        ((&METHOD, never_processed, Box::new(unavailable)), Recovery::Exhausted, "unrepeatable"),
        (
            (&METHOD, never_processed, Box::new(move || unavailable().with_recovery(in_an_hour()))),
            Recovery::Exhausted,
            "unrepeatable, later",
        ),
        ((&SAFE, unavailable, Box::new(final_)), Recovery::No, "nobody would try that again"),
    ];
    for ((method, first, second), expected, why) in cases {
        let stack = stack(method, RetrySettings::default(), move |attempt| {
            Some(if attempt == 1 { first() } else { second() })
        });
        let context = context();
        let failed = stack.call(&context).await.unwrap_err();
        assert_eq!((stack.attempts(), failed.recovery()), (2, expected), "{why}");
        let note = (expected == Recovery::Exhausted).then_some("retry: not again after 2 attempts");
        assert_eq!(failed.causes().as_deref(), note, "{why}");
        let recorded = context.take_fields();
        assert_eq!(recorded.len(), usize::from(note.is_some()), "{why}: {recorded:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_any_call_repeatable() {
    let stack = stack(&METHOD, RetrySettings::default(), always(unavailable));
    let keyed = context().with_idempotency_key("k-1").outgoing();
    stack.call(&keyed).await.unwrap_err();
    assert_eq!(stack.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_numbered_and_the_first_is_the_call_itself() {
    let seen = Arc::<Mutex<Vec<u32>>>::default();
    let service = {
        let seen = Arc::clone(&seen);
        endpoint(move |request| {
            seen.lock().unwrap().push(request.context.attempt());
            async { Err(unavailable()) }
        })
    };
    let budget = Budget::new(Live::new(BudgetSettings::default()));
    let retry = Retry::new(Live::new(RetrySettings::default()), budget);
    let failed = retry.layer(&SAFE, service).call(request(&context())).await.unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
    assert_eq!(failed.code(), Code::Unavailable);
    assert_eq!(failed.message(), "busy");
    assert_eq!(failed.causes().unwrap(), "retry: gave up after 3 attempts");
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_ends_it() {
    let stack = stack(&SAFE, RetrySettings::default(), |attempt| (attempt < 2).then(unavailable));
    stack.call(&context()).await.unwrap();
    assert_eq!(stack.attempts(), 2);
    assert_eq!(stack.retry.0.counts.retried.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_says_when_to_come_back_and_is_not_waited_for_in_vain() {
    let pushed = |attempt| (attempt < 2).then(|| unavailable().retry_after(Duration::from_secs(2)));
    let stack = stack(&SAFE, RetrySettings::default(), pushed);
    let begin = Instant::now();
    stack.call(&context()).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 2);

    stack.attempts();
    let begin = Instant::now();
    let hurried = context().with_timeout(Duration::from_secs(2));
    let error = stack.call(&hurried).await.unwrap_err();
    assert_eq!(begin.elapsed(), Duration::ZERO, "it would come too late, and that is known now");
    assert_eq!(error.recovery(), Recovery::After(Duration::from_secs(2)), "nobody tried again");
    assert!(error.causes().unwrap().contains("too late"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_its_patience() {
    let hour = || unavailable().retry_after(Duration::from_secs(3600));
    let stack = stack(&SAFE, RetrySettings::default(), always(hour));
    stack.call(&context()).await.unwrap_err();
    assert_eq!(stack.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_large_request_and_a_stream_are_sent_once() {
    let stack = stack(&SAFE, RetrySettings::default(), always(never_processed));
    let large = Payload::unary(Codec::Json, vec![b' '; 64 * 1024 + 1].into());
    let stream = Payload::stream(Codec::Json, MessageStream::once("{}".into()));
    for payload in [large, stream] {
        let error = stack.endpoint.call(Request::new(context(), payload)).await.unwrap_err();
        assert_eq!(stack.attempts(), 1);
        assert_eq!(error.recovery(), Recovery::NeverProcessed, "whoever can may send it again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_is_never_tried_again() {
    let attempts = Arc::<AtomicU32>::default();
    let seen = Arc::clone(&attempts);
    let service = endpoint(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        let messages = futures_util::stream::iter([Ok("{}".into()), Err(unavailable())]);
        async { Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages)))) }
    });
    let budget = Budget::new(Live::new(BudgetSettings::default()));
    let retry = Retry::new(Live::new(RetrySettings::default()), budget);
    let reply = retry.layer(&STREAM, service).call(request(&context())).await.unwrap();
    let mut messages = reply.into_parts().0.into_stream();
    assert!(messages.next().await.unwrap().is_ok());
    assert!(messages.next().await.unwrap().is_err());
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_does_not_allow_goes_up_marked() {
    let none = BudgetSettings { share: 0.0, floor: 0.0, ..BudgetSettings::default() };
    let budget = Budget::new(Live::new(none));
    let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
    let service = endpoint(|_| async { Err(unavailable()) });
    let error = retry.layer(&SAFE, service).call(request(&context())).await.unwrap_err();
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Exhausted));
    assert_eq!(reason(&error), "BUDGET_SPENT");
    assert!(error.causes().unwrap().starts_with("retry: 0 retries for 0 calls in 10 s"));
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_spent_before_the_pause_and_given_back_when_the_call_is_dropped() {
    let hour = || unavailable().retry_after(Duration::from_secs(5));
    let stack = stack(&SAFE, RetrySettings::default(), always(hour));
    let calls: Vec<_> =
        (0..17).map(|_| Box::pin(stack.endpoint.call(request(&context())))).collect();
    let all = futures_util::future::join_all(calls);
    let waiting = tokio::time::timeout(Duration::from_secs(1), all).await;
    assert!(waiting.is_err());
    assert_eq!(stack.retry.0.counts.retried.value(), 10, "of 17 calls in flight, ten wait");
    assert_eq!(stack.retry.0.counts.budget.value(), 7);
    let denied = stack.retry.0.budget.spend(&context()).is_err();
    assert!(!denied, "those that left have given theirs back");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_not_tried_again() {
    let stack = stack(&SAFE, RetrySettings::default(), always(unavailable));
    let (child, guard) = context().child();
    drop(guard);
    stack.call(&child).await.unwrap_err();
    assert_eq!(stack.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_cancels_a_call_that_waits_for_its_next_attempt_need_not_wait() {
    let later = || unavailable().retry_after(Duration::from_secs(5));
    let stack = stack(&SAFE, RetrySettings::default(), always(later));
    let (child, guard) = context().child();
    let begin = Instant::now();
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(guard);
    };
    let (answer, ()) = futures_util::join!(stack.call(&child), cancel);
    let error = answer.unwrap_err();
    assert_eq!((stack.attempts(), begin.elapsed().as_secs()), (1, 1));
    assert_eq!(error.recovery(), Recovery::After(Duration::from_secs(5)), "nobody tried it again");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_share_one_budget() {
    let settings = BudgetSettings { floor: 0.0, ..BudgetSettings::default() };
    let budget = Budget::new(Live::new(settings));
    let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
    let attempts = Arc::<AtomicU32>::default();
    for _ in 0..1_000 {
        let seen = Arc::clone(&attempts);
        let service = endpoint(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            async { Err(unavailable()) }
        });
        let (budget, retry) = (budget.clone(), retry.clone());
        let stack = budget.layer(&SAFE, retry.layer(&SAFE, service));
        stack.call(request(&context())).await.unwrap_err();
    }
    let attempts = attempts.load(Ordering::Relaxed);
    assert!((1_190..=1_200).contains(&attempts), "{attempts}");
}

#[tokio::test(start_paused = true)]
async fn a_dark_retry_counts_and_sends_once() {
    let dark = || RetrySettings { mode: Mode::Dark, ..RetrySettings::default() };
    let stack = stack(&SAFE, dark(), always(unavailable));
    let error = stack.call(&context()).await.unwrap_err();
    assert_eq!((stack.attempts(), stack.retry.0.counts.dark.value()), (1, 1));
    assert_eq!(error.recovery(), Recovery::Retry, "nobody tried it again");

    let none = BudgetSettings { share: 0.0, floor: 0.0, ..BudgetSettings::default() };
    let retry = Retry::new(Live::new(dark()), Budget::new(Live::new(none)));
    let (service, context) = (endpoint(|_| async { Err(unavailable()) }), context());
    let error = retry.layer(&SAFE, service).call(request(&context)).await.unwrap_err();
    assert_eq!((error.recovery(), error.causes()), (Recovery::Retry, None), "nor said so");
    let note = &context.take_fields()[0];
    assert!(note.name == RETRY && note.value.starts_with("would have said: 0 retries"), "{note:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_off_or_has_one_attempt_marks_nothing() {
    for settings in [
        RetrySettings { mode: Mode::Off, ..RetrySettings::default() },
        RetrySettings { attempts: 1, ..RetrySettings::default() },
    ] {
        let stack = stack(&SAFE, settings, always(unavailable));
        let error = stack.call(&context()).await.unwrap_err();
        assert_eq!((stack.attempts(), error.recovery()), (1, Recovery::Retry));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let default = RetrySettings::default;
    assert_eq!(default().check(), Ok(()));
    for bad in [
        RetrySettings { attempts: 0, ..default() },
        RetrySettings { attempts: 11, ..default() },
        RetrySettings { cap: Duration::from_millis(1), ..default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
