//! What the pages of the admin port show, and to whom they show it how.

use std::time::Duration;

use kitfox::stack::Place;
use kitfox::{Layer, Running, layer_fn};
use serde_json::Value;

use super::{HERE, admin, ask, bare, host, json};
use crate::support::http::{Answer, begin_call, read};
use crate::support::memory::Memory;
use crate::support::probe::Probe;

/// A page as a browser gets it.
async fn browse(net: &Memory, running: &Running, path: &str) -> Answer {
    let head = format!("{HERE}accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n");
    ask(net, running, &format!("GET {path}"), &head, "").await
}

#[tokio::test(start_paused = true)]
async fn every_page_is_html_for_a_browser_text_for_a_terminal_and_json_for_a_program() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    for path in ["/", "/readyz", "/stack", "/calls", "/config", "/info", "/log"] {
        let answer = browse(&net, &running, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.starts_with("<!doctype html>"), "{path}");
        for header in [
            "content-type: text/html; charset=utf-8",
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; style-src 'self'",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.head.contains(header), "{path}: {}", answer.head);
        }
        // What the policy would not let through.
        for inline in ["<style", "style=", "<script", "onclick"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
        assert!(json(&net, &running, path).await.is_object(), "{path}");
        let text = admin(&net, &running, &format!("{path}?format=text")).await;
        assert_eq!(text.status, 200, "{path}");
        assert!(!text.body.contains('<'), "{path}: {}", text.body);
    }
    let style = browse(&net, &running, "/style.css").await;
    assert!(style.body.contains("prefers-color-scheme: dark"));
}

#[tokio::test(start_paused = true)]
async fn the_index_tells_at_a_glance_how_it_stands() {
    let net = Memory::default();
    let failing = || async { Err::<(), _>("connection refused") };
    let running = host(&net, &Probe::default()).check("database", failing).start().await.unwrap();
    let mut call = net.dial(running.address()).await.unwrap();
    begin_call(&mut call, "/probe.v1.Probe/Echo", "{}").await;
    assert_eq!(read(&mut call).await.status, 200);
    let mut call = net.dial(running.address()).await.unwrap();
    begin_call(&mut call, "/probe.v1.Probe/Hang", "{}").await;
    tokio::time::sleep(Duration::from_secs(125)).await;
    let mut call = net.dial(running.address()).await.unwrap();
    begin_call(&mut call, "/probe.v1.Probe/Hang", "{}").await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let text = admin(&net, &running, "/").await.body;
    for line in [
        "up for     2 min 6 s\n",
        "phase      serving\n",
        "ready      no: database\n",
        "in flight  1 served, 0 made\n",
        // The other one was not answered within the minute that a call has.
        "calls      2 since the start, 1 of them failed\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    let html = browse(&net, &running, "/").await.body;
    assert!(html.contains("<dd class=\"bad\"><a href=\"/readyz\">no: database</a></dd>"), "{html}");
    let json = json(&net, &running, "/").await;
    assert_eq!(json["calls"]["serving"], 1);
    assert_eq!(json["ready"], false);
}

#[tokio::test(start_paused = true)]
async fn readiness_names_each_check_and_its_state() {
    let net = Memory::default();
    let running = bare(&net)
        .check("cache", || async {})
        .check("database", || async { Err::<(), _>("connection <refused>") })
        .start()
        .await
        .unwrap();
    let answer = browse(&net, &running, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("<td>cache</td><td class=\"good\">holds</td>"));
    let failing = "<td>database</td><td class=\"bad\">connection &lt;refused&gt;</td>";
    assert!(answer.body.contains(failing), "{}", answer.body);
    let json = json(&net, &running, "/readyz").await;
    assert_eq!(json["checks"][0], serde_json::json!({ "name": "cache", "failure": null }));
    assert_eq!(json["checks"][1]["failure"], "connection <refused>");
}

struct Quota;

impl<E: kitfox::Endpoint> Layer<E> for Quota {
    type Endpoint = E;

    fn layer(&self, _: &'static kitfox::Method, inner: E) -> E {
        inner
    }
}

#[tokio::test(start_paused = true)]
async fn the_stack_is_the_onion_of_each_method_with_the_users_layers_in_it() {
    let net = Memory::default();
    let running = host(&net, &Probe::default())
        .layer(Quota)
        .layer(layer_fn(|request, next| async move { next.call(request).await }))
        .set("limits.call_timeout", "7s")
        .start()
        .await
        .unwrap();
    let json = json(&net, &running, "/stack").await;
    assert_eq!(json["methods"][0]["path"], "/probe.v1.Probe/Echo");
    let layers = json["methods"][0]["layers"].as_array().unwrap();
    let layers: Vec<_> = layers.iter().map(|layer| layer.as_str().unwrap()).collect();
    assert_eq!(layers[..5], ["transport limits", "scope", "record", "panic barrier", "deadline"]);
    let own = layers.iter().position(|layer| *layer == "Quota").unwrap();
    assert!(layers[5..own].contains(&"rate limit"), "{layers:?}");
    assert!(layers[own + 1].starts_with("layer_fn in "), "{layers:?}");
    assert_eq!(layers[own + 2..], ["decode"]);

    let text = admin(&net, &running, "/stack").await.body;
    assert!(text.contains("\n        deadline"), "{text}");
    assert!(text.contains("as the caller says, at most 7s (1h for streams)"), "{text}");
    assert!(text.contains("/probe.v1.Probe/Echo  POST /v1/echo\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_authenticates_is_shown_where_it_stands() {
    let net = Memory::default();
    let running = host(&net, &Probe::default())
        .layer(Quota)
        .layer_at(Place::Authentication, Gatekeeper)
        .start()
        .await
        .unwrap();
    let json = json(&net, &running, "/stack").await;
    let layers = json["methods"][0]["layers"].as_array().unwrap();
    let layers: Vec<_> = layers.iter().map(|layer| layer.as_str().unwrap()).collect();
    let limits = ["rate limit", "Gatekeeper", "principal rate limit", "concurrency", "shedding"];
    assert_eq!(layers[5..10], limits);
    assert_eq!(layers[10..], ["idempotency", "Quota", "decode"]);
    let text = admin(&net, &running, "/stack").await.body;
    assert!(text.contains("a layer of this service, before what asks who calls"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_shown_with_their_age_their_deadline_and_where_they_are() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    assert!(admin(&net, &running, "/calls").await.body.contains("No call is in flight."));

    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut old = net.dial(running.address()).await.unwrap();
    begin_call(&mut old, "/probe.v1.Probe/Hang", "{}").await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    let mut young = net.dial(running.address()).await.unwrap();
    let head = format!(
        "POST /probe.v1.Probe/Hang HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         traceparent: 00-{trace}-00f067aa0ba902b7-01\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    tokio::io::AsyncWriteExt::write_all(&mut young, head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;

    let json = json(&net, &running, "/calls").await;
    assert_eq!(json["total"], 2);
    let (old, young) = (&json["calls"][0], &json["calls"][1]);
    assert_eq!(old["method"], "probe.v1.Probe/Hang");
    assert_eq!((&old["side"], &old["wire"]), (&"server".into(), &"connect".into()));
    assert_eq!(old["peer"], "10.0.0.1:50000");
    assert_eq!(old["ageSeconds"].as_f64().unwrap().round(), 15.0);
    assert_eq!(old["remainingSeconds"].as_f64().unwrap().round(), 45.0);
    assert_eq!(young["traceId"], trace);
    assert_eq!(young["ageSeconds"].as_f64().unwrap().round(), 3.0);

    let text = admin(&net, &running, "/calls").await.body;
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("METHOD "), "{text}");
    assert!(lines[2].ends_with(trace), "{text}");
}

/// A layer in which a call waits that says so.
struct Gatekeeper;

struct AtTheGate<E>(E);

impl<E: kitfox::Endpoint> Layer<E> for Gatekeeper {
    type Endpoint = AtTheGate<E>;

    fn layer(&self, _: &'static kitfox::Method, inner: E) -> AtTheGate<E> {
        AtTheGate(inner)
    }
}

impl<E: kitfox::Endpoint> kitfox::Endpoint for AtTheGate<E> {
    async fn call(&self, request: kitfox::Request) -> Result<kitfox::Reply, kitfox::Error> {
        if request.context.metadata().text("x-wait").is_some() {
            std::future::pending::<()>().await;
        }
        self.0.call(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_shown_with_the_layer_they_are_in() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).layer(Quota).layer(Gatekeeper).layer(Quota);
    let running = running.start().await.unwrap();
    let mut waiting = net.dial(running.address()).await.unwrap();
    let head = "POST /probe.v1.Probe/Hang HTTP/1.1\r\nhost: test\r\nx-wait: yes\r\n\
                content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    tokio::io::AsyncWriteExt::write_all(&mut waiting, head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let json = json(&net, &running, "/calls").await;
    let call = &json["calls"][0];
    assert_eq!((&call["stage"], &call["layer"]), (&"layers".into(), &"Gatekeeper".into()));
    let text = admin(&net, &running, "/calls").await.body;
    assert!(text.lines().nth(1).unwrap().contains("  Gatekeeper  "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_configuration_shows_where_values_come_from_and_no_secrets() {
    let net = Memory::default();
    let token = "0123456789abcdef";
    let running = host(&net, &Probe::default())
        .set("admin_token", token)
        .set("log.filter", "warn")
        .start()
        .await
        .unwrap();
    let head = format!("{HERE}authorization: Bearer {token}\r\n");
    for format in ["html", "text", "json"] {
        let line = format!("GET /config?format={format}");
        let answer = ask(&net, &running, &line, &head, "").await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("[secret]"), "{}", answer.body);
        assert!(!answer.body.contains(token), "{}", answer.body);
        if format == "json" {
            let json: Value = serde_json::from_str(&answer.body).unwrap();
            let keys = json["keys"].as_array().unwrap();
            let filter = keys.iter().find(|key| key["key"] == "log.filter").unwrap();
            assert_eq!((&filter["value"], &filter["origin"]), (&"warn".into(), &"code".into()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_are_prometheus_text_and_openmetrics_for_who_accepts_it() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    let mut call = net.dial(running.address()).await.unwrap();
    begin_call(&mut call, "/probe.v1.Probe/Echo", "{}").await;
    read(&mut call).await;
    let answer = admin(&net, &running, "/metrics").await;
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    assert!(answer.body.contains("rpc_server_call_duration_seconds_count{"), "{}", answer.body);
    let head =
        format!("{HERE}accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n");
    let answer = ask(&net, &running, "GET /metrics", &head, "").await;
    let kind = "content-type: application/openmetrics-text; version=1.0.0";
    assert!(answer.head.contains(kind), "{}", answer.head);
    assert!(answer.body.ends_with("# EOF\n"));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_records_nothing_says_so() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).unrecorded().start().await.unwrap();
    assert_eq!(admin(&net, &running, "/").await.status, 200);
    assert!(admin(&net, &running, "/calls").await.body.contains("records no calls"));
    assert_eq!(admin(&net, &running, "/metrics").await.status, 404);
    assert_eq!(admin(&net, &running, "/log").await.status, 404);
}
