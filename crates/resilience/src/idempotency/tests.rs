use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Incoming, Payload, Principal};

use super::*;
use crate::testing::{METHOD, SAFE, context, endpoint, reason, reply};

const SECOND: Duration = Duration::from_secs(1);

/// A layer around what takes a second, and how many calls began.
struct Shop {
    layer: Idempotency,
    settings: Live<IdempotencySettings>,
    endpoint: BoxEndpoint,
    done: Arc<AtomicUsize>,
}

fn shop(answer: fn(usize) -> Result<Reply, Error>) -> Shop {
    let settings = Live::new(IdempotencySettings::default());
    let done = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&done);
    let inner = endpoint(move |_| {
        let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            tokio::time::sleep(SECOND).await;
            answer(number)
        }
    });
    let layer = Idempotency::new(settings.clone());
    let endpoint = BoxEndpoint::new(layer.layer(&METHOD, inner));
    Shop { layer, settings, endpoint, done }
}

/// Answers with how many calls were done.
fn count(number: usize) -> Result<Reply, Error> {
    Ok(Reply::new(Payload::unary(Codec::Json, number.to_string().into())))
}

fn keyed(key: &str) -> Context {
    Context::incoming(Incoming { idempotency_key: Some(key.into()), ..Incoming::default() })
}

impl Shop {
    async fn buy(&self, context: &Context, what: &'static str) -> Result<Reply, Error> {
        let payload = Payload::unary(Codec::Json, what.into());
        self.endpoint.call(Request::new(context.clone(), payload)).await
    }

    async fn bought(&self, context: &Context, what: &'static str) -> String {
        let reply = self.buy(context, what).await.unwrap();
        let (payload, _) = reply.into_parts();
        let kitfox_core::Body::Unary(message) = payload.into_body() else { panic!("one message") };
        String::from_utf8(message.to_vec()).unwrap()
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_call_gets_the_first_answer_and_is_not_done_again() {
    let shop = shop(count);
    let begin = Instant::now();
    for _ in 0..3 {
        assert_eq!(shop.bought(&keyed("k-1"), "{}").await, "1");
    }
    assert_eq!((shop.done(), begin.elapsed()), (1, SECOND));
    let reply = shop.buy(&keyed("k-1"), "{}").await.unwrap();
    let headers = &reply.metadata().unwrap().headers;
    assert_eq!(headers.text("idempotency-replayed"), Some("true"));
    assert_eq!(shop.bought(&keyed("k-2"), "{}").await, "2");
    assert_eq!(shop.bought(&Context::background(), "{}").await, "3", "without a key, each is new");
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_call_waits_for_the_first_answer() {
    let shop = shop(count);
    let cx = keyed("k-1");
    let (first, second) = tokio::join!(shop.bought(&cx, "{}"), shop.bought(&cx, "{}"));
    assert_eq!((first.as_str(), second.as_str(), shop.done()), ("1", "1", 1));
    assert_eq!(shop.layer.0.counts.waited.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn where_the_first_caller_leaves_one_that_waits_does_the_call() {
    let shop = shop(count);
    let (cx, begin) = (keyed("k-1"), Instant::now());
    let mut first = Box::pin(shop.bought(&cx, "{}"));
    assert!(first.as_mut().now_or_never().is_none());
    let leaves = async {
        tokio::time::sleep(SECOND / 2).await;
        drop(first);
    };
    let (second, third, ()) = tokio::join!(shop.bought(&cx, "{}"), shop.bought(&cx, "{}"), leaves);
    assert_eq!((second.as_str(), third.as_str(), shop.done()), ("2", "2", 2));
    assert_eq!(begin.elapsed(), SECOND / 2 + SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_key_with_another_request_is_an_error() {
    let shop = shop(count);
    shop.bought(&keyed("k-1"), "{}").await;
    let error = shop.buy(&keyed("k-1"), r#"{"much":"more"}"#).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::InvalidArgument, "KEY_REUSED"));
    assert_eq!((shop.done(), error.recovery()), (1, Recovery::No));
}

#[tokio::test(start_paused = true)]
async fn each_principal_has_keys_of_its_own() {
    let shop = shop(count);
    let by = |name: &str| keyed("k-1").with_principal(Principal::new(name));
    assert_eq!(shop.bought(&by("alice"), "{}").await, "1");
    assert_eq!(shop.bought(&by("bob"), "{}").await, "2");
    assert_eq!(shop.bought(&by("alice"), "{}").await, "1");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_not_kept_and_one_for_good_is() {
    let fails = shop(|number| {
        Err(match number {
            1 => Error::new(Code::Unavailable, "later"),
            number => Error::new(Code::FailedPrecondition, format!("sold out {number}")),
        })
    });
    let cx = keyed("k-1");
    let error = fails.buy(&cx, "{}").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    for _ in 0..2 {
        let error = fails.buy(&cx, "{}").await.unwrap_err();
        assert_eq!(error.message(), "sold out 2");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_said_nor_past_its_deadline() {
    let shop = shop(count);
    shop.settings.replace(IdempotencySettings { wait: SECOND / 4, ..Default::default() });
    let cx = keyed("k-1");
    let hurried = cx.with_timeout(SECOND / 10);
    let (_, late, hurried) =
        tokio::join!(shop.buy(&cx, "{}"), shop.buy(&cx, "{}"), shop.buy(&hurried, "{}"));
    let (late, hurried) = (late.unwrap_err(), hurried.unwrap_err());
    assert_eq!((late.code(), reason(&late).as_str()), (Code::Aborted, "KEY_IN_USE"));
    assert_eq!(hurried.code(), Code::DeadlineExceeded);
    assert_eq!(shop.done(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dark_layer_counts_and_does_every_call() {
    let shop = shop(count);
    shop.settings.replace(IdempotencySettings { mode: Mode::Dark, ..Default::default() });
    assert_eq!(shop.bought(&keyed("k-1"), "{}").await, "1");
    assert_eq!(shop.bought(&keyed("k-1"), "{}").await, "2");
    assert_eq!(shop.layer.0.counts.dark.value(), 1);
    let no_key = keyed("");
    assert_eq!(shop.bought(&no_key, "{}").await, "3");
    assert_eq!(shop.layer.0.counts.dark.value(), 2);
    assert_eq!(no_key.take_fields()[0].value, "would not have been done");
}

/// A store that cannot be reached.
struct Gone;

impl IdempotencyStore for Gone {
    fn claim<'a>(&'a self, _: &'a IdempotencyKey, _: u64) -> StoreFuture<'a, Result<Claim, Error>> {
        Box::pin(async { Err(Error::new(Code::Unavailable, "the store is gone")) })
    }

    fn keep<'a>(
        &'a self,
        _: &'a IdempotencyKey,
        _: u64,
        _: KeptAnswer,
        _: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async {})
    }

    fn release(&self, _: &IdempotencyKey, _: u64) {}

    fn describe(&self) -> String {
        "gone".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn without_its_store_no_call_with_a_key_is_done_unless_the_layer_is_dark() {
    for (mode, done) in [(Mode::On, false), (Mode::Dark, true), (Mode::Off, true)] {
        let settings = IdempotencySettings { mode, ..IdempotencySettings::default() };
        let layer = Idempotency::with_store(Live::new(settings), Arc::new(Gone));
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let inner = endpoint(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok(reply()) }
        });
        let payload = Payload::unary(Codec::Json, "{}".into());
        let call = Request::new(keyed("k-1"), payload);
        let answer = layer.layer(&METHOD, inner).call(call).await;
        assert_eq!(calls.load(Ordering::Relaxed), usize::from(done), "{mode}");
        let why = answer.err().map(|error| error.message().to_owned());
        assert_eq!(why.as_deref(), (!done).then_some("the store is gone"), "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clones_share_the_answers() {
    let shop = shop(count);
    shop.bought(&keyed("k-1"), "{}").await;
    for _ in 0..1_000 {
        let clone = BoxEndpoint::new(
            shop.layer
                .clone()
                .layer(&METHOD, endpoint(|_| async { panic!("it is not done again") })),
        );
        let payload = Payload::unary(Codec::Json, "{}".into());
        clone.call(Request::new(keyed("k-1"), payload)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn safe_methods_and_calls_without_a_usable_key_are_told_apart() {
    let shop = shop(count);
    let safe = shop.layer.layer(&SAFE, endpoint(|_| async { Ok(reply()) }));
    for _ in 0..2 {
        let payload = Payload::unary(Codec::Json, "{}".into());
        safe.call(Request::new(keyed("k-1"), payload)).await.unwrap();
    }
    assert!(shop.layer.describe().contains("0 of 10000 keys"), "{}", shop.layer.describe());
    for bad in ["", &"x".repeat(256)] {
        let error = shop.buy(&keyed(bad), "{}").await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_passes_by_whatever_its_key() {
    static STREAM: Method = Method { shape: Shape::ServerStream, ..METHOD };
    let shop = shop(count);
    for method in [&STREAM, &METHOD] {
        let inner = endpoint(|_| async {
            let messages = kitfox_core::MessageStream::once("a".into());
            Ok(Reply::new(Payload::stream(Codec::Json, messages)))
        });
        let endpoint = shop.layer.layer(method, inner);
        for _ in 0..2 {
            let payload = Payload::unary(Codec::Json, "{}".into());
            let reply = endpoint.call(Request::new(keyed("k-1"), payload)).await.unwrap();
            assert!(matches!(reply.payload().body(), kitfox_core::Body::Stream(_)));
        }
    }
}

#[tokio::test]
async fn a_client_gives_a_call_one_key_for_all_its_attempts() {
    static KEYED: Method = Method { idempotency: Promise::Keyed, ..METHOD };
    let echo = || {
        endpoint(|request| async move {
            let key = request.context.idempotency_key().unwrap_or("none").to_owned();
            Ok(Reply::new(Payload::unary(Codec::Json, key.into())))
        })
    };
    let key = async |method, context: &Context| {
        let request = Request::new(context.with_attempt(2), reply().into_parts().0);
        let reply = IdempotencyKeys.layer(method, echo()).call(request).await.unwrap();
        let kitfox_core::Body::Unary(key) = reply.into_parts().0.into_body() else {
            panic!("one message")
        };
        String::from_utf8(key.to_vec()).unwrap()
    };
    let caller = context();
    let call = caller.outgoing();
    let first = key(&KEYED, &call).await;
    assert_eq!(first.len(), 32);
    assert_eq!(key(&KEYED, &call).await, first);
    assert_ne!(key(&KEYED, &caller.outgoing()).await, first, "each call has its own");
    let given = caller.with_idempotency_key("k-1").outgoing();
    assert_eq!(key(&KEYED, &given).await, "k-1");
    assert_eq!(key(&METHOD, &caller.outgoing()).await, "none");
}

#[test]
fn settings_that_keep_nothing_are_refused() {
    let settings = IdempotencySettings::default();
    assert!(settings.check().is_ok());
    assert!(IdempotencySettings { ttl: Duration::ZERO, ..settings.clone() }.check().is_err());
    assert!(IdempotencySettings { entries: 0, ..settings }.check().is_err());
}
