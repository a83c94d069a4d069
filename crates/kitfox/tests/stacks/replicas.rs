//! What becomes of calls when replicas fail.

use kitfox::{Code, Context, Origin, Recovery};

use super::service::{Fleet, Mood, Payments, PaymentsClient, PaymentsError, amount};

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_is_made_again_at_another_replica() {
    let fleet = Fleet::of(&[Mood::Unavailable, Mood::Well, Mood::Well]).await;
    let client = PaymentsClient::new(&fleet.channel().build().unwrap());
    for _ in 0..200 {
        let answer = client.quote(&Context::background(), amount()).await;
        assert!(answer.is_ok(), "{:?}", answer.err());
    }
    assert!(fleet.calls()[0] > 0, "it was tried: {:?}", fleet.calls());
    let sick = fleet.calls()[0];
    assert!(sick < 40, "and then left out: {:?}", fleet.calls());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idempotent_is_sent_once_and_what_failed_everywhere_is_marked() {
    let fleet = Fleet::of(&[Mood::Unavailable, Mood::Unavailable]).await;
    let client = PaymentsClient::new(&fleet.channel().build().unwrap());
    let Err(PaymentsError::Call(error)) = client.charge(&Context::background(), amount()).await
    else {
        panic!("nobody could answer it");
    };
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(fleet.calls().iter().sum::<usize>(), 1);

    let Err(PaymentsError::Call(error)) = client.quote(&Context::background(), amount()).await
    else {
        panic!("nobody could answer it");
    };
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Exhausted));
    assert_eq!(fleet.calls().iter().sum::<usize>(), 4, "three attempts more");
    assert!(fleet.calls().iter().all(|calls| *calls > 0), "{:?}", fleet.calls());
}

#[tokio::test(start_paused = true)]
async fn a_business_error_opens_no_breaker_and_ejects_no_replica() {
    let fleet = Fleet::of(&[Mood::Declining, Mood::Declining]).await;
    let channel = fleet.channel().build().unwrap();
    let client = PaymentsClient::new(&channel);
    for _ in 0..100 {
        let answer = client.charge(&Context::background(), amount()).await;
        assert!(matches!(answer, Err(PaymentsError::Declined)));
    }
    assert_eq!(fleet.calls().iter().sum::<usize>(), 100, "each was sent, and sent once");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_left_alone_and_the_refusal_says_so() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let channel = fleet.channel().set("retry.mode", "off").build().unwrap();
    let client = PaymentsClient::new(&channel);
    for _ in 0..20 {
        let _ = client.charge(&Context::background(), amount()).await;
    }
    let Err(PaymentsError::Call(error)) = client.charge(&Context::background(), amount()).await
    else {
        panic!("the breaker is open");
    };
    assert_eq!(error.origin(), Origin::Layer("breaker"));
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(fleet.calls(), [20]);
}

#[tokio::test(start_paused = true)]
async fn a_layer_of_the_users_sees_each_attempt() {
    let fleet = Fleet::of(&[Mood::Unavailable, Mood::Unavailable]).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let layer = kitfox::layer_fn(move |request, next| {
        let tell = tell.clone();
        async move {
            tell.send(request.context.attempt()).unwrap();
            next.call(request).await
        }
    });
    let client = PaymentsClient::new(&fleet.channel().layer(layer).build().unwrap());
    let _ = client.quote(&Context::background(), amount()).await;
    drop(client);
    let mut attempts = Vec::new();
    while let Ok(attempt) = told.try_recv() {
        attempts.push(attempt);
    }
    assert_eq!(attempts, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_of_a_client_share_one_limit() {
    let fleet = Fleet::of(&[Mood::Well]).await;
    let channel = fleet.channel().set("rate_limit.mode", "on").set("rate_limit.burst", 5);
    let channel = channel.set("retry.mode", "off").build().unwrap();
    let mut answered = 0;
    for _ in 0..1_000 {
        let client = PaymentsClient::new(&channel.clone());
        answered += usize::from(client.quote(&Context::background(), amount()).await.is_ok());
    }
    assert_eq!(answered, 5);
}
