//! A function that is called once more while it runs.

use super::*;

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A guard that calls the function again after 50 ms.
fn hedged(guard: Guard<DbError>, change: impl FnOnce(&mut GuardSettings)) -> Guard<DbError> {
    set(guard, |settings| {
        let after = HedgeAfter::Time(milliseconds(50));
        settings.hedge = HedgeSettings { mode: Mode::On, after, ..HedgeSettings::default() };
        change(settings);
    })
}

/// A function whose calls take so many milliseconds and end so; what was begun, and what ended.
#[derive(Default)]
struct Slow {
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Slow {
    async fn call(&self, takes: fn(u32) -> (u64, Result<(), DbError>)) -> Result<u32, DbError> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let (time, end) = takes(number);
        sleep(milliseconds(time)).await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        end.map(|()| number)
    }

    /// A call through `guard`: its answer, what was begun and what ended, and after how long.
    async fn through(
        &self,
        guard: &Guard<DbError>,
        takes: fn(u32) -> (u64, Result<(), DbError>),
    ) -> (Result<u32, GuardError<DbError>>, (u32, u32), u128) {
        let begin = Instant::now();
        let answer = guard.call(&context(), || self.call(takes)).await;
        let took = begin.elapsed().as_millis();
        (answer, self.calls(), took)
    }

    fn calls(&self) -> (u32, u32) {
        (self.begun.swap(0, Ordering::Relaxed), self.ended.swap(0, Ordering::Relaxed))
    }
}

/// The first call takes a second.
fn slow_first(number: u32) -> (u64, Result<(), DbError>) {
    (if number == 1 { 1_000 } else { 10 }, Ok(()))
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_of_two_calls_wins_and_the_loser_is_dropped() {
    let (guard, slow) = (hedged(guard().idempotent(), |_| {}), Slow::default());
    let (answer, calls, took) = slow.through(&guard, slow_first).await;
    assert_eq!((answer.unwrap(), calls, took), (2, (2, 1), 60));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(slow.calls(), (0, 0), "nobody works for the loser any more");
    let first_is_faster = |number| (if number == 1 { 55 } else { 10 }, Ok(()));
    let (answer, calls, took) = slow.through(&guard, first_is_faster).await;
    assert_eq!((answer.unwrap(), calls, took), (1, (2, 1), 55));
    let (_, calls, took) = slow.through(&guard, |_| (49, Ok(()))).await;
    assert_eq!((calls, took), ((1, 1), 49));
    let rows = guard.handle().describe();
    let hedge = rows.iter().find(|(layer, _)| *layer == "hedge").unwrap();
    assert_eq!(hedge.1, "on: 1 more after 50ms; 2 sent so far, 1 won");
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_waits_for_the_other_one_where_that_may_do_better() {
    let (guard, slow) = (hedged(guard().idempotent(), |_| {}), Slow::default());
    let busy_first = |number| match number {
        1 => (60, Err(DbError::Busy)),
        _ => (100, Ok(())),
    };
    let (answer, calls, took) = slow.through(&guard, busy_first).await;
    assert_eq!((answer.unwrap(), calls, took), (2, (2, 2), 150));
    for error in [DbError::NoRow, DbError::Corrupt] {
        let final_first = match error {
            DbError::NoRow => |_| (60, Err(DbError::NoRow)),
            _ => |_| (60, Err(DbError::Corrupt)),
        };
        let (answer, calls, took) = slow.through(&guard, final_first).await;
        let GuardError::Failed { error: own, .. } = answer.unwrap_err() else { panic!("its own") };
        assert_eq!((own, calls, took), (error, (2, 1), 60));
    }
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_guards_are_hedged_and_others_are_told_so() {
    let on = || {
        let hedge = HedgeSettings { mode: Mode::On, ..HedgeSettings::default() };
        GuardSettings { hedge, ..GuardSettings::default() }
    };
    let plain = guard();
    let why = plain.change([Change::new("hedge.mode", "on")]).unwrap_err().to_string();
    assert!(why.starts_with("hedge: the guard is not idempotent"), "{why}");
    assert_eq!(plain.handle().settings(), GuardSettings::default(), "nothing was changed");
    assert!(guard().with_settings(on()).is_err());

    // Of one guard, a clone may be what the other is not.
    let idempotent = hedged(plain.clone().idempotent(), |_| {});
    let slow = Slow::default();
    assert_eq!(slow.through(&plain, slow_first).await.1, (1, 1));
    assert_eq!(slow.through(&idempotent, slow_first).await.1, (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hedged_call_is_held_to_budget_limits_and_deadline_and_leaves_a_note() {
    let slow = Slow::default();
    let broke = hedged(guard().idempotent(), |settings| {
        (settings.budget.least, settings.budget.in_flight) = (1, 0.1);
        (settings.budget.share, settings.budget.floor) = (0.0, 0.0);
    });
    assert_eq!(slow.through(&broke, slow_first).await.1, (1, 1));
    let narrow = hedged(guard().idempotent(), |settings| {
        settings.rate_limit.mode = Mode::On;
        (settings.rate_limit.rate, settings.rate_limit.burst) = (0.001, 1);
    });
    let (answer, calls, took) = slow.through(&narrow, slow_first).await;
    assert_eq!((answer.unwrap(), calls, took), (1, (1, 1), 1_000), "the limit lets one through");
    let hurried = hedged(guard().idempotent(), |settings| {
        settings.deadline.total = milliseconds(100);
    });
    let (answer, calls, took) = slow.through(&hurried, |_| (1_000, Ok(()))).await;
    assert!(matches!(answer, Err(GuardError::Refused(_))), "{answer:?}");
    assert_eq!((calls, took), ((2, 0), 100));
    let dark = hedged(guard().idempotent(), |settings| settings.hedge.mode = Mode::Dark);
    assert_eq!(slow.through(&dark, slow_first).await.1, (1, 1));

    let (lines, context) = (Lines::default(), context());
    context.platform().observe(Arc::new(lines.clone()));
    let guard = hedged(guard().idempotent(), |_| {});
    guard.call(&context, || slow.call(slow_first)).await.unwrap();
    let line = "client /guard/orders-db answered  hedge=sent after 50ms";
    assert_eq!(*lines.0.lock().unwrap(), [line]);
}
