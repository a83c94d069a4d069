//! What layers are set to, while calls run.

use std::time::Duration;

use kitfox::config::Environment;
use kitfox::stack::{Change, ChangeError};
use kitfox::transport::Limits;
use kitfox::{Host, Platform, Services, ServicesError};
use serde_json::Value;
use strings::{Service, StringsServer};
use tokio::io::AsyncWriteExt;

use super::{HERE, ask, bare, json};
use crate::support::http::{Answer, read};
use crate::support::memory::Memory;

const METHOD: &str = "strings.v1.Strings/Uppercase";

fn host(net: &Memory) -> Host {
    bare(net).serve(StringsServer::new(Service))
}

async fn stack(net: &Memory, running: &kitfox::Running) -> Value {
    json(net, running, "/stack").await
}

fn value<'a>(json: &'a Value, layer: &str, key: &str) -> &'a Value {
    let layers = json["stacks"][0]["layers"].as_array().unwrap();
    let layer = layers.iter().find(|it| it["layer"] == layer).expect("a layer");
    layer["keys"].as_array().unwrap().iter().find(|it| it["key"] == key).expect("a key")
}

async fn call(net: &Memory, running: &kitfox::Running) -> Answer {
    let body = "{\"text\":\"fox\"}";
    let mut connection = net.dial(running.address()).await.unwrap();
    let head = "POST /v1/uppercase HTTP/1.1\r\nhost: strings\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 14\r\n\r\n";
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(body.as_bytes()).await.unwrap();
    read(&mut connection).await
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_set_for_a_while_without_a_new_stack() {
    let net = Memory::default();
    let running = host(&net).start().await.unwrap();
    let put = "PUT /stack/server?rate_limit.mode=on&rate_limit.rate=1&rate_limit.burst=1&for=10m";
    let answer = ask(&net, &running, put, HERE, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(call(&net, &running).await.status, 200);
    let refused = call(&net, &running).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    let json = stack(&net, &running).await;
    let mode = value(&json, "rate_limit", "mode");
    assert_eq!((&mode["value"], &mode["revertsInSeconds"]), (&"on".into(), &600.0.into()));
    assert!(mode["origin"].as_str().unwrap().starts_with("admin port, by "), "{mode}");

    tokio::time::sleep(Duration::from_secs(601)).await;
    for _ in 0..3 {
        assert_eq!(call(&net, &running).await.status, 200);
    }
    assert_eq!(value(&stack(&net, &running).await, "rate_limit", "mode")["value"], "off");
}

#[tokio::test(start_paused = true)]
async fn one_method_is_limited_and_delete_takes_it_back() {
    let net = Memory::default();
    let running = host(&net).start().await.unwrap();
    let put = format!("PUT /stack/server/{METHOD}?rate_limit.mode=on&rate_limit.burst=1");
    assert_eq!(ask(&net, &running, &put, HERE, "").await.status, 200);
    assert_eq!(call(&net, &running).await.status, 200);
    assert_eq!(call(&net, &running).await.status, 429);
    let json = stack(&net, &running).await;
    assert_eq!(json["stacks"][0]["methods"][0]["method"], METHOD);
    assert_eq!(ask(&net, &running, "DELETE /stack/server", HERE, "").await.status, 200);
    assert_eq!(call(&net, &running).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_set_changes_nothing_and_says_why() {
    let net = Memory::default();
    let running = host(&net).start().await.unwrap();
    for (request, status, why) in [
        ("PUT /stack/servers?rate_limit.rate=1", 404, "no stack `servers` here, but server"),
        ("PUT /stack/server?rate_limit.rate=no", 400, "give a number"),
        ("PUT /stack/server?rate_limit.burst=0", 400, "would let nothing through"),
        ("PUT /stack/server?rate_limit.rate=1&for=1ms", 400, "is no time from 1s to 168h"),
        ("PUT /stack/server", 400, "`GET /stack` lists the keys"),
        ("PUT /stack/server/no.Such/Method?rate_limit.rate=1", 400, "no method `no.Such/Method`"),
        ("GET /stack/server", 404, "no such page"),
    ] {
        let answer = ask(&net, &running, request, HERE, "").await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
        assert!(answer.body.contains(why), "{request}: {}", answer.body);
    }
    assert_eq!(call(&net, &running).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn code_and_environment_set_it_too_and_what_is_wrong_is_told_at_start() {
    let net = Memory::default();
    let environment = Environment::from_iter([
        ("KITFOX_SERVER_RATE_LIMIT_MODE", "on"),
        ("KITFOX_SERVER_RATE_LIMIT_BURST", "2"),
    ]);
    let running = host(&net)
        .environment(environment)
        .set("server.rate_limit.burst", 1)
        .set_for(METHOD, "principal_rate_limit.mode", "dark")
        .start()
        .await
        .unwrap();
    let json = stack(&net, &running).await;
    let burst = value(&json, "rate_limit", "burst");
    assert_eq!(burst["value"], "2", "the environment is stronger than code");
    assert_eq!(burst["origin"], "variable KITFOX_SERVER_RATE_LIMIT_BURST");

    let environment = Environment::from_iter([("KITFOX_SERVER_RATE_LIMIT_BURST", "0")]);
    let wrong = host(&net)
        .environment(environment)
        .set("server.rate_limit.rat", 1)
        .set("clients.payments.retry.attempts", 1);
    let why = wrong.start().await.unwrap_err().to_string();
    for part in
        ["no key `rat`", "no such client or guard", "a `burst` of 0 would let nothing through"]
    {
        assert!(why.contains(part), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_is_shown_and_set_like_a_client() {
    let net = Memory::default();
    let guard = kitfox::resilience::Guard::<std::io::Error>::new("orders-db");
    let environment = Environment::from_iter([("KITFOX_GUARDS_ORDERS_DB_DEADLINE_TOTAL", "3s")]);
    let running = host(&net)
        .environment(environment)
        .guard(&guard.handle())
        .set("guards.orders-db.breaker.open", "7s")
        .start()
        .await
        .unwrap();
    let settings = guard.handle().settings();
    assert_eq!((settings.deadline.total.as_secs(), settings.breaker.open.as_secs()), (3, 7));
    let put = "PUT /stack/guards.orders-db?switch.mode=off&for=1m";
    assert_eq!(ask(&net, &running, put, HERE, "").await.status, 200);
    assert_eq!(guard.handle().settings().switch.mode, kitfox::resilience::Mode::Off);
    let json = stack(&net, &running).await;
    assert_eq!(json["stacks"][1]["name"], "guards.orders-db");
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(guard.handle().settings().switch.mode, kitfox::resilience::Mode::On);
}

#[tokio::test(start_paused = true)]
async fn code_limits_the_server_while_it_runs_and_the_admin_port_shows_it() {
    let net = Memory::default();
    let host = host(&net);
    let handle = host.handle();
    let change = || Change::new("rate_limit.burst", 1);
    assert_eq!(handle.change([change()]), Err(ChangeError::NotStarted));
    let environment = Environment::from_iter([("KITFOX_SERVER_RATE_LIMIT_BURST", "9")]);
    let running = host.environment(environment).start().await.unwrap();
    running.change([Change::new("rate_limit.mode", "on"), change()]).unwrap();
    assert_eq!(call(&net, &running).await.status, 200);
    assert_eq!(call(&net, &running).await.status, 429);
    let json = stack(&net, &running).await;
    let burst = value(&json, "rate_limit", "burst");
    assert_eq!((&burst["value"], &burst["origin"]), (&"1".into(), &"code".into()));

    let wrong = [Change::new("rate_limit.mode", "off"), Change::new("rate_limit.burst", 0)];
    let error = handle.change(wrong).unwrap_err();
    assert!(matches!(error, ChangeError::Together { .. }), "{error}");
    assert_eq!(call(&net, &running).await.status, 429, "all or nothing");
    let nowhere = handle.change([change().of_method("no.Such/Method")]).unwrap_err();
    assert!(matches!(nowhere, ChangeError::Method { .. }), "{nowhere}");
    let own = Change::new("concurrency.mode", "on").of_method(METHOD);
    handle.change([Change::new("rate_limit.mode", "off"), own]).unwrap();
    assert_eq!(call(&net, &running).await.status, 200);
    let json = stack(&net, &running).await;
    assert_eq!(json["stacks"][0]["methods"][0]["method"], METHOD);
}

#[tokio::test(start_paused = true)]
async fn what_code_changes_of_a_guard_is_shown_and_another_change_keeps_it() {
    let net = Memory::default();
    let guard = kitfox::resilience::Guard::<std::io::Error>::new("orders-db");
    let running = host(&net).guard(&guard.handle()).start().await.unwrap();
    guard.change([Change::new("deadline.total", "3s")]).unwrap();
    let json = stack(&net, &running).await;
    let total = json["stacks"][1]["layers"][1]["keys"].as_array().unwrap();
    let total = total.iter().find(|it| it["key"] == "total").unwrap();
    assert_eq!((&total["value"], &total["origin"]), (&"3s".into(), &"code".into()));
    let put = "PUT /stack/guards.orders-db?breaker.open=7s";
    assert_eq!(ask(&net, &running, put, HERE, "").await.status, 200);
    let settings = guard.handle().settings();
    assert_eq!((settings.deadline.total.as_secs(), settings.breaker.open.as_secs()), (3, 7));

    // Another host has a say in it, too, and takes back nothing.
    let other = host(&net).guard(&guard.handle()).set("guards.orders-db.retry.attempts", 2);
    other.listen("127.0.0.1:0").admin("127.0.0.1:0").start().await.unwrap();
    let settings = guard.handle().settings();
    assert_eq!((settings.deadline.total.as_secs(), settings.breaker.open.as_secs()), (3, 7));
    assert_eq!(settings.retry.attempts, 2);
    assert!(guard.with_settings(Default::default()).is_err(), "there is no way past the host");
}

#[test]
fn without_a_host_what_is_set_for_a_method_that_is_not_served_is_refused_too() {
    let services = Services::new().serve(StringsServer::new(Service));
    let services = services.set_for("strings.v1.Strings/Uppercaes", "rate_limit.mode", "on");
    let wires = services.wires(&Platform::system(), &Limits::default());
    let refused = wires.map(|_| ()).unwrap_err();
    assert!(matches!(refused, ServicesError::Settings(ChangeError::Method { .. })), "{refused}");
}
