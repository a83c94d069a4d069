//! The filter of the log, set while the host runs.

use std::time::Duration;

use kitfox::telemetry::logs::{Format, LogSettings, Logs};
use kitfox::telemetry::{Telemetry, TelemetrySettings};
use kitfox::{Host, Running};
use serde_json::Value;

use super::{HERE, ask, bare, json};
use crate::support::http::Answer;
use crate::support::memory::Memory;

/// A host, and its logs.
fn logging(net: &Memory) -> (Host, Logs) {
    let logs = LogSettings { format: Format::Json, ..LogSettings::default() };
    let telemetry = Telemetry::new(TelemetrySettings { logs, ..TelemetrySettings::default() });
    (bare(net).telemetry(telemetry.clone()), telemetry.logs().clone())
}

async fn put(net: &Memory, running: &Running, query: &str) -> Answer {
    ask(net, running, &format!("PUT /log{query}"), HERE, "").await
}

async fn state(net: &Memory, running: &Running) -> Value {
    json(net, running, "/log").await
}

#[tokio::test(start_paused = true)]
async fn the_filter_is_read_and_set_for_good() {
    let net = Memory::default();
    let (host, logs) = logging(&net);
    let running = host.start().await.unwrap();
    assert_eq!(state(&net, &running).await["filter"], "info");
    let answer = put(&net, &running, "?filter=warn,shop::db=debug").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("filter      warn,shop::db=debug\n"), "{}", answer.body);
    assert_eq!(logs.filter().to_string(), "warn,shop::db=debug");
    tokio::time::sleep(Duration::from_secs(30 * 24 * 3600)).await;
    assert_eq!(logs.filter().to_string(), "warn,shop::db=debug");
    assert_eq!(state(&net, &running).await["revertsTo"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_filter_for_a_while_reverts_to_the_one_that_was_set_for_good() {
    let net = Memory::default();
    let (host, logs) = logging(&net);
    let running = host.start().await.unwrap();
    put(&net, &running, "?filter=debug&for=10m").await;
    tokio::time::sleep(Duration::from_secs(540)).await;
    let json = state(&net, &running).await;
    assert_eq!((&json["filter"], &json["revertsTo"]), (&"debug".into(), &"info".into()));
    assert_eq!(json["revertsInSeconds"].as_f64().unwrap().round(), 60.0);

    // A second while takes the place of the first, whose end means nothing any more.
    put(&net, &running, "?filter=trace&for=5m").await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(logs.filter().to_string(), "trace");
    tokio::time::sleep(Duration::from_secs(181)).await;
    assert_eq!(logs.filter().to_string(), "info");
    assert_eq!(state(&net, &running).await["revertsInSeconds"], Value::Null);

    // What is set for good is not reverted.
    put(&net, &running, "?filter=debug&for=1m").await;
    put(&net, &running, "?filter=error").await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(logs.filter().to_string(), "error");
}

#[tokio::test(start_paused = true)]
async fn a_form_of_a_browser_sets_it_and_comes_back_to_the_page() {
    let net = Memory::default();
    let (host, logs) = logging(&net);
    let running = host.start().await.unwrap();
    let head = "host: localhost:9090\r\norigin: http://localhost:9090\r\naccept: text/html\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    let body = "filter=info%2Cshop%3A%3Adb%3Ddebug&for=";
    let answer = ask(&net, &running, "POST /log", head, body).await;
    assert_eq!(answer.status, 303);
    assert!(answer.head.contains("location: /log"), "{}", answer.head);
    assert_eq!(logs.filter().to_string(), "info,shop::db=debug");
    let page = ask(&net, &running, "GET /log", head, "").await;
    let field = "<input name=\"filter\" value=\"info,shop::db=debug\"";
    assert!(page.body.contains(field), "{}", page.body);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_filter_or_no_time_changes_nothing_and_says_why() {
    let net = Memory::default();
    let (host, logs) = logging(&net);
    let running = host.start().await.unwrap();
    for (query, why) in [
        ("", "give a `filter`, and a time `for` which it shall hold"),
        ("?filter=loud", "the filter stays as it is: `loud` in `loud` is no level"),
        ("?filter=debug&for=soon", "the filter stays as it is: `for=soon` is no time"),
        ("?filter=debug&for=0s", "the filter stays as it is: `for=0s` is no time"),
        ("?filter=debug&for=169h", "the filter stays as it is: `for=169h` is no time"),
    ] {
        let answer = put(&net, &running, query).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.body.starts_with(why), "{query}: {}", answer.body);
    }
    let large = format!("filter={}", "a".repeat(20_000));
    assert_eq!(ask(&net, &running, "PUT /log", HERE, &large).await.status, 400);
    assert_eq!(logs.filter().to_string(), "info");
}

#[tokio::test(start_paused = true)]
async fn every_change_is_logged_with_who_and_what_whatever_the_filter_says() {
    let net = Memory::default();
    let (host, logs) = logging(&net);
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    logs.export(move |line| {
        let fields = line.attributes();
        let fields: Vec<_> = fields.map(|(name, value)| format!("{name}={value:?}")).collect();
        let _ = sender.send(format!("{} {}", line.message, fields.join(" ")));
    });
    let host = host.set("admin_token", "correct-horse-battery-staple");
    let running = host.start().await.unwrap();
    while lines.try_recv().is_ok() {}

    let head = format!("{HERE}authorization: Bearer correct-horse-battery-staple\r\n");
    ask(&net, &running, "PUT /log?filter=off&for=1m", &head, "").await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    let changed = lines.recv().await.unwrap();
    for part in ["the log filter was changed", "10.0.0.1:50000", "the token", "info", "off", "60"] {
        assert!(changed.contains(part), "{part} is not in {changed}");
    }
    let reverted = lines.recv().await.unwrap();
    assert!(reverted.starts_with("the log filter is again what it was"), "{reverted}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_will_revert_does_not_hold_up_the_shutdown() {
    let net = Memory::default();
    let (host, _) = logging(&net);
    let running = host.start().await.unwrap();
    put(&net, &running, "?filter=debug&for=168h").await;
    running.shutdown();
    assert_eq!(running.wait().await, kitfox::Ending::Clean);
}
