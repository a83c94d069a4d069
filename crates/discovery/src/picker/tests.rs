use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kitfox_core::platform::{Random, Tcp};
use kitfox_core::{Code, Context, Platform};
use tokio::time::sleep;

use crate::testing::{Bench, Replicas, answer, by_peer, settle};
use crate::{BalanceSettings, Balanced, HashBy, HashKey, Instance, Memory, Policy};

fn settings() -> BalanceSettings {
    BalanceSettings::default()
}

/// Replicas that answer after 10 ms, and as many calls at once as there are replicas.
fn well() -> Replicas {
    Replicas::new(|_| async {
        sleep(Duration::from_millis(10)).await;
        answer()
    })
}

async fn over(
    instances: impl IntoIterator<Item = Instance>,
    replicas: &Replicas,
    settings: BalanceSettings,
) -> Bench {
    let registry = Memory::new();
    registry.set("test", instances);
    Bench::over(registry, replicas, settings).await
}

/// Makes calls, so many of them at the same time.
async fn calls(bench: &Bench, number: usize, at_once: usize) {
    for _ in 0..number / at_once {
        let together = (0..at_once).map(|_| bench.call());
        futures_util::future::join_all(together).await;
    }
}

fn near_and_far() -> [Instance; 6] {
    ["n1:1", "n2:1", "n3:1", "f1:1", "f2:1", "f3:1"].map(|address| {
        Instance::new(address).zone(if address.starts_with('n') { "west" } else { "east" })
    })
}

fn far(replicas: &Replicas) -> usize {
    ["f1:1", "f2:1", "f3:1"].iter().map(|address| replicas.calls(address)).sum()
}

#[tokio::test(start_paused = true)]
async fn calls_are_spread_by_weight() {
    let instances =
        [("a:1", 50), ("b:1", 100), ("c:1", 200)].map(|(it, w)| Instance::new(it).weight(w));
    for policy in [Policy::P2c, Policy::RoundRobin] {
        let replicas = well();
        let settings = BalanceSettings { policy, ..settings() };
        let bench = over(instances.clone(), &replicas, settings).await;
        calls(&bench, 7_000, 28).await;
        for (address, expected) in [("a:1", 1_000.0), ("b:1", 2_000.0), ("c:1", 4_000.0)] {
            let share = replicas.calls(address) as f64 / expected;
            assert!((0.8..1.25).contains(&share), "{policy:?} {address}: {share}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_stay_in_their_zone_while_that_is_well() {
    let replicas = well();
    let settings = BalanceSettings { zone: "west".to_owned(), ..settings() };
    let bench = over(near_and_far(), &replicas, settings).await;
    calls(&bench, 600, 6).await;
    assert_eq!(far(&replicas), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_leave_their_zone_as_far_as_that_fails() {
    let replicas = Replicas::new(|address| {
        let fails = address == "n1:1" || address == "n2:1";
        async move {
            sleep(Duration::from_millis(10)).await;
            if fails { by_peer(Code::Internal) } else { answer() }
        }
    });
    let settings = BalanceSettings { zone: "west".to_owned(), ..settings() };
    let bench = over(near_and_far(), &replicas, settings).await;
    calls(&bench, 300, 3).await;
    let (before, near) = (far(&replicas), replicas.calls("n3:1"));
    calls(&bench, 1_000, 2).await;
    // One of three is left: 1.4 thirds of the calls stay.
    let share = (far(&replicas) - before) as f64 / 1_000.0;
    assert!((0.45..0.65).contains(&share), "{share}");
    assert!(replicas.calls("n3:1") > near);
}

#[tokio::test(start_paused = true)]
async fn calls_leave_a_zone_that_is_much_slower_than_another() {
    let replicas = Replicas::new(|address| {
        let time = if address.starts_with('n') { 300 } else { 10 };
        async move {
            sleep(Duration::from_millis(time)).await;
            answer()
        }
    });
    let settings = BalanceSettings { zone: "west".to_owned(), ..settings() };
    let bench = over(near_and_far(), &replicas, settings).await;
    calls(&bench, 600, 6).await;
    assert!(far(&replicas) > 500, "{}", far(&replicas));
}

#[tokio::test(start_paused = true)]
async fn a_lower_priority_waits_until_the_higher_one_fails() {
    let instances = [("a:1", 0), ("b:1", 0), ("c:1", 1)];
    let instances = instances.map(|(it, priority)| Instance::new(it).priority(priority));
    let replicas = Replicas::new(|address| {
        let fails = address == "a:1";
        async move { if fails { by_peer(Code::Internal) } else { answer() } }
    });
    let settings = BalanceSettings { policy: Policy::RoundRobin, ..settings() };
    let bench = over(instances, &replicas, settings).await;
    calls(&bench, 10, 1).await;
    assert_eq!(replicas.calls("c:1"), 0);
    calls(&bench, 500, 1).await;
    let share = replicas.calls("c:1") as f64 / 500.0;
    assert!((0.2..0.4).contains(&share), "of 1.4 halves the rest: {share}");
}

/// Lets `who` join as one of these: how many of a thousand calls it takes at once, and ten seconds later.
async fn early_and_late(
    bench: &Bench,
    replicas: &Replicas,
    all: impl IntoIterator<Item = Instance>,
    who: &str,
) -> [usize; 2] {
    bench.registry.set("test", all);
    settle().await;
    calls(bench, 1_000, 10).await;
    let early = replicas.calls(who);
    sleep(Duration::from_secs(10)).await;
    calls(bench, 1_000, 10).await;
    [early, replicas.calls(who) - early]
}

#[tokio::test(start_paused = true)]
async fn one_that_joins_begins_with_a_tenth() {
    for policy in [Policy::P2c, Policy::RoundRobin] {
        let replicas = well();
        let settings = BalanceSettings { policy, ..settings() };
        let old = ["a:1", "b:1", "c:1"].map(Instance::new);
        let bench = over(old.clone(), &replicas, settings).await;
        let all = old.into_iter().chain([Instance::new("d:1")]);
        let [early, late] = early_and_late(&bench, &replicas, all, "d:1").await;
        assert!((5..100).contains(&early), "{policy:?}: {early} of 250");
        assert!((180..320).contains(&late), "{policy:?}: {late}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_most_are_left_out_all_are_called() {
    let fails = |address: &str| ["a:1", "b:1", "c:1"].contains(&address);
    let replicas = Replicas::new(move |address| {
        let fails = fails(address);
        async move { if fails { by_peer(Code::Internal) } else { answer() } }
    });
    let mut settings = BalanceSettings { policy: Policy::RoundRobin, ..settings() };
    settings.health.share = 1.0;
    let instances = ["a:1", "b:1", "c:1", "d:1"].map(Instance::new);
    let bench = over(instances, &replicas, settings.clone()).await;
    calls(&bench, 400, 1).await;
    assert!(replicas.calls("a:1") > 80, "{}", replicas.calls("a:1"));
    settings.panic = 0.0;
    bench.balanced.replace(settings);
    let before = replicas.calls("a:1");
    calls(&bench, 100, 1).await;
    assert_eq!(replicas.calls("a:1"), before);
}

async fn owner(bench: &Bench, replicas: &Replicas, addresses: &[String], key: u64) -> String {
    let before: Vec<_> = addresses.iter().map(|it| replicas.calls(it)).collect();
    let context = Context::background().with_value(HashKey(key));
    bench.call_in(context).await.unwrap();
    let called = addresses.iter().zip(before).find(|(it, before)| replicas.calls(it) > *before);
    called.unwrap().0.clone()
}

#[tokio::test(start_paused = true)]
async fn a_key_keeps_its_replica_and_few_move_where_one_leaves() {
    let replicas = well();
    let addresses: Vec<String> = (0..10).map(|number| format!("r{number}:1")).collect();
    let settings = BalanceSettings { policy: Policy::Hash, ..settings() };
    let bench = over(addresses.iter().map(Instance::new), &replicas, settings).await;
    let keys: Vec<u64> = (0..100_u64).map(|key| HashKey::of(&key.to_string()).0).collect();
    let mut owners = Vec::new();
    for key in &keys {
        let own = owner(&bench, &replicas, &addresses, *key).await;
        assert_eq!(owner(&bench, &replicas, &addresses, *key).await, own);
        owners.push(own);
    }
    bench.registry.set("test", addresses[1..].iter().map(Instance::new));
    settle().await;
    for (key, own) in keys.iter().zip(&owners) {
        let now = owner(&bench, &replicas, &addresses, *key).await;
        assert!(now == *own || own == "r0:1", "{own} {now}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_everybody_wants_is_shared_before_one_replica_drowns() {
    let replicas = well();
    let addresses: Vec<String> = (0..10).map(|number| format!("r{number}:1")).collect();
    let settings = BalanceSettings { policy: Policy::Hash, ..settings() };
    let bench = over(addresses.iter().map(Instance::new), &replicas, settings).await;
    let hot = || bench.call_in(Context::background().with_value(HashKey(7)));
    futures_util::future::join_all((0..100).map(|_| hot())).await;
    let most = addresses.iter().map(|it| replicas.calls(it)).max();
    assert!(most <= Some(13), "1.25 times the mean: {most:?}");
}

#[tokio::test(start_paused = true)]
async fn a_header_is_a_key() {
    let replicas = well();
    let mut settings = BalanceSettings { policy: Policy::Hash, ..settings() };
    settings.hash_by = HashBy::Header("x-customer".to_owned());
    let bench = over(["a:1", "b:1", "c:1"].map(Instance::new), &replicas, settings).await;
    for _ in 0..20 {
        let context = Context::background().with_header("x-customer", "7").unwrap().outgoing();
        bench.call_in(context).await.unwrap();
    }
    let calls = ["a:1", "b:1", "c:1"].map(|address| replicas.calls(address));
    assert!(calls.contains(&20), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_uses_as_many_as_it_shall() {
    let replicas = well();
    let addresses: Vec<String> = (0..50).map(|number| format!("r{number}:1")).collect();
    let settings = BalanceSettings { subset: 5, ..settings() };
    let bench = over(addresses.iter().map(Instance::new), &replicas, settings).await;
    calls(&bench, 500, 10).await;
    assert_eq!(addresses.iter().filter(|it| replicas.calls(it) > 0).count(), 5);
}

/// Which of fifty replicas a process uses that is started now.
async fn used(client: Option<u32>, who: Option<&str>, seed: u64) -> Vec<String> {
    let registry = Memory::new();
    registry.set("test", (0..50).map(|number| Instance::new(format!("r{number}:1"))));
    let settings = BalanceSettings { subset: 5, client, ..settings() };
    let platform = Platform::new(Tcp, Random::seeded(seed));
    let balanced = Balanced::new("test", &registry, well(), settings, &platform).unwrap();
    if let Some(who) = who {
        balanced.identify(who);
    }
    settle().await;
    balanced.replicas().into_iter().map(|view| view.instance.address).collect()
}

#[tokio::test(start_paused = true)]
async fn a_process_with_a_number_or_a_name_uses_the_same_ones_after_a_restart() {
    for (client, who) in [(Some(3), None), (None, Some("10.0.0.7:8080"))] {
        let first = used(client, who, 1).await;
        assert_eq!(used(client, who, 2).await, first);
    }
    let other = used(None, Some("10.0.0.8:8080"), 1).await;
    assert_ne!(used(None, Some("10.0.0.7:8080"), 1).await, other);
    assert_ne!(used(None, None, 1).await, used(None, None, 2).await, "by chance");
    let (zero, one) = (used(Some(0), None, 1).await, used(Some(1), None, 1).await);
    assert!(zero.iter().all(|address| !one.contains(address)), "{zero:?} {one:?}");
}

#[tokio::test(start_paused = true)]
async fn among_a_thousand_as_little_is_looked_at_as_among_ten() {
    let mut drawn = Vec::new();
    for number in [10, 1_000] {
        let replicas = Replicas::new(|_| async { answer() });
        let addresses: Vec<String> = (0..number).map(|number| format!("r{number}:1")).collect();
        let bench = over(addresses.iter().map(Instance::new), &replicas, settings()).await;
        let before = bench.drawn();
        calls(&bench, 1_000, 1).await;
        drawn.push(bench.drawn() - before);
    }
    assert!(drawn[0] < 2_400 && drawn[1] < 2_050, "two for each call, and few more: {drawn:?}");
}

/// Two replicas of priority 0, and two that stand in for them.
fn pair_and_backups() -> [Instance; 4] {
    [("n1:1", 0), ("n2:1", 0), ("f1:1", 1), ("f2:1", 1)]
        .map(|(address, priority)| Instance::new(address).priority(priority))
}

#[tokio::test(start_paused = true)]
async fn calls_stay_with_a_pair_that_is_preferred_while_it_is_well() {
    let west = || BalanceSettings { zone: "west".to_owned(), ..settings() };
    let near_pair = near_and_far().into_iter().filter(|it| it.address != "n3:1").collect();
    for (instances, settings) in [(near_pair, west()), (pair_and_backups().to_vec(), settings())] {
        let instances: Vec<Instance> = instances;
        let replicas = well();
        let bench = over(instances, &replicas, settings).await;
        calls(&bench, 600, 6).await;
        assert_eq!(far(&replicas), 0);
        assert!(replicas.calls("n1:1").abs_diff(replicas.calls("n2:1")) < 60);
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_a_pair_that_was_left_out_is_tried_again_and_takes_calls() {
    let ill = Arc::new(AtomicBool::new(true));
    let replicas = Replicas::new({
        let ill = Arc::clone(&ill);
        move |address| {
            let fails = address == "a:1" && ill.load(Ordering::Relaxed);
            async move {
                sleep(Duration::from_millis(10)).await;
                if fails { by_peer(Code::Internal) } else { answer() }
            }
        }
    });
    let bench = over(["a:1", "b:1"].map(Instance::new), &replicas, settings()).await;
    calls(&bench, 1_000, 10).await;
    let out = replicas.calls("a:1");
    assert!((5..20).contains(&out), "it is left out: {out}");
    ill.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(46)).await;
    calls(&bench, 1_000, 10).await;
    assert!(replicas.calls("a:1") - out > 300, "{} more", replicas.calls("a:1") - out);
}

#[tokio::test(start_paused = true)]
async fn one_that_joins_another_begins_with_a_tenth() {
    let replicas = well();
    let bench = over([Instance::new("a:1")], &replicas, settings()).await;
    let both = ["a:1", "b:1"].map(Instance::new);
    let [early, late] = early_and_late(&bench, &replicas, both, "b:1").await;
    assert!((10..200).contains(&early), "{early} of 500");
    assert!((400..600).contains(&late), "{late}");
}

#[tokio::test(start_paused = true)]
async fn where_all_that_are_preferred_are_new_they_are_called_nevertheless() {
    for policy in [Policy::P2c, Policy::RoundRobin] {
        let replicas = well();
        let backups = [Instance::new("f1:1").priority(1), Instance::new("f2:1").priority(1)];
        let settings = BalanceSettings { policy, ..settings() };
        let bench = over(backups, &replicas, settings).await;
        bench.registry.set("test", pair_and_backups());
        settle().await;
        calls(&bench, 60, 2).await;
        assert_eq!(far(&replicas), 0, "{policy:?}");
        let pair = ["n1:1", "n2:1"].map(|address| replicas.calls(address));
        assert!(pair.iter().all(|calls| *calls > 15), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_preferred_and_alone_is_tried_again_as_well() {
    let ill = Arc::new(AtomicBool::new(true));
    let replicas = Replicas::new({
        let ill = Arc::clone(&ill);
        move |address| {
            let fails = address == "n1:1" && ill.load(Ordering::Relaxed);
            async move { if fails { by_peer(Code::Internal) } else { answer() } }
        }
    });
    let alone = pair_and_backups().into_iter().filter(|it| it.address != "n2:1");
    let bench = over(alone, &replicas, settings()).await;
    calls(&bench, 10, 1).await;
    assert_eq!(replicas.calls("n1:1"), 5);
    ill.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(46)).await;
    calls(&bench, 100, 1).await;
    assert_eq!(far(&replicas), 5);
}
