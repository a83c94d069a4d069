mod connecting;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use kitfox_core::error::Reason;
use kitfox_core::live::Glance;
use kitfox_core::message::Codec;
use kitfox_core::types::rpc::ErrorInfo;
use kitfox_core::{Code, Context, Detail, Error, MessageStream, Origin, Payload, Reply};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::testing::{Bench, Replicas, answer, by_peer, settle};
use crate::{Event, Instance, Memory, Policy, State};

const ABC: [&str; 3] = ["a:1", "b:1", "c:1"];

fn settings() -> BalanceSettings {
    BalanceSettings::default()
}

/// Replicas of which `a:1` does something else.
fn but_a(special: fn() -> Result<Reply, Error>) -> Replicas {
    Replicas::new(move |address| {
        let special = (address == "a:1").then_some(special);
        async move {
            sleep(Duration::from_millis(10)).await;
            special.map_or_else(answer, |special| special())
        }
    })
}

fn state(bench: &Bench, address: &str) -> State {
    let views = bench.balanced.replicas();
    views.into_iter().find(|view| view.instance.address == address).unwrap().state
}

#[tokio::test(start_paused = true)]
async fn a_business_error_never_ejects() {
    let replicas = but_a(|| Err(Error::new(Code::Unavailable, "sold out")));
    let bench =
        Bench::new(&ABC, &replicas, BalanceSettings { policy: Policy::RoundRobin, ..settings() });
    let bench = bench.await;
    for _ in 0..300 {
        let _ = bench.call().await;
    }
    assert_eq!(replicas.calls("a:1"), 100);
    assert!(!state(&bench, "a:1").is_out());
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_fails_is_left_out_and_tried_again_later() {
    let replicas = but_a(|| by_peer(Code::Internal));
    let bench =
        Bench::new(&ABC, &replicas, BalanceSettings { policy: Policy::RoundRobin, ..settings() });
    let bench = bench.await;
    for _ in 0..100 {
        let _ = bench.call().await;
    }
    assert_eq!(replicas.calls("a:1"), 5);
    assert!(matches!(state(&bench, "a:1"), State::Open { times: 1, .. }));
    sleep(Duration::from_secs(46)).await;
    for _ in 0..100 {
        let _ = bench.call().await;
    }
    assert_eq!(replicas.calls("a:1"), 6, "one call tries it");
    assert!(matches!(state(&bench, "a:1"), State::Open { times: 2, .. }));
}

#[tokio::test(start_paused = true)]
async fn the_last_replica_is_never_left_out() {
    let replicas = Replicas::new(|_| async { by_peer(Code::Internal) });
    let bench = Bench::new(&["a:1"], &replicas, settings()).await;
    for _ in 0..50 {
        assert_eq!(bench.call().await.unwrap_err().code(), Code::Internal);
    }
    assert_eq!(replicas.calls("a:1"), 50);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_fails_at_once_draws_no_calls() {
    let replicas = Replicas::new(|address| {
        let fails = address == "a:1";
        async move {
            if fails {
                return by_peer(Code::Unavailable);
            }
            sleep(Duration::from_millis(20)).await;
            answer()
        }
    });
    let bench = Bench::new(&ABC, &replicas, settings()).await;
    for _ in 0..1_000 {
        let _ = bench.call().await;
    }
    assert!(replicas.calls("a:1") <= 5, "{}", replicas.calls("a:1"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_replica_gets_few_calls() {
    let replicas = Replicas::new(|address| {
        let time = if address == "a:1" { 200 } else { 20 };
        async move {
            sleep(Duration::from_millis(time)).await;
            answer()
        }
    });
    let bench = Bench::new(&ABC, &replicas, settings()).await;
    for _ in 0..1_000 {
        bench.call().await.unwrap();
    }
    assert!(replicas.calls("a:1") < 20, "{}", replicas.calls("a:1"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_deadline_ends_is_a_failure_and_one_that_is_given_up_is_none() {
    let replicas = Replicas::new(|_| std::future::pending());
    let bench = Bench::new(&["a:1", "b:1"], &replicas, settings()).await;
    let of = |bench: &Bench, address| match state(bench, address) {
        State::Closed { failures, .. } => failures,
        other => panic!("{other:?}"),
    };
    let failures = |bench: &Bench| of(bench, "a:1") + of(bench, "b:1");
    let limit = Duration::from_millis(20);
    let given_up = timeout(limit, bench.call()).await;
    assert!(given_up.is_err());
    assert_eq!(failures(&bench), 0);
    for _ in 0..2 {
        let _ = timeout(limit, bench.call_in(Context::background().with_timeout(limit))).await;
    }
    assert_eq!(failures(&bench), 2);
}

#[tokio::test(start_paused = true)]
async fn a_removed_replica_finishes_its_calls_and_gets_no_more() {
    let replicas = Replicas::new(|_| async {
        sleep(Duration::from_secs(1)).await;
        answer()
    });
    let bench = Bench::new(&["a:1"], &replicas, settings()).await;
    let remove = async {
        settle().await;
        bench.registry.set("test", [Instance::new("b:1")]);
        settle().await;
        bench.call().await
    };
    let (first, second) = tokio::join!(bench.call(), remove);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!((replicas.calls("a:1"), replicas.calls("b:1")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_replaced_while_a_list_comes_bring_no_older_one_back() {
    struct Counting(Replicas, Arc<AtomicUsize>);

    impl Connect for Counting {
        fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
            self.1.fetch_add(usize::from(instance.address == "a:1"), Ordering::Relaxed);
            self.0.connect(instance)
        }

        fn codec(&self) -> Codec {
            Codec::Json
        }
    }

    let (registry, connected) = (Memory::new(), Arc::<AtomicUsize>::default());
    registry.set("test", [Instance::new("a:1")]);
    let replicas = Counting(Replicas::new(|_| async { answer() }), Arc::clone(&connected));
    let platform = Platform::system();
    let balanced = Balanced::new("test", &registry, replicas, settings(), &platform).unwrap();
    settle().await;
    assert_eq!(connected.load(Ordering::Relaxed), 1);

    let is_new = |balanced: &Balanced| {
        balanced.view().snapshot.is_some_and(|list| list.instances()[0].address == "b:1")
    };
    let (held, holds) = std::sync::mpsc::channel();
    let holding = tokio::task::spawn_blocking({
        let balanced = balanced.clone();
        move || {
            let _update = balanced.0.update();
            held.send(()).unwrap();
            while !is_new(&balanced) {
                std::thread::yield_now();
            }
        }
    });
    holds.recv().unwrap();
    let (begun, begins) = std::sync::mpsc::channel();
    let replacing = tokio::task::spawn_blocking({
        let balanced = balanced.clone();
        move || {
            begun.send(()).unwrap();
            balanced.replace(BalanceSettings { zone: "west".to_owned(), ..settings() });
        }
    });
    // It has got as far as the lock, or nearly.
    begins.recv().unwrap();
    (0..1_000).for_each(|_| std::thread::yield_now());
    registry.set("test", [Instance::new("b:1")]);
    holding.await.unwrap();
    replacing.await.unwrap();
    settle().await;
    assert_eq!(connected.load(Ordering::Relaxed), 1, "whoever has left is not connected again");
    assert_eq!(balanced.replicas()[0].instance.address, "b:1");
}

#[tokio::test(start_paused = true)]
async fn the_replicas_change_at_once_with_the_settings_of_others_in_their_group() {
    #[derive(Clone, Copy)]
    struct Attempts(u32);

    impl Glance for Attempts {}

    /// Says what others are set to while a replica is connected.
    struct Looking(Replicas, Arc<Mutex<Vec<u32>>>, Arc<OnceLock<Live<Attempts>>>);

    impl Connect for Looking {
        fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
            let seen = self.2.get().map_or(0, |attempts| attempts.load().0);
            self.1.lock().unwrap().push(seen);
            self.0.connect(instance)
        }

        fn codec(&self) -> Codec {
            Codec::Json
        }
    }

    let registry = Memory::new();
    registry.set("test", ["a:1", "b:1"].map(Instance::new));
    let (seen, attempts) = (Arc::<Mutex<Vec<u32>>>::default(), Arc::<OnceLock<_>>::default());
    let replicas = Replicas::new(|_| async { answer() });
    let looking = Looking(replicas, Arc::clone(&seen), Arc::clone(&attempts));
    let (one, platform) = (BalanceSettings { subset: 1, ..settings() }, Platform::system());
    let balanced = Balanced::new("test", &registry, looking, one, &platform).unwrap();
    settle().await;
    let attempts = attempts.get_or_init(|| balanced.group().live(Attempts(3)));
    drop(balanced.group().replace(|| {
        attempts.prepare(Attempts(5));
        let prepared = balanced.prepare(settings());
        assert_eq!((balanced.replicas().len(), balanced.settings().subset), (1, 1));
        prepared
    }));
    assert_eq!(*seen.lock().unwrap(), [0, 3], "both were connected before anything had changed");
    assert_eq!((balanced.replicas().len(), attempts.load().0), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn replaced_settings_let_go_of_who_is_not_used_any_more_and_hold_for_who_joins() {
    let replicas = Replicas::new(|_| async { answer() });
    let bench = Bench::new(&["a:1", "b:1", "c:1"], &replicas, settings()).await;
    let known: Vec<_> = {
        let set = bench.balanced.0.set.load();
        set.candidates.members.iter().map(|member| Arc::downgrade(&member.replica)).collect()
    };
    let lives = || known.iter().filter(|replica| replica.strong_count() > 0).count();
    assert_eq!(lives(), 3);
    bench.balanced.replace(BalanceSettings { subset: 1, ..settings() });
    settle().await;
    assert_eq!((lives(), bench.balanced.replicas().len()), (1, 1));
    let first_latency = Duration::from_millis(500);
    bench.balanced.replace(BalanceSettings { first_latency, ..settings() });
    let latencies = bench.balanced.replicas().into_iter().map(|replica| replica.latency);
    let new = latencies.filter(|latency| *latency == first_latency);
    assert_eq!(new.count(), 2, "those that join");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_was_left_out_until_before_now_is_no_harm_to_the_log() {
    let replicas = Replicas::new(|_| async { answer() });
    let bench = Bench::new(&["a:1", "b:1"], &replicas, settings()).await;
    sleep(Duration::from_secs(3_600)).await;
    let replica = &bench.balanced.0.set.load().candidates.members[0].replica;
    for _ in 0..5 {
        replica.tell(Event::Failure, 0);
    }
    assert!(replica.health.state().is_out());
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_counts_as_load_until_it_is_over() {
    let replicas = Replicas::new(|_| async {
        let messages = futures_util::stream::iter([Ok(Bytes::new()), Ok(Bytes::new())]);
        Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages))))
    });
    let bench = Bench::new(&["a:1"], &replicas, settings()).await;
    let open = |bench: &Bench| bench.balanced.replicas()[0].open_calls;
    let mut stream = bench.call().await.unwrap().into_parts().0.into_stream();
    assert_eq!(open(&bench), 1);
    stream.next().await.unwrap().unwrap();
    assert_eq!(open(&bench), 1);
    while stream.next().await.is_some() {}
    assert_eq!(open(&bench), 0);
    drop(bench.call().await.unwrap());
    assert_eq!(open(&bench), 0, "and where it is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_streams_break_off_is_left_out() {
    let replicas = Replicas::new(|address| {
        let breaks = address == "a:1";
        async move {
            let torn = Error::new(Code::Unavailable, "torn").with_origin(Origin::Transport);
            let last = if breaks { Err(torn) } else { Ok(Bytes::new()) };
            let messages = futures_util::stream::iter([Ok(Bytes::new()), last]);
            Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages))))
        }
    });
    let settings = BalanceSettings { policy: Policy::RoundRobin, ..settings() };
    let bench = Bench::new(&ABC, &replicas, settings).await;
    for _ in 0..60 {
        let mut stream = bench.call().await.unwrap().into_parts().0.into_stream();
        while stream.next().await.is_some() {}
    }
    assert_eq!(replicas.calls("a:1"), 5);
    assert!(bench.balanced.replicas().iter().all(|view| view.open_calls == 0));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_at_a_call_goes_to_another_replica() {
    let replicas = Replicas::new(|_| async { answer() });
    for policy in [Policy::P2c, Policy::RoundRobin, Policy::Hash] {
        let bench = Bench::new(&ABC, &replicas, BalanceSettings { policy, ..settings() }).await;
        let before = ABC.map(|address| replicas.calls(address));
        for _ in 0..20 {
            let call = Context::background();
            for _ in 0..3 {
                bench.call_in(call.clone()).await.unwrap();
            }
        }
        let calls = ABC.map(|address| replicas.calls(address));
        assert_eq!(calls, before.map(|before| before + 20), "{policy:?}");
        let call = Context::background();
        for _ in 0..4 {
            assert!(bench.call_in(call.clone()).await.is_ok(), "and again where all were tried");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_replica_the_error_says_so() {
    let replicas = Replicas::new(|_| async { answer() });
    let bench = Bench::new(&[], &replicas, settings()).await;
    bench.registry.fail(Some("it is away"));
    sleep(Duration::from_secs(5)).await;
    let error = bench.call().await.unwrap_err();
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>).unwrap();
    assert_eq!((error.code(), &*info.reason), (Code::Unavailable, Reason::NoReplica.name()));
    let why = error.message();
    for part in ["no replica of `test`", "memory", "not answered for 5.0 s", "it is away"] {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_list_is_counted_while_its_registry_fails() {
    let replicas = Replicas::new(|_| async { answer() });
    let bench = Bench::new(&ABC, &replicas, settings()).await;
    let age = || bench.balanced.0.ground.counts.list_age.value();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(age(), 0, "it answers, though nothing changes");
    bench.registry.fail(Some("it is away"));
    sleep(Duration::from_secs(60)).await;
    assert!((58..=60).contains(&age()), "{}", age());
    assert!(bench.call().await.is_ok(), "the last list is kept");
    bench.registry.fail(None);
    sleep(Duration::from_secs(11)).await;
    assert_eq!(age(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_first_list_and_not_for_ever() {
    let replicas = Replicas::new(|_| async { answer() });
    let registry = Memory::new();
    registry.fail(Some("starting"));
    let bench = Bench::over(registry, &replicas, settings()).await;
    let begin = Instant::now();
    assert!(bench.call().await.unwrap_err().message().contains("told nothing"));
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    let registry = Memory::new();
    registry.fail(Some("starting"));
    let bench = Bench::over(registry, &replicas, settings()).await;
    let come = async {
        sleep(Duration::from_millis(100)).await;
        bench.registry.set("test", [Instance::new("a:1")]);
        bench.registry.fail(None);
    };
    let (answered, ()) = tokio::join!(bench.call(), come);
    assert!(answered.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_the_first_list_is_in_the_pick() {
    let replicas = Replicas::new(|_| async { answer() });
    let registry = Memory::new();
    registry.fail(Some("starting"));
    let bench = Bench::over(registry, &replicas, settings()).await;
    let context = Context::background();
    let waiting = timeout(Duration::from_millis(500), bench.call_in(context.clone()));
    assert!(waiting.await.is_err());
    assert_eq!(context.layer(), Some(PICK));

    let context = Context::background();
    let bench = Bench::new(&["a:1"], &replicas, settings()).await;
    bench.call_in(context.clone()).await.unwrap();
    assert_eq!(context.layer(), None, "it did not wait");
}

#[tokio::test(start_paused = true)]
async fn one_that_has_far_more_failures_than_the_others_is_left_out() {
    let replicas = Replicas::new(|address| {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let fails = address == "a:1" && CALLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(4);
        async move { if fails { by_peer(Code::Internal) } else { answer() } }
    });
    let addresses = ["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"];
    let settings = BalanceSettings { policy: Policy::RoundRobin, ..settings() };
    let bench = Bench::new(&addresses, &replicas, settings).await;
    for _ in 0..1_000 {
        let _ = bench.call().await;
    }
    assert!(!state(&bench, "a:1").is_out(), "it never failed five times in a row");
    sleep(Duration::from_secs(10)).await;
    let _ = bench.call().await;
    assert!(state(&bench, "a:1").is_out());
    assert!(addresses[1..].iter().all(|address| !state(&bench, address).is_out()));
}
