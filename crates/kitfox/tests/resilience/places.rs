//! Who calls is found out before anything asks for it, and after what refuses everybody.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kitfox::health::{Health, HealthCheckRequest, HealthClient};
use kitfox::record::Ending;
use kitfox::resilience::{ConcurrencyKind, ConcurrencySettings, Mode};
use kitfox::stack::{Place, ServerSettings};
use kitfox::{
    BoxEndpoint, Code, Context, Endpoint, Error, Host, HttpChannel, Layer, Method, Principal,
    Reply, Request,
};

use super::till::{Payment, Receipt, Shop, Till, WAYS, reason};
use crate::support::http::send;
use crate::support::memory::Memory;
use crate::support::witness::Witness;

const PAY: &str = "till.v1.Till/Pay";

/// Finds out who calls by a header. Clones share what it has seen.
#[derive(Clone, Default)]
struct Authentication {
    asked: Arc<AtomicUsize>,
    wrapped: Arc<Mutex<Vec<&'static str>>>,
}

struct Authenticated<E> {
    asked: Arc<AtomicUsize>,
    inner: E,
}

impl Layer<BoxEndpoint> for Authentication {
    type Endpoint = Authenticated<BoxEndpoint>;

    fn layer(&self, method: &'static Method, inner: BoxEndpoint) -> Self::Endpoint {
        self.wrapped.lock().unwrap().push(method.path);
        Authenticated { asked: Arc::clone(&self.asked), inner }
    }
}

impl<E: Endpoint> Endpoint for Authenticated<E> {
    async fn call(&self, mut request: Request) -> Result<Reply, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let headers = request.context.metadata();
        if headers.text("x-slow").is_some() {
            std::future::pending::<()>().await;
        }
        let Some(name) = headers.text("x-user").map(str::to_owned) else {
            let why = "nobody says who calls";
            return Err(Error::by_layer("authentication", Code::Unauthenticated, why));
        };
        request.context = request.context.with_principal(Principal::new(name));
        self.inner.call(request).await
    }
}

impl Authentication {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn of(&self, host: Host) -> Host {
        host.layer_at(Place::Authentication, self.clone())
    }
}

fn by(user: &str) -> Context {
    Context::background().with_header("x-user", user).unwrap()
}

const ONE: Payment = Payment { amount: 1 };

/// One call at a time, and nobody waits.
fn narrow() -> ServerSettings {
    let mut settings = ServerSettings::default();
    settings.concurrency = ConcurrencySettings {
        mode: Mode::On,
        kind: ConcurrencyKind::Fixed,
        limit: 1,
        queue: 0,
        ..ConcurrencySettings::default()
    };
    settings
}

/// One call of each at once, and another ten seconds later.
fn limited(host: Host, limit: &str) -> Host {
    let key = |name: &str| format!("server.{limit}.{name}");
    host.set(key("mode"), "on").set(key("rate"), "0.1").set(key("burst"), 1)
}

/// The same of one method.
fn limited_alone(host: Host, limit: &str) -> Host {
    let key = |name: &str| format!("{limit}.{name}");
    host.set_for(PAY, key("mode"), "on").set_for(PAY, key("rate"), "0.1").set_for(
        PAY,
        key("burst"),
        1,
    )
}

#[tokio::test(start_paused = true)]
async fn two_principals_with_the_same_idempotency_key_each_get_their_own_answer() {
    let shop = Shop::open(|host| Authentication::default().of(host)).await;
    for (index, way) in WAYS.into_iter().enumerate() {
        let client = shop.client(way);
        let cx = |user| by(user).with_idempotency_key(format!("k-{index}"));
        let (alice, bob) = (cx("alice"), cx("bob"));
        let (alices, bobs) = tokio::join!(client.pay(&alice, ONE), client.pay(&bob, ONE));
        let (alices, bobs) = (alices.unwrap(), bobs.unwrap());
        assert_ne!(alices, bobs, "{way:?}");
        assert_eq!(client.pay(&alice, ONE).await.unwrap(), alices, "{way:?}");
        assert_eq!(client.pay(&bob, ONE).await.unwrap(), bobs, "{way:?}");
        let carols = client.pay(&cx("carol"), Payment { amount: 2 }).await;
        assert!(carols.is_ok(), "{way:?}: her key was used for no other request: {carols:?}");
        assert_eq!(shop.payments(), 3 * (index + 1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn over_rest_a_principal_is_not_told_the_answer_of_another_either() {
    let shop = Shop::open(|host| Authentication::default().of(host)).await;
    let pay = async |user| {
        let head = format!("x-user: {user}\r\nidempotency-key: k-1\r\n");
        let answer = shop.post(&head, r#"{"amount":1}"#).await;
        (answer.status, answer.body, answer.head.contains("idempotency-replayed"))
    };
    let answer = |number| (200, format!(r#"{{"number":{number}}}"#));
    for replayed in [false, true] {
        for (user, number) in [("alice", 1), ("bob", 2)] {
            let (status, body) = answer(number);
            assert_eq!(pay(user).await, (status, body, replayed), "{user}");
        }
    }
    assert_eq!(shop.payments(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_principals_limit_refuses_one_and_lets_the_other_pass_on_every_wire() {
    for limited in [limited, limited_alone] {
        let authentication = Authentication::default();
        let shop = Shop::open(|host| limited(authentication.of(host), "principal_rate_limit"));
        let shop = shop.await;
        for way in WAYS {
            let client = shop.client(way);
            for user in ["alice", "bob"] {
                let paid = client.pay(&by(user), ONE).await;
                assert!(paid.is_ok(), "{way:?}: {user}: {paid:?}");
                let error = client.pay(&by(user), ONE).await.unwrap_err();
                assert_eq!(reason(&error), "RATE_LIMITED", "{way:?}: {user}");
            }
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        for (user, status) in [("alice", 200), ("alice", 429), ("bob", 200), ("bob", 429)] {
            let answer = shop.post(&format!("x-user: {user}\r\n"), r#"{"amount":1}"#).await;
            assert_eq!(answer.status, status, "{user}: {}", answer.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_authenticating_layer_refuses_is_refused_by_it_and_by_nothing_inside_of_it() {
    let (net, witness) = (Memory::default(), Witness::default());
    let platform = net.platform();
    assert!(platform.observe(Arc::new(witness.clone())));
    let shop = Shop::open_on(net, |host| {
        let host = Authentication::default().of(host.protect(narrow()));
        limited(host, "principal_rate_limit").unrecorded().platform(platform)
    });
    let shop = shop.await;
    let keyed = Context::background().with_idempotency_key("k-1");
    let mut watching = shop.client(WAYS[2]).watch(&by("alice"), ()).await.unwrap();
    watching.next().await.unwrap().unwrap();
    for way in WAYS {
        // The only place is taken, and a limit by address would refuse the second.
        let error = shop.client(way).pay(&keyed, ONE).await.unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (Code::Unauthenticated, "nobody says who calls"),
            "{way:?}"
        );
    }
    let answer = shop.post("idempotency-key: k-1\r\n", "{garbage").await;
    assert_eq!(answer.status, 401, "it is not decoded: {}", answer.body);
    let seen = witness.take();
    assert_eq!(seen.len(), WAYS.len() + 1);
    for call in seen {
        let by = Some("authentication");
        assert_eq!(call.end, (Ending::Refused, Some(Code::Unauthenticated), by), "{call:?}");
    }
    assert_eq!(shop.payments(), 0);
    let stack = what(&shop).await;
    assert!(stack["idempotency"].contains("; 0 of 10000 keys"), "{stack:?}");
}

/// What each layer of the server says of itself.
async fn what(shop: &Shop) -> HashMap<String, String> {
    let mut admin = shop.net.dial(shop.running.admin_address()).await.unwrap();
    let stack = send(&mut admin, "GET", "/stack?format=json").await.body;
    let stack: serde_json::Value = serde_json::from_str(&stack).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let layers = stack["stacks"][0]["layers"].as_array().unwrap();
    layers.iter().map(|layer| (text(&layer["layer"]), text(&layer["what"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_is_not_known_yet_has_no_place_of_the_concurrency_limit() {
    let authentication = Authentication::default();
    let shop = Shop::open(|host| authentication.of(host.protect(narrow()))).await;
    for way in WAYS {
        let client = shop.client(way);
        let slow = by("bob").with_header("x-slow", "yes").unwrap();
        let slow = client.pay(&slow, ONE);
        let mut slow = std::pin::pin!(slow);
        assert!(tokio::time::timeout(Duration::from_secs(1), slow.as_mut()).await.is_err());
        let paid = client.pay(&by("alice"), ONE).await;
        assert!(paid.is_ok(), "{way:?}: {paid:?}");
    }
    assert_eq!(authentication.asked(), 2 * WAYS.len());
}

#[tokio::test(start_paused = true)]
async fn the_limit_by_address_refuses_before_anybody_is_asked_who_calls() {
    for limited in [limited, limited_alone] {
        let authentication = Authentication::default();
        let shop = Shop::open(|host| limited(authentication.of(host), "rate_limit")).await;
        shop.client(WAYS[0]).pay(&by("alice"), ONE).await.unwrap();
        for way in WAYS {
            let error = shop.client(way).pay(&by("bob"), ONE).await.unwrap_err();
            assert_eq!(reason(&error), "RATE_LIMITED", "{way:?}");
        }
        assert_eq!(shop.post("x-user: bob\r\n", r#"{"amount":1}"#).await.status, 429);
        assert_eq!((authentication.asked(), shop.payments()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_made_once_for_each_method_and_asked_once_for_each_call_whatever_is_decided() {
    let authentication = Authentication::default();
    let shop = Shop::open(|host| authentication.of(host)).await;
    let client = shop.client(WAYS[2]);
    let mut calls = 0;
    for change in
        ["", "server?principal_rate_limit.mode=dark", &format!("server/{PAY}?concurrency.mode=on")]
    {
        if !change.is_empty() {
            let mut admin = shop.net.dial(shop.running.admin_address()).await.unwrap();
            let answer = send(&mut admin, "PUT", &format!("/stack/{change}")).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        for cx in [by("alice"), by("alice").with_idempotency_key(format!("k-{calls}"))] {
            client.pay(&cx, ONE).await.unwrap();
            calls += 1;
            assert_eq!(authentication.asked(), calls, "{change}");
        }
    }
    let wrapped = authentication.wrapped.lock().unwrap();
    let methods: HashSet<_> = wrapped.iter().collect();
    assert_eq!(methods.len(), wrapped.len(), "{wrapped:?}");
    assert!(methods.contains(&"/till.v1.Till/Pay"), "{wrapped:?}");
}

#[tokio::test(start_paused = true)]
async fn layers_around_the_method_come_after_it_whatever_was_added_first() {
    let knows = kitfox::layer_fn(|request: Request, next| async move {
        match request.context.principal().map(Principal::name) {
            Some("alice") => next.call(request).await,
            other => Err(Error::by_layer("policy", Code::PermissionDenied, format!("{other:?}"))),
        }
    });
    let shop = Shop::open(|host| Authentication::default().of(host.layer(knows))).await;
    for way in WAYS {
        let client = shop.client(way);
        assert!(matches!(client.pay(&by("alice"), ONE).await, Ok(Receipt { .. })), "{way:?}");
        let error = client.pay(&by("bob"), ONE).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::PermissionDenied, "Some(\"bob\")"));
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_behind_it_as_every_method_is() {
    let authentication = Authentication::default();
    let shop = Shop::open(|host| authentication.of(host)).await;
    let channel = HttpChannel::builder(format!("http://{}", shop.address()));
    let health = HealthClient::new(&channel.platform(shop.net.platform()).build().unwrap());
    let check = async |cx: &Context| {
        let request = HealthCheckRequest { service: String::new() };
        health.check(cx, request).await.map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(check(&Context::background()).await, Err(Code::Unauthenticated));
    assert_eq!(check(&by("probe")).await, Ok(()));
}
