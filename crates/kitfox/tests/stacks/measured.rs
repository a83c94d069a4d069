//! What layers count is told apart by whom they belong to.

use std::io;
use std::time::Duration;

use kitfox::discovery::Instance;
use kitfox::resilience::Guard;
use kitfox::{Context, Incoming, Platform, ServiceChannel};

use super::service::{
    Fleet, Mood, Payments, PaymentsClient, PaymentsServer, Replica, amount, host,
};

fn on(platform: &Platform) -> Context {
    let platform = Some(platform.clone());
    Context::incoming(Incoming { platform, ..Incoming::default() })
}

/// The series of `family` on a page of metrics, in the order in which they are shown.
fn series<'a>(metrics: &'a str, family: &str) -> Vec<&'a str> {
    let found = metrics.lines().filter_map(|line| line.strip_prefix(family));
    found.filter(|line| line.starts_with('{')).collect()
}

#[tokio::test(start_paused = true)]
async fn two_clients_and_a_guard_of_one_host_have_series_of_their_own() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    fleet.registry.set("refunds", fleet.instances());
    let refunds = ServiceChannel::builder("refunds", &fleet.registry)
        .platform(fleet.net.platform())
        .set("retry.attempts", 2)
        .build()
        .unwrap();
    let payments = fleet.channel().set("breaker.consecutive", 3).build().unwrap();
    let guard = Guard::new("payments").idempotent();
    let platform = fleet.net.platform();
    let host = host(&fleet.net, "orders").platform(platform.clone());
    let host = host.client(&payments).client(&refunds).guard(&guard.handle());
    let running = host.start().await.unwrap();

    let cx = on(&platform);
    let of = |channel| PaymentsClient::new(channel);
    let (payments, refunds) = (of(&payments), of(&refunds));
    let _ = payments.quote(&cx, amount()).await;
    for _ in 0..3 {
        let _ = refunds.quote(&cx, amount()).await;
    }
    let _ = refunds.charge(&cx, amount()).await;
    let failing = async || Err::<(), _>(io::Error::other("the disk is full"));
    let _ = guard.call(&cx, failing).await;

    let metrics = fleet.ask(&running, "GET", "/metrics").await.body;
    let retried: Vec<_> = series(&metrics, "kitfox_retry_decisions_total")
        .into_iter()
        .filter(|line| line.contains("\"retried\""))
        .collect();
    assert_eq!(
        retried,
        [
            r#"{decision="retried",rpc_method="pay.v1.Payments/Charge",stack="clients.refunds"} 0"#,
            r#"{decision="retried",rpc_method="pay.v1.Payments/Quote",stack="clients.payments"} 2"#,
            r#"{decision="retried",rpc_method="pay.v1.Payments/Quote",stack="clients.refunds"} 3"#,
            r#"{decision="retried",stack="guards.payments"} 2"#,
        ]
    );
    assert_eq!(
        series(&metrics, "kitfox_breaker_open"),
        [
            r#"{stack="clients.payments"} 1"#,
            r#"{stack="clients.refunds"} 0"#,
            r#"{stack="guards.payments"} 0"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn how_old_a_list_is_stands_in_the_metrics_in_the_stack_and_in_the_channel() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let payments = fleet.channel().build().unwrap();
    let platform = fleet.net.platform();
    let host = host(&fleet.net, "orders").platform(platform.clone()).client(&payments);
    let running = host.start().await.unwrap();
    let client = PaymentsClient::new(&payments);
    let page = async |path: &str| fleet.ask(&running, "GET", path).await.body;
    assert!(client.quote(&on(&platform), amount()).await.is_ok());
    let age = |metrics: &str| series(metrics, "kitfox_balance_list_age").concat();
    assert_eq!(age(&page("/metrics").await), r#"{service="payments"} 0"#);
    assert!(!page("/stack?format=json").await.contains("s old"));
    assert_eq!(payments.view().age(), Duration::ZERO);

    fleet.registry.fail(Some("no route"));
    tokio::time::sleep(Duration::from_millis(42_500)).await;
    assert!(client.quote(&on(&platform), amount()).await.is_ok(), "the last list is kept");
    assert_eq!(age(&page("/metrics").await), r#"{service="payments"} 42"#);
    let stack = page("/stack?format=json").await;
    let expected = "list 42.5 s old: asking the registry in memory: no route";
    assert!(stack.contains(expected), "{stack}");
    let view = payments.view();
    assert_eq!(
        (view.snapshot.unwrap().len(), view.failing.unwrap().0.elapsed().as_secs()),
        (1, 42)
    );
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_server_are_told_apart_by_place_and_method() {
    let fleet = Fleet::of(&[]).await;
    let mut host =
        host(&fleet.net, "payments").serve(PaymentsServer::new(Replica::new(Mood::Well)));
    for key in ["server.rate_limit", "server.principal_rate_limit"] {
        host = host.set(format!("{key}.mode"), "on").set(format!("{key}.burst"), 3);
    }
    let host = host.set_for("pay.v1.Payments/Charge", "rate_limit.mode", "on").set_for(
        "pay.v1.Payments/Charge",
        "rate_limit.burst",
        1,
    );
    let running = host.start().await.unwrap();
    let channel = fleet.channel().set("retry.mode", "off").build().unwrap();
    fleet.registry.set("payments", [Instance::new(running.address().to_string())]);
    let client = PaymentsClient::new(&channel);
    for _ in 0..5 {
        let _ = client.charge(&Context::background(), amount()).await;
    }

    let metrics = fleet.ask(&running, "GET", "/metrics").await.body;
    let mut refused = series(&metrics, "kitfox_rate_limit_decisions_total");
    refused.retain(|line| line.contains("\"refused\""));
    assert_eq!(
        refused,
        [
            r#"{decision="refused",layer="principal_rate_limit",stack="server"} 0"#,
            r#"{decision="refused",layer="rate_limit",rpc_method="pay.v1.Payments/Charge",stack="server"} 2"#,
            r#"{decision="refused",layer="rate_limit",stack="server"} 2"#,
        ]
    );
}
