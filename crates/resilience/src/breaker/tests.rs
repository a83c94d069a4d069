mod streams;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use kitfox_core::BoxEndpoint;
use kitfox_core::error::{ErrorSchema, ErrorVariant};

use super::*;
use crate::testing::{METHOD, SAFE, context, endpoint, reason, reply, request, unavailable};
use crate::{RateLimit, RateLimitSettings, Reason, refusal};

/// A breaker before a service that answers what the test says, and how often it was called.
struct Stack {
    breaker: Breaker,
    live: Live<BreakerSettings>,
    answer: Arc<Mutex<Option<Error>>>,
    called: Arc<AtomicU32>,
    endpoint: BoxEndpoint,
}

fn stack(settings: BreakerSettings) -> Stack {
    stack_of(&METHOD, settings)
}

fn stack_of(method: &'static Method, settings: BreakerSettings) -> Stack {
    let live = Live::new(settings);
    let breaker = Breaker::new(live.clone());
    let (answer, called) = (Arc::<Mutex<Option<Error>>>::default(), Arc::<AtomicU32>::default());
    let service = {
        let (answer, called) = (Arc::clone(&answer), Arc::clone(&called));
        endpoint(move |_| {
            called.fetch_add(1, Ordering::Relaxed);
            let answer = answer.lock().unwrap().as_ref().map(copy);
            async move { answer.map_or_else(|| Ok(reply()), Err) }
        })
    };
    let endpoint = BoxEndpoint::new(breaker.layer(method, service));
    Stack { breaker, live, answer, called, endpoint }
}

fn copy(error: &Error) -> Error {
    let copy = Error::new(error.code(), error.message().to_owned()).with_origin(error.origin());
    error.details().iter().fold(copy, |copy, detail| copy.with_detail(detail.clone()))
}

impl Stack {
    async fn call(&self, answer: Option<Error>) -> Result<Reply, Error> {
        *self.answer.lock().unwrap() = answer;
        self.endpoint.call(request(&context())).await
    }

    async fn calls(&self, number: u32, answer: impl Fn() -> Option<Error>) {
        for _ in 0..number {
            let _ = self.call(answer()).await;
        }
    }

    /// How many calls got through since the last time.
    fn called(&self) -> u32 {
        self.called.swap(0, Ordering::Relaxed)
    }

    async fn is_open(&self) -> bool {
        self.call(None).await.is_err_and(|error| reason(&error) == "BREAKER_OPEN")
    }
}

fn good() -> Option<Error> {
    None
}

fn bad() -> Option<Error> {
    Some(unavailable())
}

fn consecutive(consecutive: u32) -> BreakerSettings {
    BreakerSettings { consecutive, rate: 0.0, ..BreakerSettings::default() }
}

#[tokio::test(start_paused = true)]
async fn it_opens_refuses_with_a_reason_probes_and_closes() {
    let stack = stack(consecutive(3));
    stack.calls(3, bad).await;
    stack.called();
    tokio::time::advance(Duration::from_millis(3_200)).await;
    let error = stack.call(good()).await.unwrap_err();
    assert_eq!(stack.called(), 0);
    assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Layer(BREAKER)));
    assert_eq!(reason(&error), "BREAKER_OPEN");
    let message = "breaker open since 3.2 s, probe in 1.8 s: 3 failures in a row";
    assert_eq!(error.message(), message);
    assert_eq!(error.recovery(), Recovery::After(Duration::from_millis(1_800)));
    assert!(stack.breaker.describe().contains("test.v1.Test open (3 failures in a row)"));

    tokio::time::advance(Duration::from_millis(1_800)).await;
    stack.call(good()).await.unwrap();
    stack.calls(5, good).await;
    assert_eq!(stack.called(), 6, "it is closed");
    let counts = &stack.breaker.0.counts;
    assert_eq!((counts.opened.value(), counts.closed.value(), counts.open.value()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_it_again() {
    let stack = stack(consecutive(3));
    stack.calls(3, bad).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    stack.called();
    stack.calls(5, bad).await;
    assert_eq!(stack.called(), 1, "the probe");
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(!stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn while_a_probe_is_under_way_the_rest_is_refused_and_one_that_is_dropped_says_nothing() {
    let breaker = Breaker::new(Live::new(consecutive(1)));
    let failing = breaker.layer(&METHOD, endpoint(|_| async { Err(unavailable()) }));
    failing.call(request(&context())).await.unwrap_err();
    tokio::time::advance(Duration::from_secs(5)).await;
    let hanging = breaker.layer(&METHOD, endpoint(|_| std::future::pending()));
    let hour = context().with_timeout(Duration::from_secs(3_600));
    let mut probe = Box::pin(hanging.call(request(&hour)));
    assert!(futures_util::poll!(&mut probe).is_pending());
    let error = hanging.call(request(&context())).await.unwrap_err();
    assert_eq!(error.message(), "breaker half-open since 0.0 s, 1 probes under way");
    drop(probe);
    let next = hanging.call(request(&context()));
    assert!(futures_util::poll!(Box::pin(next)).is_pending(), "another one probes");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_late_makes_room_for_nobody_when_it_ends() {
    let breaker = Breaker::new(Live::new(consecutive(1)));
    let failing = breaker.layer(&METHOD, endpoint(|_| async { Err(unavailable()) }));
    failing.call(request(&context())).await.unwrap_err();
    let hanging = breaker.layer(&METHOD, endpoint(|_| std::future::pending()));
    let probe = || {
        let mut probe = Box::pin(hanging.call(request(&context())));
        assert!((&mut probe).now_or_never().is_none(), "it passes");
        probe
    };
    tokio::time::advance(Duration::from_secs(5)).await;
    let late = probe();
    tokio::time::advance(Duration::from_secs(5)).await;
    let _present = probe();
    drop(late);
    let next = hanging.call(request(&context())).now_or_never().expect("it does not pass");
    let error = next.unwrap_err();
    assert_eq!(error.message(), "breaker half-open since 5.0 s, 1 probes under way");
}

#[tokio::test(start_paused = true)]
async fn a_good_call_ends_the_row_of_failures() {
    let stack = stack(consecutive(3));
    for _ in 0..10 {
        stack.calls(2, bad).await;
        stack.calls(1, good).await;
    }
    assert!(!stack.is_open().await);
    stack.calls(3, bad).await;
    assert!(stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_calls_of_ten_seconds_open_it_and_few_do_not() {
    let stack = stack(BreakerSettings::default());
    stack.calls(19, bad).await;
    assert!(!stack.is_open().await, "19 failures and a good one, before this");
    stack.calls(1, bad).await;
    assert!(stack.is_open().await);

    tokio::time::advance(Duration::from_secs(5)).await;
    stack.calls(1, good).await;
    stack.calls(100, good).await;
    stack.calls(99, bad).await;
    assert!(!stack.is_open().await, "99 of 200");
    tokio::time::advance(Duration::from_secs(11)).await;
    stack.calls(10, good).await;
    stack.calls(9, bad).await;
    assert!(!stack.is_open().await, "9 of 20, for the others are too long ago");
    stack.calls(5, bad).await;
    assert!(stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn half_of_the_last_calls_open_it_whenever_they_were() {
    let window = BreakerWindow::Calls(10);
    let stack = stack(BreakerSettings { window, least: 10, ..BreakerSettings::default() });
    stack.calls(100, good).await;
    for _ in 0..4 {
        stack.calls(1, bad).await;
        tokio::time::advance(Duration::from_secs(3_600)).await;
    }
    assert!(!stack.is_open().await);
    stack.calls(1, bad).await;
    assert!(stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_it_and_so_do_those_that_never_end() {
    let slow = Duration::from_millis(500);
    let settings = BreakerSettings { slow, rate: 0.0, least: 4, ..BreakerSettings::default() };
    let breaker = Breaker::new(Live::new(settings));
    let service = breaker.layer(
        &METHOD,
        endpoint(|_| async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            Ok(reply())
        }),
    );
    for _ in 0..4 {
        service.call(request(&context())).await.unwrap();
    }
    let error = service.call(request(&context())).await.unwrap_err();
    assert!(error.message().ends_with("4 of 4 calls in 10s took 500ms or longer"), "{error}");

    let breaker = Breaker::new(Live::new(consecutive(2)));
    let hanging = breaker.layer(&METHOD, endpoint(|_| std::future::pending()));
    let timeout = Duration::from_millis(100);
    for (deadline, calls) in [(None, 5), (Some(timeout), 2)] {
        for _ in 0..calls {
            let context = deadline.map_or_else(context, |limit| context().with_timeout(limit));
            let call = hanging.call(request(&context));
            assert!(tokio::time::timeout(timeout, call).await.is_err(), "dropped, not refused");
        }
    }
    let error = hanging.call(request(&context())).await.unwrap_err();
    assert_eq!(reason(&error), "BREAKER_OPEN", "the last two were dropped at their deadline");
}

#[tokio::test(start_paused = true)]
async fn a_limiter_inside_does_not_open_it_and_is_told_apart_from_it() {
    let limit = RateLimitSettings { mode: Mode::On, rate: 0.1, burst: 1, ..Default::default() };
    let limit = RateLimit::new(Live::new(limit));
    let breaker = Breaker::new(Live::new(BreakerSettings { least: 1, ..consecutive(1) }));
    let failing = Arc::<AtomicU32>::default();
    let service = {
        let failing = Arc::clone(&failing);
        endpoint(move |_| {
            let failing = failing.load(Ordering::Relaxed) > 0;
            async move { if failing { Err(unavailable()) } else { Ok(reply()) } }
        })
    };
    let stack = breaker.layer(&METHOD, limit.layer(&METHOD, service));
    stack.call(request(&context())).await.unwrap();
    for _ in 0..100 {
        let error = stack.call(request(&context())).await.unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(reason(&error), "RATE_LIMITED");
    }
    failing.store(1, Ordering::Relaxed);
    tokio::time::advance(Duration::from_secs(10)).await;
    stack.call(request(&context())).await.unwrap_err();
    let error = stack.call(request(&context())).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::Unavailable, "BREAKER_OPEN"));
}

static ERRORS: ErrorSchema = ErrorSchema {
    domain: "test.v1.TestError",
    variants: &[ErrorVariant {
        reason: "SOLD_OUT",
        code: Code::Unavailable,
        recovery: Recovery::No,
        docs: "",
        detail: None,
        deprecated: false,
    }],
};

static WITH_ERRORS: Method = Method { errors: &ERRORS, ..METHOD };

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_business_logic_never_opens_it_here_or_from_a_peer() {
    let stack = stack_of(&WITH_ERRORS, BreakerSettings { least: 1, ..consecutive(1) });
    let sold_out = || ERRORS.error(0, "sold out".to_owned());
    stack.calls(100, || Some(sold_out())).await;
    stack.calls(100, || Some(sold_out().with_origin(Origin::Peer))).await;
    let missing = || Error::new(Code::NotFound, "").with_origin(Origin::Peer);
    stack.calls(100, || Some(missing())).await;
    let canceled = || Error::new(Code::Canceled, "").with_origin(Origin::Peer);
    stack.calls(100, || Some(canceled())).await;
    let no_replica = || refusal("balancer", Reason::NoReplica, Recovery::Retry, "");
    stack.calls(100, || Some(no_replica())).await;
    assert_eq!(stack.called(), 500);
    assert!(!stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn methods_fail_together_or_each_for_itself_and_clones_always_share() {
    for (scope, others) in [(BreakerScope::Service, true), (BreakerScope::Method, false)] {
        let breaker = Breaker::new(Live::new(BreakerSettings { scope, ..consecutive(3) }));
        for _ in 0..3 {
            let clone = breaker.clone().layer(&METHOD, endpoint(|_| async { Err(unavailable()) }));
            clone.call(request(&context())).await.unwrap_err();
        }
        let refused = async |method| {
            let clone = breaker.clone().layer(method, endpoint(|_| async { Ok(reply()) }));
            clone.call(request(&context())).await.is_err()
        };
        assert!(refused(&METHOD).await, "{scope:?}");
        assert_eq!(refused(&SAFE).await, others, "{scope:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dark_breaker_keeps_its_state_and_refuses_nothing() {
    let stack = stack(BreakerSettings { mode: Mode::Dark, ..consecutive(3) });
    stack.calls(3, bad).await;
    stack.calls(10, good).await;
    assert_eq!(stack.called(), 13);
    let counts = &stack.breaker.0.counts;
    assert_eq!((counts.dark.value(), counts.refused.value(), counts.opened.value()), (10, 0, 1));
    tokio::time::advance(Duration::from_secs(5)).await;
    stack.calls(1, good).await;
    assert_eq!(stack.breaker.0.counts.closed.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_held_open_or_closed_by_hand_and_off_it_counts_nothing() {
    let stack = stack(BreakerSettings { force: Some(BreakerForce::Open), ..consecutive(1) });
    let error = stack.call(good()).await.unwrap_err();
    assert_eq!(error.message(), "breaker held open by hand");
    stack.live.replace(BreakerSettings { force: Some(BreakerForce::Closed), ..consecutive(1) });
    stack.calls(5, bad).await;
    stack.live.replace(BreakerSettings { mode: Mode::Off, ..consecutive(1) });
    stack.calls(5, bad).await;
    stack.live.replace(consecutive(1));
    assert_eq!(stack.called(), 10);
    assert!(!stack.is_open().await);
}

#[tokio::test(start_paused = true)]
async fn it_says_how_many_calls_it_sees_and_that_they_are_too_few() {
    let settings = BreakerSettings { least: 4, rate: 0.9, ..BreakerSettings::default() };
    let stack = stack(settings.clone());
    stack.calls(2, good).await;
    stack.calls(1, bad).await;
    let few =
        "on: test.v1.Test closed (1 of 3 calls in 10s failed, too few to open it: 4 are the least)";
    assert_eq!(stack.breaker.describe(), few);
    stack.calls(2, good).await;
    let enough = "on: test.v1.Test closed (1 of 5 calls in 10s failed)";
    assert_eq!(stack.breaker.describe(), enough);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert!(stack.breaker.describe().contains("0 of 0 calls"));
    let window = BreakerWindow::Calls(4);
    stack.live.replace(BreakerSettings { window, ..settings });
    stack.calls(9, good).await;
    assert!(stack.breaker.describe().ends_with("closed (0 of the last 4 calls failed)"));
}

#[test]
fn settings_that_make_no_sense_are_refused_and_all_are_written_as_they_are_read() {
    use kitfox_core::setting::Keyed;
    let default = BreakerSettings::default;
    assert_eq!(default().check(), Ok(()));
    let calls = BreakerWindow::Calls(10);
    for bad in [
        BreakerSettings { rate: 0.0, ..default() },
        BreakerSettings { rate: 50.0, ..default() },
        BreakerSettings { least: 0, ..default() },
        BreakerSettings { window: calls, least: 11, ..default() },
        BreakerSettings { window: BreakerWindow::Time(Duration::from_millis(9)), ..default() },
        BreakerSettings { open: Duration::ZERO, ..default() },
        BreakerSettings { growth: 0.5, ..default() },
        BreakerSettings { longest: Duration::from_secs(1), ..default() },
        BreakerSettings { probes: 0, ..default() },
        BreakerSettings { slow: Duration::from_secs(1), slow_rate: 0.0, ..default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
    let force = Some(BreakerForce::Open);
    let scope = BreakerScope::Method;
    let settings = BreakerSettings { window: calls, force, scope, ..default() };
    for key in BreakerSettings::KEYS {
        let mut copy = settings.clone();
        copy.set(key.name, &(key.show)(&settings)).unwrap();
        assert_eq!(copy, settings, "{}", key.name);
    }
}
