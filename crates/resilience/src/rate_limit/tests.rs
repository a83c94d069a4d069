use std::net::IpAddr;

use bytes::Bytes;
use kitfox_core::message::Codec;
use kitfox_core::setting::Keyed;
use kitfox_core::types::rpc::ErrorInfo;
use kitfox_core::{BoxEndpoint, Code, Detail, Incoming, Payload, Peer, Principal};

use super::*;
use crate::testing::{METHOD, answering};

fn settings(key: RateLimitKey) -> RateLimitSettings {
    RateLimitSettings { mode: Mode::On, rate: 1.0, burst: 2, key, ..RateLimitSettings::default() }
}

fn limited(settings: RateLimitSettings) -> (BoxEndpoint, Live<RateLimitSettings>) {
    let live = Live::new(settings);
    (BoxEndpoint::new(RateLimit::new(live.clone()).layer(&METHOD, answering())), live)
}

async fn call(endpoint: &BoxEndpoint, context: &Context) -> Result<Reply, Error> {
    endpoint.call(Request::new(context.clone(), Payload::unary(Codec::Json, Bytes::new()))).await
}

fn from(address: u8) -> Context {
    let peer = Some(Peer::new(([10, 0, 0, address], 7).into()));
    Context::incoming(Incoming { peer, ..Incoming::default() })
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_with_a_reason_and_a_time() {
    let (endpoint, _) = limited(settings(RateLimitKey::All));
    let cx = Context::background();
    for _ in 0..2 {
        call(&endpoint, &cx).await.unwrap();
    }
    let error = call(&endpoint, &cx).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert_eq!(error.message(), "1/s, burst 2; again in 1000 ms");
    assert_eq!(error.recovery(), Recovery::After(Duration::from_secs(1)));
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>).unwrap();
    assert_eq!(info.reason, "RATE_LIMITED");
    let headers = &error.metadata().unwrap().headers;
    assert_eq!(headers.text("ratelimit"), Some("\"default\";r=0;t=1"));
    assert_eq!(headers.text("ratelimit-policy"), Some("\"default\";q=2;w=2"));
    tokio::time::advance(Duration::from_secs(1)).await;
    call(&endpoint, &cx).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_limit_and_so_do_the_methods_of_a_layer() {
    let limit = RateLimit::new(Live::new(settings(RateLimitKey::All)));
    let mut passed = 0;
    for _ in 0..1_000 {
        let endpoint = BoxEndpoint::new(limit.clone().layer(&METHOD, answering()));
        passed += usize::from(call(&endpoint, &Context::background()).await.is_ok());
    }
    assert_eq!(passed, 2);
}

#[tokio::test(start_paused = true)]
async fn each_peer_and_each_principal_has_its_own() {
    let (endpoint, live) = limited(settings(RateLimitKey::Peer));
    let passes = async |context: &Context| call(&endpoint, context).await.is_ok();
    for peer in [1, 2] {
        assert!(passes(&from(peer)).await && passes(&from(peer)).await);
        assert!(!passes(&from(peer)).await);
    }
    live.replace(settings(RateLimitKey::Principal));
    let alice = from(1).with_principal(Principal::new("alice"));
    assert!(passes(&alice).await, "by name now, not by address");
    assert!(!passes(&from(1)).await);
}

#[tokio::test(start_paused = true)]
async fn a_network_of_ipv6_is_one_peer_and_so_is_an_address_of_ipv4_in_either_form() {
    let (endpoint, _) = limited(settings(RateLimitKey::Peer));
    let from = |address: &str| {
        let peer = Some(Peer::new((address.parse::<IpAddr>().unwrap(), 7).into()));
        Context::incoming(Incoming { peer, ..Incoming::default() })
    };
    let passes = async |address| call(&endpoint, &from(address)).await.is_ok();
    assert!(passes("2001:db8::1").await && passes("2001:db8::2").await);
    assert!(!passes("2001:db8::3").await);
    assert!(passes("2001:db8:0:1::1").await);
    assert!(passes("10.0.0.1").await && passes("::ffff:10.0.0.1").await);
    assert!(!passes("10.0.0.1").await && passes("10.0.0.2").await);
}

#[tokio::test(start_paused = true)]
async fn each_method_and_each_value_of_a_header_has_its_own() {
    static OTHER: Method = Method { path: "/test.v1.Test/Other", ..METHOD };
    let live = Live::new(settings(RateLimitKey::Method));
    let limit = RateLimit::new(live.clone());
    let [one, other] =
        [&METHOD, &OTHER].map(|method| BoxEndpoint::new(limit.layer(method, answering())));
    let cx = Context::background();
    for endpoint in [&one, &other] {
        assert!(call(endpoint, &cx).await.is_ok() && call(endpoint, &cx).await.is_ok());
        assert!(call(endpoint, &cx).await.is_err());
    }
    assert_eq!(limit.describe(), "on: 1/s, burst 2 for each method, 2 now");
    live.replace(settings(RateLimitKey::Header("x-tenant".into())));
    let of = |tenant: &str| {
        let mut metadata = Metadata::new();
        metadata.insert("x-tenant", tenant).unwrap();
        Context::incoming(Incoming { metadata, ..Incoming::default() })
    };
    for tenant in ["red", "blue"] {
        let cx = of(tenant);
        assert!(call(&one, &cx).await.is_ok() && call(&other, &cx).await.is_ok());
        assert!(call(&one, &cx).await.is_err());
    }
    assert!(call(&one, &cx).await.is_ok(), "those without the header are one");
}

#[tokio::test(start_paused = true)]
async fn who_may_wait_gets_its_turn_and_who_leaves_gives_it_back() {
    let wait = Duration::from_secs(5);
    let (endpoint, _) = limited(RateLimitSettings { wait, ..settings(RateLimitKey::All) });
    let (cx, begin) = (Context::background(), Instant::now());
    for _ in 0..3 {
        call(&endpoint, &cx).await.unwrap();
    }
    assert_eq!(begin.elapsed().as_secs(), 1);
    let left = tokio::time::timeout(Duration::from_millis(100), call(&endpoint, &cx)).await;
    assert!(left.is_err());
    call(&endpoint, &cx).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 2, "the turn of the one who left");
    let hurried = cx.with_timeout(Duration::from_millis(500));
    let error = call(&endpoint, &hurried).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "its turn would come too late");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_raised_under_load_holds_at_once() {
    for key in [RateLimitKey::All, RateLimitKey::Peer] {
        let slow = RateLimitSettings { burst: 20, ..settings(key) };
        let (endpoint, live) = limited(slow.clone());
        let cx = from(1);
        for _ in 0..30 {
            let _ = call(&endpoint, &cx).await;
        }
        live.replace(RateLimitSettings { rate: 100.0, ..slow });
        let mut passed = 0;
        for _ in 0..1_000 {
            passed += usize::from(call(&endpoint, &cx).await.is_ok());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!((90..=100).contains(&passed), "{passed}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_in_line_keeps_the_place_when_nobody_may_wait_any_more() {
    let waits = RateLimitSettings { wait: Duration::from_secs(10), ..settings(RateLimitKey::All) };
    let (endpoint, live) = limited(waits.clone());
    let cx = from(1);
    let line = (0..11).map(|_| call(&endpoint, &cx));
    let line = futures_util::future::join_all(line);
    let newcomers = async {
        tokio::task::yield_now().await;
        live.replace(RateLimitSettings { wait: Duration::ZERO, ..waits });
        let mut passed = 0;
        for _ in 0..9 {
            passed += usize::from(call(&endpoint, &cx).await.is_ok());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        passed
    };
    let (line, passed) = tokio::join!(line, newcomers);
    assert!(line.iter().all(Result::is_ok));
    assert_eq!(passed, 0, "those in line have all that the rate gives");
}

#[tokio::test(start_paused = true)]
async fn without_settings_nothing_is_limited() {
    let (endpoint, _) = limited(RateLimitSettings::default());
    for _ in 0..1_000 {
        call(&endpoint, &Context::background()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_dark_limit_counts_and_lets_pass() {
    let headers = RateLimitHeaders::Always;
    let dark = RateLimitSettings { mode: Mode::Dark, headers, ..settings(RateLimitKey::All) };
    let limit = RateLimit::new(Live::new(dark));
    let endpoint = BoxEndpoint::new(limit.layer(&METHOD, answering()));
    for _ in 0..5 {
        let mut reply = call(&endpoint, &Context::background()).await.unwrap();
        assert_eq!(reply.metadata_mut().headers.text("ratelimit"), None, "there is no limit");
    }
    assert_eq!(limit.0.counts.dark.value(), 3);
}

#[test]
fn settings_that_let_nothing_through_are_refused() {
    for bad in [
        RateLimitSettings { rate: 0.0, ..RateLimitSettings::default() },
        RateLimitSettings { rate: f64::NAN, ..RateLimitSettings::default() },
        RateLimitSettings { burst: 0, ..RateLimitSettings::default() },
        RateLimitSettings { keys: 0, key: RateLimitKey::Peer, ..RateLimitSettings::default() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
