//! Calls that are made twice.

use kitfox::contract::Idempotency as Promise;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox::{Code, Context, Error, Origin, Recovery, layer_fn};

use super::till::{Payment, Shop, Till, TillClient, WAYS, reason};

async fn open() -> Shop {
    Shop::open(|host| host).await
}

#[tokio::test(start_paused = true)]
async fn a_repeated_call_gets_the_first_answer_on_every_wire() {
    let shop = open().await;
    for (index, way) in WAYS.into_iter().enumerate() {
        let client = shop.client(way);
        let cx = Context::background().with_idempotency_key(format!("k-{index}"));
        let first = client.pay(&cx, Payment { amount: 1 });
        let (first, second) = tokio::join!(first, client.pay(&cx, Payment { amount: 1 }));
        let first = first.unwrap();
        assert_eq!(second.unwrap(), first, "{way:?}: the second waits for the first");
        assert_eq!(client.pay(&cx, Payment { amount: 1 }).await.unwrap(), first, "{way:?}");
        assert_eq!(shop.payments(), index + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn over_rest_the_key_is_a_header_and_the_answer_says_that_it_is_an_old_one() {
    let shop = open().await;
    let key = "idempotency-key: k-1\r\n";
    let first = shop.post(key, r#"{"amount":1}"#).await;
    let second = shop.post(key, r#"{"amount":1}"#).await;
    assert_eq!((first.status, &first.body), (200, &second.body));
    assert!(!first.head.contains("idempotency-replayed"));
    assert!(second.head.contains("\r\nidempotency-replayed: true\r\n"), "{}", second.head);
    let other = shop.post(key, r#"{"amount":2}"#).await;
    assert_eq!(other.status, 400);
    assert!(other.body.contains("KEY_REUSED"), "{}", other.body);
    assert_eq!(shop.payments(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_used_for_another_request_is_an_error_on_every_wire() {
    let shop = open().await;
    let cx = Context::background().with_idempotency_key("k-1");
    shop.client(WAYS[0]).pay(&cx, Payment { amount: 1 }).await.unwrap();
    for way in WAYS {
        let error = shop.client(way).pay(&cx, Payment { amount: 2 }).await.unwrap_err();
        assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, "KEY_REUSED"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_is_made_again_with_its_key_and_done_once() {
    let shop = open().await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let loses_the_first_answer = layer_fn(move |request, next| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            let answer = next.call(request).await;
            match number {
                0 => Err(Error::new(Code::Unavailable, "the connection broke")
                    .with_origin(Origin::Transport)
                    .with_recovery(Recovery::Retry)),
                _ => answer,
            }
        }
    });
    let client = shop.stacked(loses_the_first_answer);
    let first = client.pay(&Context::background(), Payment { amount: 1 }).await.unwrap();
    assert_eq!((first.number, attempts.load(Ordering::SeqCst), shop.payments()), (1, 2, 1));
    let second = client.pay(&Context::background(), Payment { amount: 1 }).await.unwrap();
    assert_eq!((second.number, shop.payments()), (2, 2), "another call has another key");
}

#[test]
fn the_contract_says_which_methods_ask_for_a_key() {
    let [pay, watch] = TillClient::CONTRACT.methods else { panic!("two methods") };
    assert_eq!((pay.idempotency, watch.idempotency), (Promise::Keyed, Promise::None));
    let openapi = kitfox::contract::openapi("till", "1", &[TillClient::CONTRACT]).unwrap();
    let openapi: serde_json::Value = serde_json::from_str(&openapi).unwrap();
    let parameter = &openapi["paths"]["/v1/payments"]["post"]["parameters"][0];
    assert_eq!(
        (&parameter["name"], &parameter["in"]),
        (&"Idempotency-Key".into(), &"header".into())
    );
    let lock = kitfox::contract::lock(&[TillClient::CONTRACT]).unwrap();
    assert!(lock.contains("\n  idempotency_key\n"), "{lock}");
    let proto = kitfox::contract::proto(&[TillClient::CONTRACT]).unwrap();
    assert!(proto.iter().all(|file| !file.text.contains("idempotency_level")));
}
