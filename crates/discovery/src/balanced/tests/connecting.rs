//! Replicas that are not connected to.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_connection_where_another_replica_can_take_the_call() {
    let replicas = Replicas::new(|_| async { answer() });
    replicas.cold("a:1", true);
    let settings = BalanceSettings { policy: Policy::RoundRobin, ..settings() };
    let bench = Bench::new(&["a:1", "b:1"], &replicas, settings).await;
    for _ in 0..50 {
        bench.call().await.unwrap();
    }
    assert_eq!(replicas.calls("b:1"), 50);
    replicas.cold("a:1", false);
    sleep(Duration::from_secs(10)).await;
    for _ in 0..50 {
        bench.call().await.unwrap();
    }
    assert_eq!(replicas.calls("a:1"), 25, "it was connected to in the background");
}

#[tokio::test(start_paused = true)]
async fn a_further_attempt_waits_for_no_connection_where_there_is_one() {
    for policy in [Policy::P2c, Policy::RoundRobin, Policy::Hash] {
        let replicas = Replicas::new(|_| async { answer() });
        replicas.hang("b:1", true);
        let settings = BalanceSettings { policy, ..settings() };
        let bench = Bench::new(&["a:1", "b:1"], &replicas, settings).await;
        let call = Context::background();
        for _ in 0..3 {
            let answered = timeout(Duration::from_millis(1), bench.call_in(call.clone())).await;
            assert!(answered.is_ok_and(|it| it.is_ok()), "{policy:?}");
        }
        assert_eq!(replicas.calls("a:1"), 3, "{policy:?}");
        replicas.hang("b:1", false);
        settle().await;
        bench.call_in(call).await.unwrap();
        assert_eq!(replicas.calls("b:1"), 1, "it is elsewhere as soon as it can be: {policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_has_a_connection_the_first_that_has_one_takes_the_call() {
    let replicas = Replicas::new(|_| async { answer() });
    for address in ABC {
        replicas.hang(address, true);
    }
    let bench = Bench::new(&ABC, &replicas, settings()).await;
    let calls = futures_util::future::join_all((0..20).map(|_| bench.call()));
    let connect = async {
        sleep(Duration::from_millis(300)).await;
        replicas.hang("b:1", false);
    };
    let begin = Instant::now();
    let both = timeout(Duration::from_secs(60), futures_util::future::join(calls, connect));
    let (answers, ()) = both.await.expect("nobody waits for one of the others");
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(replicas.calls("b:1"), 20);
    assert!(begin.elapsed() < Duration::from_millis(310), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn where_nobody_can_be_connected_to_a_call_fails_as_soon_as_that_is_known() {
    let replicas = Replicas::new(|_| async { answer() });
    for address in ABC {
        replicas.hang(address, true);
        replicas.cold(address, true);
    }
    let bench = Bench::new(&ABC, &replicas, settings()).await;
    let refuse = async {
        sleep(Duration::from_millis(300)).await;
        ABC.iter().for_each(|address| replicas.hang(address, false));
    };
    let begin = Instant::now();
    let both = timeout(Duration::from_secs(60), futures_util::future::join(bench.call(), refuse));
    let (answered, ()) = both.await.expect("nobody waits for ever");
    assert!(answered.unwrap_err().message().contains("refused"));
    assert!(begin.elapsed() < Duration::from_millis(310), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_was_started_anew_takes_calls_at_once() {
    let replicas = but_a(|| by_peer(Code::Internal));
    let bench =
        Bench::new(&ABC, &replicas, BalanceSettings { policy: Policy::RoundRobin, ..settings() });
    let bench = bench.await;
    for _ in 0..30 {
        let _ = bench.call().await;
    }
    assert!(state(&bench, "a:1").is_out());
    replicas.cold("a:1", true);
    for _ in 0..30 {
        let _ = bench.call().await;
    }
    sleep(Duration::from_secs(1)).await;
    replicas.cold("a:1", false);
    sleep(Duration::from_secs(6)).await;
    assert!(!state(&bench, "a:1").is_out());
}
