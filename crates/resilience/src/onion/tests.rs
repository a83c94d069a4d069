//! The short way and the long one do the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox_core::message::Codec;
use kitfox_core::{Code, Error, MessageStream, Origin, Payload, Recovery};
use tokio::time::{advance, timeout};

use super::*;
use crate::testing::{
    IDEMPOTENT, METHOD, SAFE, STREAM, context, endpoint, reason, reply, request, unavailable,
};
use crate::{BreakerSettings, DeadlineSettings, Live, Mode};

/// What the service does with the attempt of this number.
type Service = fn(usize) -> Act;

enum Act {
    Answer,
    Stream,
    Fail(Error),
    Hang,
}

/// One client, whose calls go the one way or the other.
struct Rig {
    layers: ClientLayers,
    endpoint: BoxEndpoint,
    attempts: Arc<AtomicUsize>,
}

impl Rig {
    fn new(short: bool, method: &'static Method, service: Service) -> Self {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&attempts);
        let send = endpoint(move |_| {
            let act = service(counter.fetch_add(1, Ordering::Relaxed));
            async {
                match act {
                    Act::Answer => Ok(reply()),
                    Act::Stream => {
                        let messages = MessageStream::once("{}".into());
                        Ok(Reply::new(Payload::stream(Codec::Json, messages)))
                    }
                    Act::Fail(error) => Err(error),
                    Act::Hang => std::future::pending().await,
                }
            }
        });
        let deadline = DeadlineSettings { total: Duration::from_secs(2), ..Default::default() };
        let breaker = BreakerSettings { consecutive: 12, ..Default::default() };
        let budget = Budget::new(Live::default());
        let layers = ClientLayers {
            deadlines: Deadlines::new(Live::new(deadline)),
            retry: Retry::new(Live::default(), budget.clone()),
            hedge: Hedge::new(Live::default(), budget.clone()),
            breaker: Breaker::new(Live::new(breaker)),
            rate_limit: RateLimit::new(Live::default()),
            budget,
        };
        let endpoint = match short {
            true => layers.around(method, send).bare,
            false => layers.around_with(method, send, |inner| inner),
        };
        Rig { layers, endpoint, attempts }
    }

    /// What became of a call, and of the layers.
    async fn seen(&self, request: Request) -> String {
        let answer = self.endpoint.call(request).await;
        let told = match answer {
            Ok(reply) => {
                let (payload, _) = reply.into_parts();
                // Held until the stream is over.
                let held = self.layers.budget.describe();
                format!("{} {held}", matches!(payload.body(), Body::Stream(_)))
            }
            Err(error) => {
                let (code, recovery, origin) = (error.code(), error.recovery(), error.origin());
                format!("{code:?} {recovery:?} {origin:?} {} {error}", reason(&error))
            }
        };
        format!("{told}\n{}", self.state())
    }

    fn state(&self) -> String {
        let ClientLayers { budget, retry, breaker, .. } = &self.layers;
        let made = self.attempts.load(Ordering::Relaxed);
        format!("{made}\n{}\n{}\n{}", budget.describe(), retry.describe(), breaker.describe())
    }
}

/// Calls so often, the one way and then the other, and compares what was seen after each.
async fn same(what: &str, method: &'static Method, service: Service, calls: usize) -> String {
    let mut seen = Vec::new();
    for short in [true, false] {
        let rig = Rig::new(short, method, service);
        let mut all = Vec::new();
        for _ in 0..calls {
            all.push(rig.seen(request(&context())).await);
        }
        seen.push(all);
    }
    assert_eq!(seen[0], seen[1], "{what}");
    seen[0].pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn whatever_the_service_does_both_ways_do_the_same() {
    fn no() -> Error {
        Error::new(Code::NotFound, "none").with_origin(Origin::Peer)
    }
    fn unsent() -> Error {
        unavailable().with_recovery(Recovery::NeverProcessed)
    }
    let answered = same("answers", &METHOD, |_| Act::Answer, 3).await;
    assert!(answered.starts_with("false"), "{answered}");
    let streamed = same("answers with a stream", &STREAM, |_| Act::Stream, 3).await;
    assert!(streamed.starts_with("true"), "{streamed}");
    let said_no = same("says no", &IDEMPOTENT, |_| Act::Fail(no()), 20).await;
    assert!(said_no.starts_with("NotFound"), "{said_no}");
    let second = |attempt| if attempt % 2 == 0 { Act::Fail(unavailable()) } else { Act::Answer };
    let retried = same("fails every other time", &IDEMPOTENT, second, 5).await;
    assert!(retried.contains("5 retried"), "{retried}");
    same("fails a call that may not be repeated", &METHOD, |_| Act::Fail(unavailable()), 5).await;
    same("sent nothing", &METHOD, |_| Act::Fail(unsent()), 3).await;
    let exhausted = same("fails", &SAFE, |_| Act::Fail(unavailable()), 3).await;
    assert!(exhausted.contains("Exhausted"), "{exhausted}");
    let refused =
        same("fails until the breaker opens", &SAFE, |_| Act::Fail(unavailable()), 9).await;
    assert!(refused.contains("breaker open"), "{refused}");
    let expired = same("says nothing", &SAFE, |_| Act::Hang, 2).await;
    assert!(expired.starts_with("DeadlineExceeded"), "{expired}");
}

#[tokio::test(start_paused = true)]
async fn a_call_with_too_little_time_left_is_sent_on_neither_way() {
    let (short, long) =
        (Rig::new(true, &SAFE, |_| Act::Answer), Rig::new(false, &SAFE, |_| Act::Answer));
    for rig in [&short, &long] {
        let late = context().with_timeout(Duration::from_micros(500));
        let seen = rig.seen(request(&late)).await;
        assert!(seen.contains("NO_TIME_LEFT"), "{seen}");
        assert_eq!(rig.attempts.load(Ordering::Relaxed), 0);
    }
    assert_eq!(short.state(), long.state());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_back_what_it_held_on_either_way() {
    let failing = |attempt| if attempt == 0 { Act::Fail(unavailable()) } else { Act::Hang };
    for service in [(|_| Act::Hang) as Service, failing] {
        let (short, long) = (Rig::new(true, &SAFE, service), Rig::new(false, &SAFE, service));
        for rig in [&short, &long] {
            let call = rig.endpoint.call(request(&context()));
            assert!(timeout(Duration::from_secs(1), call).await.is_err());
            advance(Duration::from_secs(1)).await;
            assert!(rig.layers.budget.describe().ends_with("0 in flight now"), "{}", rig.state());
        }
        assert_eq!(short.state(), long.state());
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_is_switched_on_while_calls_run_has_its_say() {
    let live = Live::<crate::RateLimitSettings>::default();
    let rig = Rig::new(true, &METHOD, |_| Act::Answer);
    let layers = ClientLayers { rate_limit: RateLimit::new(live.clone()), ..rig.layers };
    let endpoint = layers.around(&METHOD, crate::testing::answering()).bare;
    endpoint.call(request(&context())).await.unwrap();
    live.replace(crate::RateLimitSettings { mode: Mode::On, burst: 1, ..Default::default() });
    endpoint.call(request(&context())).await.unwrap();
    let error = endpoint.call(request(&context())).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}
