//! Requests that are right, on every wire.

use kitfox::message::{Codec, Message};

use super::exchange::{GRPC, JSON, PROTO, Port, frame};
use super::service::{Order, Part};

fn order() -> Order {
    let tags = vec!["a".to_owned(), "b c".to_owned()];
    Order { text: "grün".into(), count: 7, part: Some(Part { id: u64::MAX }), tags }
}

const SAID: &str =
    r#"{"text":"grün","count":7,"part":{"id":"18446744073709551615"},"tags":["a","b c"]}"#;

#[tokio::test(start_paused = true)]
async fn an_order_is_the_same_on_every_wire() {
    let port = Port::start().await;
    for path in ["/wired.v1.Wired/Echo", "/v1/echo"] {
        let answer = port.post(path, JSON, SAID.as_bytes()).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, SAID), "{path}");
        assert_eq!(answer.header("content-type"), JSON, "{path}");
    }
    let bytes = order().encode(Codec::Protobuf).unwrap();
    let answer = port.post("/wired.v1.Wired/Echo", PROTO, &bytes).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, PROTO));
    assert_eq!(answer.body, bytes);
    let answer = port.grpc("Echo", &[], &frame(&bytes)).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "0"));
    assert_eq!((answer.header("content-type"), &answer.body), (GRPC, &frame(&bytes)));
}

#[tokio::test(start_paused = true)]
async fn rest_takes_values_from_path_query_and_body() {
    let port = Port::start().await;
    let get = |path: &'static str| port.http1(path, &[], b"");
    let answer =
        get("GET /v1/echo/gr%C3%BCn?count=7&part.id=18446744073709551615&tags=a&tags=b+c").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, SAID));
    let said = br#"{"text":"x","count":1,"part":{"id":"1"}}"#;
    let put =
        port.http1("PUT /v1/parts/9?count=2&part.id=3", &["content-type: application/json"], said);
    let answer = put.await;
    let expected = r#"{"text":"x","count":2,"part":{"id":"9"}}"#;
    assert_eq!((answer.status, answer.text().as_str()), (200, expected), "path, query, body");
    let answer = get("PUT /v1/parts/9").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"part":{"id":"9"}}"#));
}

#[tokio::test(start_paused = true)]
async fn a_domain_error_is_itself_on_every_wire() {
    let port = Port::start().await;
    let said = br#"{"count":40}"#;
    let connect = port.post("/wired.v1.Wired/Fail", JSON, said).await;
    let json: serde_json::Value = serde_json::from_slice(&connect.body).unwrap();
    assert_eq!((connect.status, &json["code"]), (429, &"resource_exhausted".into()));
    assert_eq!(json["message"], "all 40 places are taken");
    assert_eq!(json["details"][0]["type"], "google.rpc.ErrorInfo");
    assert_eq!(json["details"][0]["debug"]["reason"], "FULL");

    let rest = port.post("/v1/fail", JSON, said).await;
    let json: serde_json::Value = serde_json::from_slice(&rest.body).unwrap();
    assert_eq!((rest.status, rest.header("content-type")), (429, "application/problem+json"));
    assert_eq!(json["status"], 429);
    assert_eq!(json["title"], "Too Many Requests");
    assert_eq!(json["detail"], "all 40 places are taken");
    assert_eq!((&json["reason"], &json["domain"]), (&"FULL".into(), &"wired.v1".into()));
    assert_eq!(json["details"][1]["type"], "wired.v1.Full");
    assert_eq!(json["details"][1]["debug"]["places"], 40);

    let order = Order { count: 40, text: String::new(), part: None, tags: Vec::new() };
    let bytes = order.encode(Codec::Protobuf).unwrap();
    let grpc = port.grpc("Fail", &[], &frame(&bytes)).await;
    assert_eq!((grpc.status, grpc.header("grpc-status")), (200, "8"));
    assert_eq!(grpc.header("grpc-message"), "all 40 places are taken");
    assert!(!grpc.header("grpc-status-details-bin").is_empty());
}
