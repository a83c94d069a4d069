use std::sync::Mutex;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use kitfox_core::message::Codec;
use kitfox_core::types::rpc::ErrorInfo;
use kitfox_core::{BoxEndpoint, Context, Detail, Incoming, MessageStream, Payload, Recovery};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::SHEDDING;
use crate::testing::{METHOD, answering, endpoint};

const SECOND: Duration = Duration::from_secs(1);

fn fixed(limit: usize, queue: usize) -> ConcurrencySettings {
    let (mode, kind) = (Mode::On, ConcurrencyKind::Fixed);
    ConcurrencySettings { mode, kind, limit, queue, wait: 10 * SECOND, ..Default::default() }
}

fn of(settings: ConcurrencySettings) -> Concurrency {
    let shedding = SheddingSettings { mode: Mode::Off, ..SheddingSettings::default() };
    Concurrency::new(Live::new(settings), Live::new(shedding))
}

/// What takes a second.
fn slow() -> BoxEndpoint {
    endpoint(|_| async {
        sleep(SECOND).await;
        Ok(Reply::new(Payload::unary(Codec::Json, "{}".into())))
    })
}

fn request(context: &Context) -> Request {
    Request::new(context.clone(), Payload::unary(Codec::Json, Bytes::new()))
}

fn worth(criticality: Criticality) -> Context {
    Context::incoming(Incoming { criticality, ..Incoming::default() })
}

fn begin(
    limit: &Concurrency,
    inner: BoxEndpoint,
    context: Context,
) -> JoinHandle<Result<Reply, Error>> {
    let endpoint = limit.layer(&METHOD, inner);
    #[expect(clippy::disallowed_methods, reason = "a test's own task")]
    tokio::spawn(async move { endpoint.call(request(&context)).await })
}

/// Begins a call, and lets it get as far as it does.
async fn start(limit: &Concurrency, context: Context) -> JoinHandle<Result<Reply, Error>> {
    let call = begin(limit, slow(), context);
    tokio::task::yield_now().await;
    call
}

fn reason(error: &Error) -> String {
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>).unwrap();
    info.reason
}

#[tokio::test(start_paused = true)]
async fn what_is_above_the_limit_waits_and_what_is_above_the_queue_is_refused_at_once() {
    let (limit, cx, begin) = (of(fixed(2, 1)), Context::background(), Instant::now());
    let calls = join_all([start(&limit, cx.clone()).await, start(&limit, cx.clone()).await]);
    let waits = start(&limit, cx.clone()).await;
    assert_eq!((limit.running(), limit.waiting()), (2, 1));
    assert_eq!(cx.layer(), Some(CONCURRENCY), "whoever looks at the calls in flight sees where");
    let error = start(&limit, cx).await.await.unwrap().unwrap_err();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!((error.code(), reason(&error).as_str()), (Code::Unavailable, "QUEUE_FULL"));
    assert_eq!(error.recovery(), Recovery::NeverProcessed, "another replica may have room");
    assert_eq!(error.message(), "2 calls run, and the queue is full with 1");
    assert!(calls.await.iter().all(Result::is_ok));
    waits.await.unwrap().unwrap();
    assert_eq!(begin.elapsed(), 2 * SECOND);
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_share_the_limit() {
    let limit = of(fixed(7, 0));
    let calls: Vec<_> =
        (0..1_000).map(|_| begin(&limit.clone(), slow(), Context::background())).collect();
    let answers = join_all(calls).await;
    let passed = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
    assert_eq!(passed, 7);
}

#[tokio::test(start_paused = true)]
async fn who_matters_most_is_let_in_first_and_equals_in_the_order_they_came() {
    let limit = of(fixed(1, 10));
    let first = start(&limit, Context::background()).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = Vec::new();
    for (name, criticality) in [
        (0, Criticality::Sheddable),
        (1, Criticality::Critical),
        (2, Criticality::CriticalPlus),
        (3, Criticality::Critical),
        (4, Criticality::Sheddable),
    ] {
        let order = Arc::clone(&order);
        let inner = endpoint(move |_| {
            order.lock().unwrap().push(name);
            async { answering().call(request(&Context::background())).await }
        });
        calls.push(begin(&limit, inner, worth(criticality)));
        tokio::task::yield_now().await;
    }
    first.await.unwrap().unwrap();
    join_all(calls).await;
    assert_eq!(*order.lock().unwrap(), [2, 1, 3, 0, 4]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gives_its_place_back_whether_it_ran_or_waited() {
    let limit = of(fixed(1, 2));
    let runs = start(&limit, Context::background()).await;
    let waits = start(&limit, Context::background()).await;
    let waits_too = start(&limit, Context::background()).await;
    assert_eq!((limit.running(), limit.waiting()), (1, 2));
    waits.abort();
    assert!(waits.await.is_err());
    assert_eq!((limit.running(), limit.waiting()), (1, 1));
    runs.abort();
    assert!(runs.await.is_err());
    assert_eq!((limit.running(), limit.waiting()), (1, 0), "the next one is in");
    waits_too.await.unwrap().unwrap();
    assert_eq!(limit.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_given_to_somebody_who_leaves_goes_to_the_next() {
    let limit = of(fixed(1, 2));
    let runs = start(&limit, Context::background()).await;
    let waits = limit.layer(&METHOD, slow());
    let cx = Context::background();
    let mut waits = Box::pin(waits.call(request(&cx)));
    assert!(waits.as_mut().now_or_never().is_none());
    runs.await.unwrap().unwrap();
    assert_eq!((limit.running(), limit.waiting()), (1, 0), "told, and not yet woken");
    let next = start(&limit, cx.clone()).await;
    assert_eq!(limit.waiting(), 1);
    drop(waits);
    next.await.unwrap().unwrap();
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_has_its_place_until_its_last_message() {
    let limit = of(fixed(1, 0));
    let streaming = endpoint(|_| async {
        let two = futures_util::stream::iter(["a", "b"].map(|m| Ok(Bytes::from(m))));
        Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(two))))
    });
    let endpoint = limit.layer(&METHOD, streaming);
    let cx = Context::background();
    let open = async || endpoint.call(request(&cx)).await.unwrap().into_parts().0.into_stream();
    let mut messages = open().await;
    messages.next().await.unwrap().unwrap();
    assert_eq!(limit.running(), 1);
    assert!(endpoint.call(request(&cx)).await.is_err());
    messages.next().await.unwrap().unwrap();
    assert!(messages.next().await.is_none());
    assert_eq!(limit.running(), 0);
    drop(open().await);
    assert_eq!(limit.running(), 0, "dropped in the middle");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_said_nor_past_its_deadline() {
    let limit = of(ConcurrencySettings { wait: SECOND / 4, ..fixed(1, 5) });
    let _runs = start(&limit, Context::background()).await;
    let begin = Instant::now();
    let error = start(&limit, Context::background()).await.await.unwrap().unwrap_err();
    assert_eq!((begin.elapsed(), reason(&error).as_str()), (SECOND / 4, "QUEUE_FULL"));
    let hurried = Context::background().with_timeout(SECOND / 10);
    let error = start(&limit, hurried).await.await.unwrap().unwrap_err();
    assert_eq!(begin.elapsed(), SECOND / 4 + SECOND / 10);
    assert_eq!((error.code(), reason(&error).as_str()), (Code::DeadlineExceeded, "NO_TIME_LEFT"));
    assert_eq!(limit.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_raised_while_calls_wait_lets_them_in() {
    let live = Live::new(fixed(1, 5));
    let limit = Concurrency::new(live.clone(), Live::new(SheddingSettings::default()));
    let calls = join_all([
        start(&limit, Context::background()).await,
        start(&limit, Context::background()).await,
        start(&limit, Context::background()).await,
    ]);
    live.replace(fixed(3, 5));
    let more = start(&limit, Context::background()).await;
    assert_eq!((limit.running(), limit.waiting()), (3, 1), "whoever came first");
    calls.await;
    more.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_settings_nothing_is_limited_and_nothing_shed() {
    let settings = Live::new(ConcurrencySettings::default());
    let limit = Concurrency::new(settings, Live::new(SheddingSettings::default()));
    let calls: Vec<_> =
        (0..1_000).map(|_| begin(&limit, slow(), worth(Criticality::Sheddable))).collect();
    assert!(join_all(calls).await.iter().flatten().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_dark_limit_counts_and_lets_pass() {
    let limit = of(ConcurrencySettings { mode: Mode::Dark, ..fixed(2, 0) });
    let calls: Vec<_> = (0..5).map(|_| begin(&limit, slow(), Context::background())).collect();
    assert!(join_all(calls).await.iter().all(|answer| answer.as_ref().unwrap().is_ok()));
    assert_eq!(limit.0.counts.dark.value(), 3);
    assert_eq!(limit.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_has_a_place_for_who_matters_more() {
    let limit = Concurrency::new(Live::new(fixed(1, 1)), Live::new(SheddingSettings::default()));
    let _runs = start(&limit, Context::background()).await;
    let low = start(&limit, worth(Criticality::Sheddable)).await;
    let high = start(&limit, worth(Criticality::CriticalPlus)).await;
    let error = low.await.unwrap().unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::Unavailable, "SHED"));
    assert_eq!(error.recovery(), Recovery::After(Duration::from_millis(100)));
    let error = start(&limit, worth(Criticality::CriticalPlus)).await.await.unwrap().unwrap_err();
    assert_eq!(reason(&error), "QUEUE_FULL", "an equal does not make room");
    high.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_the_queue_stands_the_lowest_do_not_wait_and_the_highest_do() {
    for (mode, sheds) in [(Mode::On, true), (Mode::Dark, false), (Mode::Off, false)] {
        let shedding = SheddingSettings { mode, ..SheddingSettings::default() };
        let limit = Concurrency::new(Live::new(fixed(1, 50)), Live::new(shedding));
        let mut calls = vec![start(&limit, Context::background()).await];
        calls.push(start(&limit, worth(Criticality::CriticalPlus)).await);
        for _ in 0..5 {
            advance(Duration::from_millis(100)).await;
            calls.push(start(&limit, worth(Criticality::CriticalPlus)).await);
        }
        let low = start(&limit, worth(Criticality::Critical)).await;
        assert_eq!(low.is_finished(), sheds, "{mode}");
        assert_eq!(limit.0.counts.shed_dark.value(), u64::from(mode == Mode::Dark));
        if sheds {
            assert_eq!(reason(&low.await.unwrap().unwrap_err()), "SHED");
            assert!(limit.describe_shedding().ends_with("sheds critical and below now"));
        }
        assert!(join_all(calls).await.iter().all(|answer| answer.as_ref().unwrap().is_ok()));
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_dark_every_call_that_would_have_been_shed_says_so_and_none_is() {
    let shedding = SheddingSettings { mode: Mode::Dark, ..SheddingSettings::default() };
    let limit = Concurrency::new(Live::new(fixed(1, 4)), Live::new(shedding));
    let [waits, displaced, late, high] = [
        Criticality::Sheddable,
        Criticality::Sheddable,
        Criticality::Sheddable,
        Criticality::CriticalPlus,
    ]
    .map(worth);
    let mut calls = vec![start(&limit, high.clone()).await];
    for context in [&waits, &displaced, &high, &high] {
        calls.push(start(&limit, context.clone()).await);
    }
    let full = start(&limit, high.clone()).await.await.unwrap().unwrap_err();
    assert_eq!(reason(&full), "QUEUE_FULL", "nobody made room");
    assert_eq!(limit.0.counts.shed_dark.value(), 1, "somebody would have");
    let mut refused = 0;
    for _ in 0..5 {
        advance(Duration::from_millis(100)).await;
        refused += usize::from(start(&limit, late.clone()).await.await.unwrap().is_err());
    }
    assert!(refused >= 4, "the queue is full");
    assert!(join_all(calls).await.iter().all(|answer| answer.as_ref().unwrap().is_ok()));
    for context in [&waits, &displaced, &late] {
        let notes = context.take_fields();
        let shed = notes.iter().filter(|field| field.value == "would have been shed");
        assert!(shed.count() >= 1, "{notes:?}");
    }
    assert!(high.take_fields().iter().all(|field| field.name != SHEDDING));
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_belongs_to_the_highest_that_are_shed_and_all_come_back_when_it_is_quiet() {
    for mode in [Mode::On, Mode::Dark] {
        let shedding = SheddingSettings { mode, ..SheddingSettings::default() };
        let limit = Concurrency::new(Live::new(fixed(2, 50)), Live::new(shedding));
        let high = || worth(Criticality::CriticalPlus);
        let mut calls = Vec::new();
        for _ in 0..4 {
            calls.push(start(&limit, high()).await);
        }
        for _ in 0..5 {
            advance(Duration::from_millis(100)).await;
            calls.push(start(&limit, high()).await);
        }
        calls.iter().for_each(JoinHandle::abort);
        join_all(calls).await;
        assert_eq!((limit.running(), limit.0.level()), (0, 3));
        let low = worth(Criticality::Sheddable);
        let answer = start(&limit, low.clone()).await.await.unwrap();
        match mode {
            Mode::On => assert_eq!(reason(&answer.unwrap_err()), "SHED", "though there is room"),
            _ => assert_eq!((answer.is_ok(), low.take_fields().len()), (true, 1)),
        }
        for _ in 0..2 {
            let critical = start(&limit, Context::background()).await;
            assert!(critical.await.unwrap().is_ok());
        }
        assert_eq!(limit.0.counts.level.value(), 0, "calls that do not wait look, too");
        let low = worth(Criticality::Sheddable);
        let answer = start(&limit, low.clone()).await.await.unwrap();
        assert!(answer.is_ok(), "nobody has waited for a second");
        assert!(mode == Mode::On || low.take_fields().is_empty(), "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_adaptive_limit_grows_under_load_that_is_answered_quickly() {
    let limit = of(ConcurrencySettings {
        mode: Mode::On,
        kind: ConcurrencyKind::Adaptive,
        ..ConcurrencySettings::default()
    });
    assert_eq!(limit.limit(), 20);
    for _ in 0..50 {
        let calls: Vec<_> =
            (0..100).map(|_| begin(&limit, slow(), Context::background())).collect();
        join_all(calls).await;
    }
    assert!(limit.limit() > 40, "{}", limit.describe());
    assert_eq!(limit.0.counts.limit.value(), i64::try_from(limit.limit()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_storm_of_calls_that_leave_the_limit_holds_and_nothing_is_lost() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let limit = of(fixed(5, 10_000));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let calls = (0..2_000_usize).map(|number| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let inner = endpoint(move |_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                answering().call(request(&Context::background())).await
            }
        });
        let call = begin(&limit, inner, Context::background());
        if number.is_multiple_of(3) {
            call.abort();
        }
        call
    });
    let answers = join_all(calls.collect::<Vec<_>>()).await;
    assert!(answers.iter().flatten().all(Result::is_ok));
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
    // An aborted call may end between its two counts.
    assert!(most.load(Ordering::SeqCst) <= 5 + now.load(Ordering::SeqCst));
}

#[test]
fn settings_that_let_nothing_through_or_cannot_be_are_refused() {
    let fixed = fixed(1, 1);
    let adaptive = ConcurrencySettings::default();
    assert!(fixed.check().is_ok() && adaptive.check().is_ok());
    for bad in [
        ConcurrencySettings { limit: 0, ..fixed.clone() },
        ConcurrencySettings { limit: 1 << 24, ..fixed.clone() },
        ConcurrencySettings { queue: 1 << 20, ..fixed.clone() },
        ConcurrencySettings { wait: Duration::ZERO, ..fixed },
        ConcurrencySettings { min: 0, ..adaptive.clone() },
        ConcurrencySettings { min: 30, ..adaptive.clone() },
        ConcurrencySettings { max: 10, ..adaptive.clone() },
        ConcurrencySettings { tolerance: 0.5, ..adaptive },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
