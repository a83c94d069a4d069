//! Hosts and registries.

use std::time::Duration;

use kitfox::config::Register;
use kitfox::discovery::{Directory, Instance, Memory};
use kitfox::{Ending, Host, HostError};
use tokio::time::{sleep, timeout};

use super::{admin, json};
use crate::support::memory;

/// A host on a network within the process.
fn host(registry: &Memory) -> Host {
    let host = Host::new("shop").version("1.2.3").announce(false).unrecorded();
    host.platform(memory::Memory::default().platform()).register(registry.clone())
}

/// Waits until as many instances are registered, for a minute at most.
async fn registered(registry: &Memory, number: usize) -> Vec<Instance> {
    let there = async {
        while registry.instances("shop").len() != number {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), there).await.expect("in time");
    registry.instances("shop")
}

#[tokio::test(start_paused = true)]
async fn a_host_registers_when_it_is_ready_and_leaves_first_of_all() {
    let registry = Memory::new();
    let (open, ready) = tokio::sync::watch::channel(false);
    let check = move || {
        let ready = *ready.borrow();
        async move { if ready { Ok(()) } else { Err("warming") } }
    };
    let host = host(&registry).check("cache", check).set("register.zone", "west");
    let running = host.listen("10.0.0.7:8080").start().await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(registry.instances("shop").is_empty(), "it is not ready");
    open.send_replace(true);
    let expected = Instance::new("10.0.0.7:8080").zone("west").version("1.2.3");
    assert_eq!(registered(&registry, 1).await, [expected]);

    running.shutdown();
    registered(&registry, 0).await;
    assert_eq!(running.handle().phase(), kitfox::Phase::Leaving, "calls are still taken");
    let start = tokio::time::Instant::now();
    assert_eq!(running.wait().await, Ending::Clean);
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn all_that_can_be_known_of_a_host_is_registered() {
    let expected = Instance::new("10.0.0.7:8080").version("1.2.3").zone("west").weight(50);
    let expected = expected.priority(2).with("git", "4711").with("note", "one, two = 50 %");
    let register = Register { priority: 2, weight: 50, ..Register::default() };
    let register = Register { zone: Some("west".to_owned()), ..register };
    let register = register.with("git", "4711").with("note", "one, two = 50 %");
    let by_code = |host: Host| host.register_as(register.clone());
    let by_keys = |host: Host| {
        let host = host.set("register.zone", "west").set("register.weight", 50);
        let host = host.set("register.priority", 2);
        host.set("register.metadata", "git=4711, note=one%2C two = 50 %25")
    };
    let ways: [&dyn Fn(Host) -> Host; 2] = [&by_code, &by_keys];
    for way in ways {
        let registry = Memory::new();
        let running = way(host(&registry)).listen("10.0.0.7:8080").start().await.unwrap();
        assert_eq!(registered(&registry, 1).await, std::slice::from_ref(&expected));
        let entries = running.configuration().entries();
        let shown =
            entries.into_iter().find(|it| it.key.name == "register.metadata").unwrap().value;
        assert_eq!(shown, "git=4711,note=one%2C%20two%20=%2050%20%25");
    }
    for (key, text) in [("register.priority", "70000"), ("register.metadata", "git")] {
        let error = host(&Memory::new()).set(key, text).start().await.unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_forgets_and_one_that_was_away_find_the_host_again() {
    let registry = Memory::new();
    registry.fail(Some("away"));
    let running = host(&registry).start().await.unwrap();
    sleep(Duration::from_secs(30)).await;
    registry.fail(None);
    registered(&registry, 1).await;
    registry.forget();
    registered(&registry, 1).await;
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
    assert!(registry.instances("shop").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_told_keeps_no_host_from_ending() {
    let registry = Memory::new();
    let running = host(&registry).start().await.unwrap();
    registered(&registry, 1).await;
    registry.fail(Some("away"));
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_nobody_could_call_does_not_start() {
    let error = host(&Memory::new()).listen("0.0.0.0:0").start().await.unwrap_err();
    assert!(matches!(error, HostError::NoAddress { .. }), "{error}");
}

#[tokio::test]
async fn hosts_are_found_in_a_directory_also_after_that_was_deleted() {
    let path = std::env::temp_dir().join(format!("kitfox-host-{}", std::process::id()));
    let directory = Directory::new(&path).interval(Duration::from_millis(20));
    let host = Host::new("shop").announce(false).unrecorded().register(directory);
    let running = host.listen("127.0.0.1:0").admin("127.0.0.1:0").start().await.unwrap();
    let files = || std::fs::read_dir(path.join("shop")).map_or(0, Iterator::count);
    let one = |expected: usize| async move {
        let there = async {
            while files() != expected {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), there).await.expect("in time");
    };
    one(1).await;
    std::fs::remove_dir_all(&path).unwrap();
    one(1).await;
    running.shutdown();
    one(0).await;
    assert_eq!(running.wait().await, Ending::Clean);
    let _ = std::fs::remove_dir_all(&path);
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_registry_is_away_serves_and_says_since_when_and_why() {
    let (registry, net) = (Memory::new(), memory::Memory::default());
    registry.fail(Some("the disk is full"));
    let host = Host::new("shop").announce(false).platform(net.platform());
    let running = host.register(registry.clone()).start().await.unwrap();
    sleep(Duration::from_secs(130)).await;
    let index = admin(&net, &running, "/").await.body;
    let expected =
        "registered  not in memory for 2 min 10 s: registering in memory: the disk is full";
    assert!(index.contains(expected), "{index}");
    let ready = admin(&net, &running, "/readyz").await;
    assert_eq!((ready.status, &*ready.body), (200, "ready\n"), "it serves");

    registry.fail(None);
    registered(&registry, 1).await;
    sleep(Duration::from_secs(5)).await;
    let index = admin(&net, &running, "/").await.body;
    assert!(index.contains("registered  in memory for 5."), "{index}");
    let ready = json(&net, &running, "/readyz").await;
    let standing = &ready["registered"][0];
    assert_eq!(standing["state"], "registered");
    let error = standing["lastError"].as_str().unwrap();
    assert!(error.contains("the disk is full"), "what happened is remembered: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_ready_is_not_registered_yet() {
    let (registry, net) = (Memory::new(), memory::Memory::default());
    let host = Host::new("shop").announce(false).platform(net.platform()).register(registry);
    let running = host.check("cache", || async { Err::<(), _>("cold") }).start().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let index = admin(&net, &running, "/").await.body;
    assert!(index.contains("registered  not yet in memory"), "{index}");
    let ready = admin(&net, &running, "/readyz?format=text").await;
    assert_eq!(ready.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_its_registry_can_never_take_does_not_start() {
    let path = std::env::temp_dir().join("kitfox-never");
    let host = |name: &str, address: &str| {
        let host = Host::new(name).announce(false).unrecorded().set("register.address", address);
        host.platform(memory::Memory::default().platform()).register(Directory::new(&path))
    };
    for (name, address, what) in [
        ("my shop", "10.0.0.7", "no service `my shop`: use letters, digits and `-_.`"),
        ("shop", "0.0.0.0", "no address `0.0.0.0:8080`: that is every address"),
        ("shop", "10.0.0.7:0", "no address `10.0.0.7:0`: give a host and a port"),
    ] {
        let error = host(name, address).start().await.unwrap_err();
        assert!(matches!(error, HostError::Unregistrable { .. }), "{error}");
        for part in [what, "directory ", "`Host::new`", "KITFOX_REGISTER_ADDRESS"] {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}
