//! What a client's layers are set to, by whom, and what cannot be.

use std::time::Duration;

use kitfox::config::Environment;
use kitfox::discovery::{Instance, Memory as Registry};
use kitfox::platform::Random;
use kitfox::stack::{Change, ChangeError};
use kitfox::{Code, Context, Platform, ServiceChannel, ServiceChannelError};
use serde_json::Value;
use tokio::time::sleep;

use super::service::{Fleet, Mood, Payments, PaymentsClient, PaymentsError, amount, host};
use crate::support::memory::Memory;

const CHARGE: &str = "pay.v1.Payments/Charge";

#[tokio::test(start_paused = true)]
async fn the_environment_and_the_admin_port_set_it_while_calls_run() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let channel = fleet.channel().set("breaker.mode", "off").build().unwrap();
    let client = PaymentsClient::new(&channel);
    let environment = Environment::from_iter([("KITFOX_CLIENTS_PAYMENTS_RETRY_ATTEMPTS", "2")]);
    let host = host(&fleet.net, "orders").client(&channel).environment(environment);
    let running = host.start().await.unwrap();
    let _ = client.quote(&Context::background(), amount()).await;
    assert_eq!(fleet.calls(), [2]);

    let path = "/stack/clients.payments?retry.attempts=1&format=json";
    let answer = fleet.ask(&running, "PUT", path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["stacks"][1]["name"], "clients.payments");
    let balance = json["stacks"][1]["layers"].as_array().unwrap().last().unwrap();
    assert!(balance["what"].as_str().unwrap().starts_with("1 replicas; 127.0.0.1:"), "{balance}");
    let _ = client.quote(&Context::background(), amount()).await;
    assert_eq!(fleet.calls(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_method_has_its_own_deadline() {
    let fleet = Fleet::of(&[]).await;
    let channel = fleet
        .channel()
        .set("retry.attempts", 9)
        .set("retry.cap", "1s")
        .contract(PaymentsClient::CONTRACT)
        .set_for(CHARGE, "deadline.total", "100ms")
        .build()
        .unwrap();
    fleet.registry.set("payments", [Instance::new("10.9.9.9:1")]);
    let client = PaymentsClient::new(&channel);
    let begin = tokio::time::Instant::now();
    let Err(PaymentsError::Call(error)) = client.charge(&Context::background(), amount()).await
    else {
        panic!("nobody is there");
    };
    assert!(begin.elapsed().as_millis() <= 100, "{:?}: {error}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_with_a_sentence_that_says_why() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    for (key, value, why) in [
        ("retry.attempt", "2", "has no key `attempt`"),
        ("deadline.attempt", "40s", "an `attempt` may take longer than the `total`"),
        ("retry.base", "31s", "`cap` is the longest pause"),
        ("breaker.least", "0", "breaker"),
        ("balance.policy", "fair", "give `p2c`, `round_robin` or `hash`"),
        ("balance.hash_by", "header:x tenant", "the name of a header"),
        ("rate_limit.key", "header:x tenant", "the name of a header"),
    ] {
        let refused = fleet.channel().set(key, value).build();
        let refused = refused.map(|_| ()).unwrap_err().to_string();
        assert!(refused.starts_with("the client `payments`: "), "{refused}");
        assert!(refused.contains(why), "{key} = {value}: {refused}");
    }
    let peers = fleet.channel().set("rate_limit.mode", "on").set("rate_limit.key", "peer");
    let refused = peers.build().map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("no peer is known yet"), "{refused}");
    for (method, key, value, why) in [
        (CHARGE, "retry.attempts", "2", "the method is not idempotent"),
        (CHARGE, "retry.mode", "on", "the method is not idempotent"),
        (CHARGE, "hedge.mode", "on", "the method changes something"),
        (CHARGE, "breaker.mode", "off", "no layer `breaker` in this stack, but deadline, retry"),
        ("pay.v1.Payments/Refund", "retry.mode", "off", "no method `pay.v1.Payments/Refund`"),
    ] {
        let channel = fleet.channel().contract(PaymentsClient::CONTRACT);
        let refused = channel.set_for(method, key, value).build();
        let refused = refused.map(|_| ()).unwrap_err();
        assert!(matches!(refused, ServiceChannelError::Settings { .. }));
        let refused = refused.to_string();
        assert!(refused.contains(why), "{key} = {value}: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_one_name_are_refused_and_one_that_is_told_twice_counts_once() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let [one, other] = [0, 1].map(|_| fleet.channel().build().unwrap());
    let host = |client: &ServiceChannel| host(&fleet.net, "orders").client(&one).client(client);
    let refused = host(&other).start().await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.starts_with("there are two `clients.payments` in this host"), "{refused}");
    host(&one.clone()).start().await.unwrap().shutdown();
}

#[tokio::test(start_paused = true)]
async fn a_change_is_all_or_nothing() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let channel = fleet.channel().build().unwrap();
    let client = PaymentsClient::new(&channel);
    let both = [Change::new("retry.attempts", 1), Change::new("retry.cap", "1ms")];
    let error = channel.change(both).unwrap_err();
    assert!(error.to_string().starts_with("retry: `cap`"), "{error}");
    let answer = client.quote(&Context::background(), amount()).await;
    assert!(matches!(answer, Err(PaymentsError::Call(error)) if error.code() == Code::Unavailable));
    assert_eq!(fleet.calls(), [3]);
}

/// Which replicas a client of a host at this address uses, which is started now.
async fn subset(address: &str, seed: u64, client: &str) -> Vec<String> {
    let (net, registry) = (Memory::default(), Registry::new());
    registry.set("payments", (1..=40).map(|number| Instance::new(format!("10.1.0.{number}:80"))));
    let platform = Platform::new(net.clone(), Random::seeded(seed));
    let channel = ServiceChannel::builder("payments", &registry).platform(platform.clone());
    let channel = channel.set("balance.subset", 4).build().unwrap();
    let host = host(&net, "orders").platform(platform).client(&channel).listen(address);
    let host = host.set("clients.payments.balance.client", client);
    let running = host.start().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    running.shutdown();
    channel.replicas().into_iter().map(|view| view.instance.address).collect()
}

#[tokio::test(start_paused = true)]
async fn a_host_uses_the_same_replicas_after_a_restart() {
    let first = subset("10.0.0.7:8080", 1, "none").await;
    assert_eq!(first.len(), 4);
    assert_eq!(subset("10.0.0.7:8080", 2, "none").await, first);
    assert_ne!(subset("10.0.0.8:8080", 1, "none").await, first);
    let numbered = subset("127.0.0.1:8080", 1, "7").await;
    assert_eq!(subset("127.0.0.1:8080", 2, "7").await, numbered);
    assert_ne!(subset("127.0.0.1:8080", 2, "8").await, numbered);
}

#[tokio::test(start_paused = true)]
async fn delete_takes_back_what_the_admin_port_set_and_nothing_that_code_did() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let channel = fleet.channel().set("breaker.mode", "off").build().unwrap();
    let client = PaymentsClient::new(&channel);
    let running = host(&fleet.net, "orders").client(&channel).start().await.unwrap();
    channel.change([Change::new("retry.attempts", 2)]).unwrap();
    for (method, query, calls) in [("PUT", "?retry.attempts=1", 1), ("DELETE", "", 2)] {
        let path = format!("/stack/clients.payments{query}");
        assert_eq!(fleet.ask(&running, method, &path).await.status, 200);
        let before = fleet.calls()[0];
        let _ = client.quote(&Context::background(), amount()).await;
        assert_eq!(fleet.calls()[0] - before, calls, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_says_in_words_what_each_layer_does_and_how_each_replica_is() {
    let fleet = Fleet::of(&[Mood::Unavailable, Mood::Unavailable]).await;
    let channel = fleet.channel().set("breaker.consecutive", 3).build().unwrap();
    let client = PaymentsClient::new(&channel);
    let guard = kitfox::resilience::Guard::<std::io::Error>::new("orders-db");
    let host = host(&fleet.net, "orders").client(&channel).guard(&guard.handle());
    let running = host.start().await.unwrap();
    let _ = client.quote(&Context::background(), amount()).await;
    for format in ["text", "html"] {
        let page = fleet.ask(&running, "GET", &format!("/stack?format={format}")).await.body;
        let mut said = vec![
            "pay.v1.Payments open (3 failures in a row)".to_owned(),
            "in the last 10 s 2 of 1 calls, 0 in flight now".to_owned(),
            "2 replicas".to_owned(),
            "orders-db closed".to_owned(),
        ];
        for replica in channel.replicas() {
            said.push(format!("{} healthy, ", replica.instance.address));
        }
        for words in said {
            assert!(page.contains(&words), "{words}: {page}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_set_for_a_method_that_nobody_knows() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let refused = fleet.channel().set_for(CHARGE, "deadline.total", "1s").build();
    let refused = refused.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("`.contract(StringsClient::CONTRACT)`"), "{refused}");

    let channel = fleet.channel().build().unwrap();
    let change = || [Change::new("deadline.total", "1s").of_method(CHARGE)];
    assert!(matches!(channel.change(change()), Err(ChangeError::NoMethods { .. })));
    let _client = PaymentsClient::new(&channel);
    channel.change(change()).unwrap();

    // What the file says of a method is judged before there is a client.
    let channel = fleet.channel().contract(PaymentsClient::CONTRACT).build().unwrap();
    let host = host(&fleet.net, "orders").client(&channel);
    let host = host.set(format!("clients.payments.methods.{CHARGE}.retry.attempts"), 2);
    let refused = host.start().await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("the method is not idempotent"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn what_holds_for_all_methods_is_not_told_by_one_that_is_set_by_itself() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let channel = fleet.channel().contract(PaymentsClient::CONTRACT);
    let channel = channel.set_for("pay.v1.Payments/Quote", "deadline.total", "5s").build().unwrap();
    let running = host(&fleet.net, "orders").client(&channel).start().await.unwrap();
    let page = async || fleet.ask(&running, "GET", "/stack").await.body;
    let said = page().await;
    assert!(said.contains("on: 30s a call") && said.contains("on: 5s a call"), "{said}");
    channel.change([Change::new("deadline.total", "5s").of_method(CHARGE)]).unwrap();
    assert!(page().await.contains("each method is set by itself"));
}

#[tokio::test(start_paused = true)]
async fn a_contract_that_is_told_twice_counts_once() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let channel = fleet.channel().contract(PaymentsClient::CONTRACT);
    let channel =
        channel.contract(PaymentsClient::CONTRACT).set_for(CHARGE, "deadline.total", "5s");
    let channel = channel.build().unwrap();
    let running = host(&fleet.net, "orders").client(&channel).start().await.unwrap();
    let stack = fleet.ask(&running, "GET", "/stack?format=json").await.body;
    let stack: Value = serde_json::from_str(&stack).unwrap();
    let methods = stack["stacks"][1]["methods"].as_array().unwrap();
    let methods: Vec<_> = methods.iter().map(|method| method["method"].as_str()).collect();
    assert_eq!(methods, [Some(CHARGE)]);
}
