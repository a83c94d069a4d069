//! Too many calls in a time.

use std::time::Duration;

use kitfox::{Code, Context, Error, Origin, Recovery};

use super::till::{Payment, Receipt, Shop, Till, WAYS, reason};

/// One call at once, and another ten seconds later.
async fn limited() -> Shop {
    let shop = Shop::open(|host| {
        let host = host.set("server.rate_limit.mode", "on").set("server.rate_limit.key", "all");
        host.set("server.rate_limit.rate", "0.1").set("server.rate_limit.burst", "1")
    });
    let shop = shop.await;
    assert_eq!(shop.post("", r#"{"amount":1}"#).await.status, 200);
    shop
}

fn header(error: &Error, name: &str) -> String {
    let metadata = error.metadata().unwrap();
    let text = metadata.headers.text(name).or_else(|| metadata.trailers.text(name));
    text.unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn limited_is_resource_exhausted_with_its_reason_and_its_time_on_every_wire() {
    let shop = limited().await;
    for way in WAYS {
        let error = shop.client(way).pay(&Context::background(), Payment { amount: 1 }).await;
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.origin()), (Code::ResourceExhausted, Origin::Peer));
        assert_eq!(reason(&error), "RATE_LIMITED", "{way:?}");
        let Recovery::After(pause) = error.recovery() else { panic!("{way:?}: {error:?}") };
        assert!(pause > Duration::from_secs(9) && pause <= Duration::from_secs(10), "{pause:?}");
        assert_eq!(header(&error, "ratelimit-policy"), "\"default\";q=1;w=10", "{way:?}");
        assert!(header(&error, "ratelimit").starts_with("\"default\";r=0;t="), "{way:?}");
    }
    assert_eq!(shop.payments(), 1);
}

#[tokio::test(start_paused = true)]
async fn limited_is_429_over_rest_and_connect_and_the_call_is_not_even_decoded() {
    let shop = limited().await;
    for body in [r#"{"amount":1}"#, "{garbage"] {
        let answer = shop.post("", body).await;
        assert_eq!(answer.status, 429, "{body}");
        assert!(answer.head.contains("\r\nretry-after: 10\r\n"), "{}", answer.head);
        assert!(answer.head.contains("\r\nratelimit: \"default\";r=0;t=10"), "{}", answer.head);
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["code"], "resource_exhausted");
        assert!(answer.body.contains("RATE_LIMITED"), "{}", answer.body);
    }
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(shop.post("", "{garbage").await.status, 400, "not limited it is decoded");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_of_a_client_share_the_limit() {
    let shop = limited().await;
    tokio::time::advance(Duration::from_secs(60)).await;
    let client = shop.client(WAYS[2]);
    let mut paid = Vec::new();
    for _ in 0..1_000 {
        let client = client.clone();
        paid.extend(client.pay(&Context::background(), Payment { amount: 1 }).await);
    }
    let Some(Receipt { number: 2 }) = paid.first() else { panic!("{} paid", paid.len()) };
    // 100 ms each for those that pass, and nothing for the others.
    assert_eq!(paid.len(), 1);
}
