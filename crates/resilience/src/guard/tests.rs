mod hedged;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kitfox_core::contract::Method;
use kitfox_core::record::{Edge, Observer, Record, Recorder, Side, Ticket};
use kitfox_core::{Incoming, Metadata, Origin, Platform, Principal};
use tokio::time::{Instant, sleep};

use super::*;
use crate::testing::{context, reason};
use crate::{ConcurrencyKind, HedgeAfter, HedgeSettings, Mode, RateLimitKey, is_failure};

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
enum DbError {
    #[error("no such row")]
    NoRow,
    #[error("busy")]
    Busy,
    #[error("corrupt")]
    Corrupt,
}

fn guard() -> Guard<DbError> {
    Guard::new("orders-db").judged(|error| match error {
        DbError::NoRow => Judgement::Answer,
        DbError::Busy => Judgement::Failure(Recovery::Retry),
        DbError::Corrupt => Judgement::Failure(Recovery::No),
    })
}

fn set(guard: Guard<DbError>, change: impl FnOnce(&mut GuardSettings)) -> Guard<DbError> {
    let mut settings = GuardSettings::default();
    change(&mut settings);
    guard.with_settings(settings).unwrap()
}

/// Calls that fail with `error`: what became of them, and how often the function was called.
async fn failing(guard: &Guard<DbError>, error: DbError) -> (GuardError<DbError>, u32) {
    let called = AtomicU32::new(0);
    let function = || {
        called.fetch_add(1, Ordering::Relaxed);
        async { Err::<(), _>(error) }
    };
    let failed = guard.call(&context(), function).await.unwrap_err();
    (failed, called.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_an_answer_and_a_failure_is_tried_again_where_that_does_no_harm() {
    let (plain, idempotent) = (guard(), guard().idempotent());
    assert_eq!(plain.call(&context(), async || Ok(7)).await.unwrap(), 7);
    for (guard, error, attempts, expected) in [
        (&idempotent, DbError::Busy, 3, Recovery::Exhausted),
        (&idempotent, DbError::Corrupt, 1, Recovery::No),
        (&idempotent, DbError::NoRow, 1, Recovery::No),
        (&plain, DbError::Busy, 1, Recovery::Retry),
    ] {
        let (failed, called) = failing(guard, error).await;
        let GuardError::Failed { error: own, recovery } = failed else { panic!("{failed}") };
        assert_eq!((own, recovery, called), (error, expected, attempts));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_again_and_must_not_be_once_more_goes_up_marked() {
    // The second attempt meets a breaker that the first has opened.
    let opening = set(guard().idempotent(), |settings| settings.breaker.consecutive = 1);
    let (failed, called) = failing(&opening, DbError::Busy).await;
    assert!(matches!(&failed, GuardError::Refused(error) if reason(error) == "BREAKER_OPEN"));
    assert_eq!((called, failed.recovery()), (1, Recovery::Exhausted));
    let (failed, called) = failing(&opening, DbError::Busy).await;
    assert_eq!(called, 0);
    assert!(matches!(failed.recovery(), Recovery::After(_)), "nobody tried it again: {failed}");

    // The first attempt waited for its turn, and the second may not be repeated.
    let limited = set(guard(), |settings| {
        let limit = &mut settings.rate_limit;
        (limit.mode, limit.rate, limit.burst) = (Mode::On, 10.0, 1);
    });
    limited.call(&context(), async || Ok(())).await.unwrap();
    let (failed, called) = failing(&limited, DbError::Busy).await;
    assert_eq!((called, failed.recovery()), (1, Recovery::Exhausted), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn it_is_left_alone_when_it_fails_and_answers_never_open_its_breaker() {
    let guard = set(guard(), |settings| settings.breaker.consecutive = 5);
    for _ in 0..50 {
        failing(&guard, DbError::NoRow).await;
    }
    for _ in 0..5 {
        assert_eq!(failing(&guard, DbError::Corrupt).await.1, 1);
    }
    let (refused, called) = failing(&guard.clone(), DbError::NoRow).await;
    let GuardError::Refused(error) = refused else { panic!("{refused}") };
    assert_eq!((reason(&error).as_str(), called), ("BREAKER_OPEN", 0));
    let rows = guard.handle().describe();
    assert!(rows.iter().any(|(_, what)| what.contains("orders-db open (5 failures in a row)")));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_and_a_call_end_in_time_and_so_does_a_call_within_an_earlier_deadline() {
    let (total, attempt) = (Duration::from_millis(250), Duration::from_millis(100));
    let guard = set(guard().idempotent(), |settings| {
        settings.deadline.total = total;
        settings.deadline.attempt = attempt;
    });
    let called = AtomicU32::new(0);
    let hanging = || {
        called.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<Result<(), DbError>>()
    };
    let expired = async |context: &Context| {
        let begin = Instant::now();
        let failed = guard.call(context, hanging).await.unwrap_err();
        let GuardError::Refused(error) = failed else { panic!("{failed}") };
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert!(is_failure(&error));
        (error.message().to_owned(), begin.elapsed().as_millis())
    };
    let (message, took) = expired(&context()).await;
    assert_eq!(message, "no answer within the 250ms that a call may take");
    assert_eq!((took, called.swap(0, Ordering::Relaxed)), (250, 3));
    let hurried = context().with_timeout(Duration::from_millis(50));
    let (message, took) = expired(&hurried).await;
    assert_eq!(message, "there was no answer before the deadline");
    assert_eq!((took, called.load(Ordering::Relaxed)), (50, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_limit_refused_was_never_called_and_waits_for_its_turn() {
    let guard = set(guard(), |settings| {
        settings.rate_limit.mode = Mode::On;
        settings.rate_limit.rate = 10.0;
        settings.rate_limit.burst = 1;
        settings.retry.attempts = 2;
    });
    let begin = Instant::now();
    for _ in 0..2 {
        guard.call(&context(), async || Ok(())).await.unwrap();
    }
    assert_eq!(begin.elapsed().as_millis(), 100, "after as long as the limit said");
    let impatient = context().with_timeout(Duration::from_millis(50));
    let refused = guard.call(&impatient, async || Ok(())).await.unwrap_err();
    let GuardError::Refused(error) = refused else { panic!("{refused}") };
    assert_eq!(reason(&error), "RATE_LIMITED");
}

#[tokio::test(start_paused = true)]
async fn at_the_same_time_there_are_so_many_and_the_rest_waits_or_is_refused() {
    let guard = set(guard(), |settings| {
        settings.concurrency.mode = Mode::On;
        settings.concurrency.kind = ConcurrencyKind::Fixed;
        settings.concurrency.limit = 2;
        settings.concurrency.queue = 1;
        settings.retry.mode = Mode::Off;
    });
    let (running, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let slow = async || {
        let now = running.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(now, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
        running.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    };
    let context = context();
    let calls = (0..4).map(|_| guard.call(&context, slow));
    let ended = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    let [GuardError::Refused(error)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((reason(error).as_str(), most.load(Ordering::Relaxed)), ("QUEUE_FULL", 2));
}

#[tokio::test(start_paused = true)]
async fn one_switch_turns_all_of_it_off_or_dark_while_calls_run() {
    let guard = set(guard().idempotent(), |settings| settings.breaker.consecutive = 1);
    let switch = |mode| {
        guard.change([Change::new("switch.mode", mode)]).unwrap();
    };
    switch(Mode::Off);
    assert_eq!(failing(&guard, DbError::Busy).await.1, 1);
    switch(Mode::Dark);
    for _ in 0..3 {
        assert_eq!(failing(&guard, DbError::Busy).await.1, 1);
    }
    switch(Mode::On);
    assert_eq!(failing(&guard, DbError::Busy).await.1, 0, "dark it opened, and now it is");
    let wrong = [Change::new("switch.mode", "off"), Change::new("retry.attempts", 0)];
    let why = guard.change(wrong).unwrap_err().to_string();
    assert!(why.starts_with("retry: 0 `attempts`"), "{why}");
    assert_eq!(guard.handle().settings().switch.mode, Mode::On, "nothing was changed");
    let of_method = guard.change([Change::new("switch.mode", "off").of_method("a.B/C")]);
    assert!(matches!(of_method, Err(ChangeError::NoMethods { .. })));
}

#[test]
fn a_call_of_a_function_that_can_be_sent_to_another_thread_can_be_too() {
    fn sent<T: Send>(_: T) {}
    let (guard, context) = (guard().idempotent(), context());
    let mut calls = 0;
    sent(guard.call(&context, move || {
        calls += 1;
        async move { Ok(calls) }
    }));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_cancelled_and_says_nothing_of_the_function() {
    let guard = set(guard(), |settings| settings.breaker.consecutive = 1);
    let ended = AtomicU32::new(0);
    let call = context();
    let slow = guard.call(&call, async || {
        sleep(Duration::from_secs(5)).await;
        ended.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_secs(1), slow).await.is_err());
    sleep(Duration::from_secs(9)).await;
    assert_eq!(ended.load(Ordering::Relaxed), 0);
    guard.call(&context(), async || Ok(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_share_its_limits() {
    let guard = set(guard(), |settings| {
        settings.rate_limit.mode = Mode::On;
        settings.rate_limit.rate = 0.001;
        settings.rate_limit.burst = 5;
    });
    let mut passed = 0;
    for _ in 0..1_000 {
        passed += u32::from(guard.clone().call(&context(), async || Ok(())).await.is_ok());
    }
    assert_eq!(passed, 5);
}

#[tokio::test(start_paused = true)]
async fn its_failure_goes_up_as_that_of_a_callee_and_says_whether_somebody_tried_again() {
    let (failed, _) = failing(&guard().idempotent(), DbError::Busy).await;
    let error = Error::from(failed);
    assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Layer(GUARD)));
    assert_eq!(error.recovery(), Recovery::Exhausted);
    assert_eq!(error.causes().unwrap(), "busy");
    let answer = error.into_answer();
    assert_eq!((answer.code(), answer.recovery()), (Code::Unavailable, Recovery::Exhausted));
}

/// Tells what was recorded, in a line for each call.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Observer for Lines {
    fn method(&self, side: Side, method: &'static Method) -> Box<dyn Recorder> {
        Box::new(MethodLines(self.clone(), side, method))
    }

    fn edge(&self, _: &Edge<'_>) {}

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

struct MethodLines(Lines, Side, &'static Method);

impl Recorder for MethodLines {
    fn begin(&self, _: &Context, _: Instant) -> Ticket {
        Ticket::default()
    }

    fn end(&self, record: &Record<'_>) {
        let MethodLines(lines, side, method) = self;
        let message = record.error().map(ToString::to_string).unwrap_or_default();
        let fields = record.context.take_fields();
        let fields = fields.iter().map(|field| format!(" {}={}", field.name, field.value));
        let (side, path, ending) = (side.name(), method.path, record.ending().name());
        let line = format!("{side} {path} {ending} {message}{}", fields.collect::<String>());
        lines.0.lock().unwrap().push(line.trim_end().to_owned());
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_leaves_one_record_however_it_ends() {
    let (lines, context) = (Lines::default(), context());
    context.platform().observe(Arc::new(lines.clone()));
    let guard = set(guard().idempotent(), |settings| settings.breaker.consecutive = 4);
    guard.call(&context, async || Ok(())).await.unwrap();
    for error in [DbError::NoRow, DbError::Busy, DbError::Corrupt, DbError::Busy] {
        let _ = guard.call(&context, async || Err::<(), _>(error)).await;
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    let hanging = guard.call(&context, std::future::pending::<Result<(), _>>);
    assert!(tokio::time::timeout(Duration::from_secs(1), hanging).await.is_err());
    let expected = [
        "client /guard/orders-db answered",
        "client /guard/orders-db failed unknown: no such row",
        "client /guard/orders-db failed unavailable: busy retry=gave up after 3 attempts",
        "client /guard/orders-db failed internal: corrupt",
        "client /guard/orders-db refused unavailable (by breaker): breaker open since 0.0 s, probe \
         in 5.0 s: 4 failures in a row",
        "client /guard/orders-db dropped",
    ];
    assert_eq!(*lines.0.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn its_callers_principal_or_header_says_whose_limit_holds_recorded_or_not() {
    let keys = [RateLimitKey::Principal, RateLimitKey::Header("x-tenant".into())];
    for (key, recorded) in keys.iter().flat_map(|key| [(key, false), (key, true)]) {
        let guard = set(guard(), |settings| {
            let limit = &mut settings.rate_limit;
            (limit.mode, limit.rate, limit.burst) = (Mode::On, 0.001, 1);
            limit.key = key.clone();
        });
        let mut passed = Vec::new();
        for name in ["alice", "bob", "alice"] {
            let (mut metadata, platform) = (Metadata::new(), Platform::system());
            metadata.insert("x-tenant", name).unwrap();
            if recorded {
                platform.observe(Arc::new(Lines::default()));
            }
            let incoming = Incoming { metadata, platform: Some(platform), ..Incoming::default() };
            let context = Context::incoming(incoming).with_principal(Principal::new(name));
            passed.push(guard.call(&context, async || Ok(())).await.is_ok());
        }
        assert_eq!(passed, [true, true, false], "{key:?}, recorded: {recorded}");
    }
}

/// A control that only writes down what it is asked for.
struct Control(Mutex<Vec<Change>>, GuardSetter);

impl GuardControl for Control {
    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        self.0.lock().unwrap().extend(changes);
        Ok(())
    }
}

#[test]
fn who_controls_a_guard_is_asked_by_all_of_its_clones_and_goes_when_they_are_gone() {
    let guard = guard();
    let make = |setter, _| Arc::new(Control(Mutex::default(), setter));
    let control = guard.handle().control(make).unwrap();
    let again = guard.handle().control(make).unwrap();
    assert!(Arc::ptr_eq(&control, &again));
    let change = Change::new("deadline.total", "3s");
    guard.clone().change([change.clone()]).unwrap();
    assert_eq!(*control.0.lock().unwrap(), [change]);
    assert_eq!(guard.handle().settings(), GuardSettings::default(), "it decides");
    let refused = guard.clone().with_settings(GuardSettings::default()).unwrap_err();
    assert!(refused.contains("`Guard::change` changes it"), "{refused}");
    assert!(!control.1.describe().is_empty());
    drop(guard);
    assert!(control.1.describe().is_empty());
}
