//! The configuration is read again while the host runs.

use std::time::Duration;

use futures_util::stream::poll_fn;
use kitfox::config::Environment;
use kitfox::resilience::Guard;
use kitfox::stack::Change;
use kitfox::{Host, ReloadError, Running};
use serde_json::Value;
use strings::{Service, StringsServer};

use super::logs::Taking;
use super::{File, HERE, ask, bare, json};
use crate::support::memory::Memory;

const METHOD: &str = "strings.v1.Strings/Uppercase";

fn host(net: &Memory, file: &File) -> Host {
    bare(net).serve(StringsServer::new(Service)).config_file(&file.0)
}

/// The line of `log` with this message.
async fn line(log: &Taking, message: &str) -> Value {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut lines = log.lines();
    lines.retain(|line| line["message"].as_str().is_some_and(|it| it.starts_with(message)));
    lines.pop().expect("a line")
}

/// A value of the server's stack, of all methods or of the one, and who set it.
async fn value(net: &Memory, running: &Running, layer: &str, key: &str) -> (String, String) {
    let server = &json(net, running, "/stack").await["stacks"][0];
    let own = server["methods"].as_array().unwrap().iter().map(|own| &own["layer"]);
    let layers = own.chain(server["layers"].as_array().unwrap());
    let found = layers
        .filter(|it| it["layer"] == layer)
        .flat_map(|layer| layer["keys"].as_array().unwrap().iter().filter(|it| it["key"] == key));
    let found = found.clone().next().expect("a key");
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (text("value"), text("origin"))
}

#[tokio::test(start_paused = true)]
async fn the_file_is_read_again_and_every_source_keeps_its_place() {
    let net = Memory::default();
    let guard = Guard::<std::io::Error>::new("orders-db");
    let file = File::new("reload.toml", "[server.rate_limit]\nrate = 10\nburst = 10\n");
    let environment = Environment::from_iter([("KITFOX_SERVER_RATE_LIMIT_KEY", "method")]);
    let running = host(&net, &file)
        .environment(environment)
        .guard(&guard.handle())
        .set("server.shedding.target", "7ms")
        .start()
        .await
        .unwrap();
    running.change([Change::new("idempotency.ttl", "9s")]).unwrap();
    let put = "PUT /stack/server?concurrency.limit=77";
    assert_eq!(ask(&net, &running, put, HERE, "").await.status, 200);
    file.write(&format!(
        "[server.rate_limit]\nrate = 20\nkey = \"peer\"\n[server.shedding]\ntarget = \"8ms\"\n\
         [server.idempotency]\nttl = \"8s\"\n[server.concurrency]\nlimit = 66\n\
         [server.methods.\"{METHOD}\".principal_rate_limit]\nburst = 3\n\
         [guards.orders-db.deadline]\ntotal = \"3s\"\n"
    ));
    assert!(running.reload().await.unwrap().needs_restart.is_empty());
    let path = file.0.display();
    for (layer, key, expected, by) in [
        ("rate_limit", "rate", "20", format!("{path}:2")),
        ("rate_limit", "burst", "20", String::new()),
        ("rate_limit", "key", "method", "variable KITFOX_SERVER_RATE_LIMIT_KEY".to_owned()),
        ("shedding", "target", "8ms", format!("{path}:5")),
        ("idempotency", "ttl", "9s", "code".to_owned()),
        ("principal_rate_limit", "burst", "3", format!("{path}:11")),
    ] {
        assert_eq!(value(&net, &running, layer, key).await, (expected.to_owned(), by), "{key}");
    }
    let (limit, by) = value(&net, &running, "concurrency", "limit").await;
    assert!(limit == "77" && by.starts_with("admin port, by "), "{limit} {by}");
    assert_eq!(guard.handle().settings().deadline.total, Duration::from_secs(3));

    file.write("");
    running.reload().await.unwrap();
    assert_eq!(
        value(&net, &running, "rate_limit", "rate").await.0,
        "100",
        "nobody says it any more"
    );
    assert_eq!(value(&net, &running, "shedding", "target").await.1, "code");
}

#[tokio::test(start_paused = true)]
async fn where_something_is_wrong_nothing_is_changed_and_it_is_told_and_shown() {
    let net = Memory::default();
    let guard = Guard::<std::io::Error>::new("orders-db");
    let file = File::new("wrong-reload.toml", "[server.rate_limit]\nrate = 10\n");
    let log = Taking::default();
    let running =
        host(&net, &file).log_to(log.clone()).guard(&guard.handle()).start().await.unwrap();
    file.write(
        "listen = 7\n[server.rate_limit]\nrate = 20\n[guards.orders-db.deadline]\ntotal = \"3s\"\n\
         [guards.orders-db.retry]\nattempts = 0\n[clients.payments.retry]\nattempts = 1\n",
    );
    let ReloadError::Config(error) = running.reload().await.unwrap_err() else {
        panic!("a config")
    };
    assert_eq!(error.problems().len(), 3, "{error}");
    let line = line(&log, "the configuration cannot be read again, and stays as it is").await;
    assert_eq!((&line["by"], &line["error"]), (&"code".into(), &error.to_string().into()));
    assert_eq!(value(&net, &running, "rate_limit", "rate").await.0, "10");
    assert_eq!(guard.handle().settings(), Default::default());
    let shown = ask(&net, &running, "GET /config", HERE, "").await.body;
    assert!(shown.contains("not read again"), "{shown}");
    assert!(shown.contains("retry: 0 `attempts`"), "{shown}");

    std::fs::remove_file(&file.0).unwrap();
    let error = running.reload().await.unwrap_err().to_string();
    assert!(error.contains("the file cannot be read"), "{error}");
    assert_eq!(value(&net, &running, "rate_limit", "rate").await.0, "10");
}

#[tokio::test(start_paused = true)]
async fn the_admin_port_has_it_read_again_and_says_what_needs_a_restart() {
    let net = Memory::default();
    let file = File::new("admin-reload.toml", "");
    let log = Taking::default();
    let running = host(&net, &file).log_to(log.clone()).start().await.unwrap();
    file.write(
        "limits.streams = 3\nadmin_token = \"0123456789abcdef\"\n[server.rate_limit]\nrate = 20\n",
    );
    let answer = ask(&net, &running, "POST /reload?format=json", HERE, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json: Value = serde_json::from_str(&answer.body).unwrap();
    let needs = serde_json::json!(["admin_token", "limits.streams"]);
    assert_eq!(json["reload"]["needsRestart"], needs);
    assert!(json["reload"]["by"].as_str().unwrap().starts_with("the admin port, "), "{json}");
    assert_eq!(value(&net, &running, "rate_limit", "rate").await.0, "20");
    let line = line(&log, "these keys have other values now, which need a restart").await;
    assert_eq!(line["keys"], "admin_token, limits.streams");

    file.write("server.rate_limit.rate = \"fast\"\n");
    let answer = ask(&net, &running, "POST /reload", HERE, "").await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.starts_with("nothing is changed: "), "{}", answer.body);
    assert_eq!(ask(&net, &running, "GET /reload", HERE, "").await.status, 405);
    let foreign = format!("{HERE}origin: http://evil.example\r\n");
    assert_eq!(ask(&net, &running, "POST /reload", &foreign, "").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_has_it_read_again_and_ends_nothing() {
    let net = Memory::default();
    let file = File::new("signal-reload.toml", "");
    let host = host(&net, &file);
    let handle = host.handle();
    assert_eq!(handle.reload().await, Err(ReloadError::NotStarted));
    let guard = Guard::<std::io::Error>::new("orders-db");
    let running = host.guard(&guard.handle()).start().await.unwrap();
    file.write("guards.orders-db.deadline.total = \"3s\"\n");
    let (signals, mut next) = tokio::sync::mpsc::channel(1);
    let run = running.run_with_signals(poll_fn(|cx| next.poll_recv(cx)));
    let tell = async {
        signals.send("SIGHUP").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(guard.handle().settings().deadline.total, Duration::from_secs(3));
        assert_eq!(handle.phase(), kitfox::Phase::Serving);
        signals.send("SIGTERM").await.unwrap();
    };
    let (ended, ()) = tokio::join!(run, tell);
    ended.unwrap();
}
