//! What a client's layer adds to each attempt.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kitfox::discovery::Instance;
use kitfox::stack::Place;
use kitfox::{BoxEndpoint, Code, Context, Error, Layer, Protocol, Recovery, Request, layer_fn};

use super::service::{
    Fleet, Mood, Payments, PaymentsClient, PaymentsServer, Replica, amount, host,
};

/// What came with each call, before the method: token and tenant.
type Seen = Arc<Mutex<Vec<(Option<String>, Option<String>)>>>;

/// Keeps what came with each call, and has the first one tried again.
fn authentication(seen: &Seen) -> impl Layer<BoxEndpoint> + Send + Sync + use<> {
    let seen = Arc::clone(seen);
    layer_fn(move |request: Request, next| {
        let header = |name| request.context.metadata().text(name).map(str::to_owned);
        let mut seen = seen.lock().unwrap();
        seen.push((header("authorization"), header("x-tenant")));
        let first = seen.len() == 1;
        async move {
            if first {
                let error = Error::by_layer("authentication", Code::Unavailable, "no keys yet");
                return Err(error.with_recovery(Recovery::Retry));
            }
            next.call(request).await
        }
    })
}

/// Adds another token to each attempt.
fn credentials() -> impl Layer<BoxEndpoint> + Send + Sync {
    let made = AtomicUsize::new(0);
    layer_fn(move |mut request: Request, next| {
        let token = format!("Bearer {}", made.fetch_add(1, Ordering::SeqCst));
        let context = request.context.with_header("authorization", &token);
        async move {
            request.context = context?;
            next.call(request).await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn credentials_that_a_clients_layer_adds_are_made_anew_for_each_attempt() {
    for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
        let (fleet, seen) = (Fleet::of(&[]).await, Seen::default());
        let payments =
            host(&fleet.net, "payments").serve(PaymentsServer::new(Replica::new(Mood::Well)));
        let payments = payments.layer_at(Place::Authentication, authentication(&seen));
        let running = payments.start().await.unwrap();
        fleet.registry.set("payments", [Instance::new(running.address().to_string())]);

        let channel = fleet.channel().http(move |replica| replica.protocol(protocol));
        let channel = channel.layer(credentials()).build().unwrap();
        let cx = Context::background().with_header("x-tenant", "blue").unwrap();
        let cx = cx.with_header("authorization", "whose?").unwrap();
        PaymentsClient::new(&channel).quote(&cx, amount()).await.unwrap();
        let with = |token: &str| (Some(token.to_owned()), Some("blue".to_owned()));
        assert_eq!(*seen.lock().unwrap(), [with("Bearer 0"), with("Bearer 1")], "{protocol:?}");
    }
}

/// Says that the first six calls are of one tenant, and the others of another.
fn tenants() -> impl Layer<BoxEndpoint> + Send + Sync {
    let made = AtomicUsize::new(0);
    layer_fn(move |mut request: Request, next| {
        let tenant = if made.fetch_add(1, Ordering::SeqCst) < 6 { "blue" } else { "red" };
        let context = request.context.with_header("x-tenant", tenant);
        async move {
            request.context = context?;
            next.call(request).await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_header_that_a_clients_layer_adds_says_whose_limit_holds_and_which_replica_is_asked() {
    let fleet = Fleet::of(&[Mood::Well; 5]).await;
    let channel = fleet.channel().layer(tenants());
    let channel = channel
        .set("rate_limit.mode", "on")
        .set("rate_limit.key", "header:x-tenant")
        .set("rate_limit.burst", 5)
        .set("balance.policy", "hash")
        .set("balance.hash_by", "header:X-Tenant");
    let channel = channel.build().unwrap();
    let client = PaymentsClient::new(&channel);
    let cx = Context::background().with_header("x-tenant", "green").unwrap();
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(client.charge(&cx, amount()).await.is_ok());
    }
    let five_of_six = [true, true, true, true, true, false];
    assert_eq!(answers, [five_of_six, five_of_six].concat(), "each tenant has a limit of its own");
    let calls = fleet.calls();
    assert!(calls.iter().all(|calls| calls % 5 == 0), "a tenant has a replica: {calls:?}");
}
