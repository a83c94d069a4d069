//! A guard is shown and set as a client is, and its calls are recorded.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use kitfox::config::Environment;
use kitfox::resilience::{Guard, GuardError, Mode};
use kitfox::{Context, Host, Incoming, Platform, Recovery};
use tokio::io::AsyncWriteExt;

use crate::suite::service::{Puppet, SuiteServer};
use crate::support::http::{read, send};
use crate::support::memory::Memory;

/// How often a function was called that always fails, and whether somebody tried again.
async fn failing(guard: &Guard<io::Error>, platform: &Platform) -> (u32, Recovery) {
    let called = AtomicU32::new(0);
    let platform = Some(platform.clone());
    let context = Context::incoming(Incoming { platform, ..Incoming::default() });
    let function = async || {
        called.fetch_add(1, Ordering::Relaxed);
        Err::<(), _>(io::Error::other("the disk is full"))
    };
    let failed: GuardError<_> = guard.call(&context, function).await.unwrap_err();
    (called.into_inner(), failed.recovery())
}

#[tokio::test(start_paused = true)]
async fn the_environment_and_the_admin_port_set_a_guard_and_every_call_of_it_is_recorded() {
    let net = Memory::default();
    let platform = net.platform();
    let guard = Guard::new("orders-db").idempotent();
    let host = Host::new("orders")
        .serve(SuiteServer::new(Puppet::default()))
        .guard(&guard.handle())
        .set("guards.orders-db.breaker.mode", "off")
        .environment(Environment::from_iter([("KITFOX_GUARDS_ORDERS_DB_RETRY_ATTEMPTS", "2")]))
        .platform(platform.clone())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let running = host.start().await.unwrap();
    assert_eq!(failing(&guard, &platform).await, (2, Recovery::Exhausted));

    let mut admin = net.dial(running.admin_address()).await.unwrap();
    let put = "PUT /stack/guards.orders-db?switch.mode=off&format=json HTTP/1.1\r\n\
               host: localhost\r\nconnection: close\r\n\r\n";
    admin.write_all(put.as_bytes()).await.unwrap();
    let answer = read(&mut admin).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(failing(&guard, &platform).await, (1, Recovery::Retry));

    let mut admin = net.dial(running.admin_address()).await.unwrap();
    let stack = send(&mut admin, "GET", "/stack?format=json").await.body;
    let stack: serde_json::Value = serde_json::from_str(&stack).unwrap();
    let row = &stack["stacks"][1]["layers"][3];
    assert_eq!(
        (&stack["stacks"][1]["name"], &row["layer"]),
        (&"guards.orders-db".into(), &"retry".into())
    );
    assert!(row["what"].as_str().unwrap().starts_with("off: 2 attempts"), "{row}");

    let mut admin = net.dial(running.admin_address()).await.unwrap();
    let metrics = send(&mut admin, "GET", "/metrics").await.body;
    let calls = metrics.lines().filter(|line| line.contains("\"guard/orders-db\""));
    let count = calls.filter(|line| line.contains("duration_seconds_count")).collect::<Vec<_>>();
    assert!(
        count.iter().any(|line| line.ends_with(" 2") || line.ends_with(" 1")),
        "{count:?}\n{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn hedges_are_set_from_outside_where_the_guard_is_idempotent_and_refused_where_it_is_not() {
    let net = Memory::default();
    let (orders, cards) =
        (Guard::<io::Error>::new("orders-db").idempotent(), Guard::<io::Error>::new("cards"));
    let host = Host::new("orders")
        .guard(&orders.handle())
        .guard(&cards.handle())
        .set("guards.orders-db.hedge.mode", "on")
        .environment(Environment::default())
        .platform(net.platform())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let running = host.start().await.unwrap();
    assert_eq!(orders.handle().settings().hedge.mode, Mode::On);
    let mut admin = net.dial(running.admin_address()).await.unwrap();
    let refused = send(&mut admin, "PUT", "/stack/guards.cards?hedge.mode=on").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("hedge: the guard is not idempotent"), "{}", refused.body);
    assert_eq!(cards.handle().settings().hedge.mode, Mode::Off);

    let wrong = Host::new("orders")
        .guard(&cards.handle())
        .set("guards.cards.hedge.mode", "on")
        .environment(Environment::default())
        .platform(net.platform())
        .announce(false);
    let refused = wrong.start().await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("the guard is not idempotent"), "{refused}");
}
