//! What a failing service is sent by a chain of callers that all try again: `cargo test -p
//! kitfox-resilience --test amplification -- --nocapture` prints it at each depth.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use kitfox_core::contract::{Idempotency, Method};
use kitfox_core::message::Codec;
use kitfox_core::platform::{Random, Tcp};
use kitfox_core::{
    BoxEndpoint, Code, Context, Endpoint, Error, Incoming, Layer, Origin, Payload, Platform,
    Recovery, Reply, Request, layer_fn,
};
use kitfox_resilience::{Budget, BudgetSettings, Live, Mode, Retry, RetrySettings};
use tokio::time::{Instant, sleep, sleep_until};

static METHOD: Method = Method {
    idempotency: Idempotency::Idempotent,
    ..Method::unary("payments.v1.Payments", "Charge", "/payments.v1.Payments/Charge")
};

/// Calls a second, by one caller.
const RATE: u32 = 1_000;

const DEPTH: usize = 3;

/// What keeps a chain from multiplying its attempts.
#[derive(Clone, Copy)]
struct Kept {
    mark: bool,
    budget: bool,
}

/// The last service, of which every replica fails.
struct Failing;

impl Endpoint for Failing {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        sleep(Duration::from_millis(5)).await;
        Err(Error::new(Code::Unavailable, "overloaded").with_recovery(Recovery::Retry))
    }
}

/// What a call goes through on its way to `service`: the caller's stack, the service's count of what
/// it is sent, and the wire.
fn called(service: BoxEndpoint, sent: Arc<AtomicU64>, kept: Kept) -> BoxEndpoint {
    let wire = layer_fn(move |request: Request, next| {
        sent.fetch_add(1, Ordering::Relaxed);
        async move { next.call(request).await.map_err(|error| over_the_wire(error, kept)) }
    });
    let budget = BudgetSettings {
        mode: if kept.budget { Mode::On } else { Mode::Off },
        floor: 0.0,
        ..BudgetSettings::default()
    };
    let budget = Budget::new(Live::new(budget));
    let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
    let service = wire.layer(&METHOD, service);
    BoxEndpoint::new(budget.layer(&METHOD, retry.layer(&METHOD, service)))
}

/// A service answers with what became of the call that it made, and its caller reads that. What the
/// wires make of a recovery is `kitfox_transport`'s, and tested there.
fn over_the_wire(error: Error, kept: Kept) -> Error {
    let answer = error.into_answer();
    let recovery = match answer.recovery() {
        Recovery::Exhausted if !kept.mark => Recovery::Retry,
        recovery => recovery,
    };
    Error::new(answer.code(), answer.message().to_owned())
        .with_origin(Origin::Peer)
        .with_recovery(recovery)
}

/// A service that makes one call for each that it gets.
fn relaying(next: BoxEndpoint) -> BoxEndpoint {
    let relay = layer_fn(|request: Request, next| async move {
        next.call(Request::new(request.context.outgoing(), request.payload)).await
    });
    BoxEndpoint::new(relay.layer(&METHOD, next))
}

/// How many times its normal load each service is sent, the first one first.
async fn load(kept: Kept, seconds: u32) -> [f64; DEPTH] {
    let sent: [Arc<AtomicU64>; DEPTH] = Default::default();
    let mut chain = BoxEndpoint::new(Failing);
    for (depth, sent) in sent.iter().enumerate().rev() {
        chain = called(chain, Arc::clone(sent), kept);
        if depth > 0 {
            chain = relaying(chain);
        }
    }
    let platform = Platform::new(Tcp, Random::seeded(6));
    let start = Instant::now();
    let calls = (0..RATE * seconds).map(|call| {
        let (chain, platform) = (chain.clone(), Some(platform.clone()));
        async move {
            sleep_until(start + Duration::from_secs(1) / RATE * call).await;
            let context = Context::incoming(Incoming { platform, ..Incoming::default() });
            let payload = Payload::unary(Codec::Json, "{}".into());
            chain.call(Request::new(context, payload)).await.expect_err("it fails")
        }
    });
    join_all(calls).await;
    let normal = f64::from(RATE * seconds);
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand calls")]
    sent.map(|sent| sent.load(Ordering::Relaxed) as f64 / normal)
}

#[tokio::test(start_paused = true)]
async fn a_chain_three_calls_deep_sends_at_most_a_fifth_more_to_the_service_that_fails() {
    println!("times the normal load           service 1  service 2  service 3 (fails)");
    let mut loads = Vec::new();
    for (name, mark, budget, seconds) in [
        ("with the mark and the budget", true, true, 15),
        ("without the mark", false, true, 15),
        ("without the budget", true, false, 1),
        ("without either", false, false, 1),
    ] {
        let load = load(Kept { mark, budget }, seconds).await;
        println!("{name:<30} {:>10.2} {:>10.2} {:>10.2}", load[0], load[1], load[2]);
        loads.push(load);
    }
    let last = DEPTH - 1;
    assert!(loads[0][last] <= 1.2, "{:?}", loads[0]);
    assert!(loads[0][last] > 1.1, "the budget is there to be spent: {:?}", loads[0]);
    assert!(loads[0][..last].iter().all(|load| *load <= 1.0), "{:?}", loads[0]);
    // What each of the two is worth, so that this cannot pass for another reason.
    assert!(loads[1][last] > 1.25, "{:?}", loads[1]);
    assert!(loads[2][last] > 2.9, "{:?}", loads[2]);
    assert!(loads[3][last] > 26.0, "{:?}", loads[3]);
}
