//! The admin port.

use std::time::Duration;

use super::{admin, bare, host};
use crate::support::http::send;
use crate::support::memory::Memory;
use crate::support::probe::Probe;

#[tokio::test(start_paused = true)]
async fn info_tells_what_runs() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).version("1.2.3").start().await.unwrap();
    tokio::time::sleep(Duration::from_secs(90)).await;
    let answer = admin(&net, &running, "/info").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    let info: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(info["name"], "probe");
    assert_eq!(info["version"], "1.2.3");
    assert_eq!(info["uptimeSeconds"], 90);
    assert_eq!(info["services"][0]["name"], "probe.v1.Probe");
    let method = &info["services"][0]["methods"][0];
    assert_eq!(method["path"], "/probe.v1.Probe/Echo");
    assert_eq!(method["routes"][0], "POST /v1/echo");
}

#[tokio::test(start_paused = true)]
async fn the_index_and_a_missing_page_name_what_exists() {
    let net = Memory::default();
    let running = bare(&net).start().await.unwrap();
    for (path, status) in [("/", 200), ("/nothing", 404)] {
        let answer = admin(&net, &running, path).await;
        assert_eq!(answer.status, status);
        for page in ["/healthz", "/readyz", "/info"] {
            assert!(answer.body.contains(page), "{}", answer.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn head_is_get_without_a_body_and_nothing_else_is_allowed() {
    let net = Memory::default();
    let running = bare(&net).start().await.unwrap();
    let mut connection = net.dial(running.admin_address()).await.unwrap();
    let answer = send(&mut connection, "HEAD", "/healthz").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(answer.head.contains("content-length: 6"), "{}", answer.head);
    for method in ["POST", "DELETE", "OPTIONS"] {
        let mut connection = net.dial(running.admin_address()).await.unwrap();
        let answer = send(&mut connection, method, "/healthz").await;
        assert_eq!(answer.status, 405);
        assert!(answer.head.contains("allow: get, head"), "{}", answer.head);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_check_is_named_and_the_process_is_alive_all_the_same() {
    let net = Memory::default();
    let running = bare(&net)
        .check("fine", || async {})
        .check("database", || async { Err::<(), _>("connection refused") })
        .check("cache", std::future::pending::<()>)
        .check("queue", broken)
        .start()
        .await
        .unwrap();
    let answer = admin(&net, &running, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.body,
        "check `database` fails: connection refused\n\
         check `cache` fails: no answer within 900ms\n\
         check `queue` fails: it panicked: on purpose\n"
    );
    assert_eq!(admin(&net, &running, "/healthz").await.status, 200);
}

async fn broken() {
    panic!("on purpose");
}
