//! One service, called in every way there is, over real sockets.

use kitfox::message::Codec;
use kitfox::transport::client::{HttpChannel, HttpVersion, Protocol};
use kitfox::{Code, Context, Criticality, DomainError, Host, Origin, Running};

use super::contracts::{middle, new, old};

const WAYS: [(Protocol, Codec, HttpVersion); 10] = [
    (Protocol::Connect, Codec::Json, HttpVersion::Http1),
    (Protocol::Connect, Codec::Json, HttpVersion::Http2),
    (Protocol::Connect, Codec::Protobuf, HttpVersion::Http1),
    (Protocol::Connect, Codec::Protobuf, HttpVersion::Http2),
    (Protocol::Grpc, Codec::Json, HttpVersion::Http2),
    (Protocol::Grpc, Codec::Protobuf, HttpVersion::Http2),
    (Protocol::GrpcWeb, Codec::Json, HttpVersion::Http1),
    (Protocol::GrpcWeb, Codec::Json, HttpVersion::Http2),
    (Protocol::GrpcWeb, Codec::Protobuf, HttpVersion::Http1),
    (Protocol::GrpcWeb, Codec::Protobuf, HttpVersion::Http2),
];

async fn start(host: Host) -> Running {
    let host = host.listen("127.0.0.1:0").admin("127.0.0.1:0").announce(false);
    host.environment(kitfox::config::Environment::default()).start().await.unwrap()
}

fn channel(running: &Running, way: (Protocol, Codec, HttpVersion)) -> HttpChannel {
    let (protocol, codec, http) = way;
    let address = format!("http://{}", running.address());
    HttpChannel::builder(address).protocol(protocol).codec(codec).http(http).build().unwrap()
}

/// A client for each way.
fn clients(running: &Running) -> impl Iterator<Item = (String, old::TextsClient)> {
    WAYS.into_iter().map(|way| (format!("{way:?}"), old::TextsClient::new(&channel(running, way))))
}

fn say(text: &str) -> old::SayRequest {
    old::SayRequest { text: text.to_owned() }
}

#[tokio::test]
async fn every_way_gives_the_same_answers() {
    use old::Texts;
    let running = start(Host::new("texts").serve(new::TextsServer::new(new::Service))).await;
    let local = ("local".to_owned(), old::TextsClient::local(old::Service));
    for (way, client) in clients(&running).chain([local]) {
        let cx = Context::background().with_timeout(std::time::Duration::from_secs(10));
        let answer = client.say(&cx, say("grüße")).await.unwrap();
        assert_eq!(answer.text, "GRÜSSE", "{way}");

        let long = "x".repeat(200_000);
        let answer = client.say(&cx, say(&long)).await.unwrap();
        assert_eq!(answer.text.len(), long.len(), "{way}");

        let empty = client.say(&cx, say("")).await.unwrap_err();
        assert!(matches!(empty, old::TextsError::Empty), "{way}: {empty:?}");
        let fields = client.say(&cx, say("too long")).await.unwrap_err();
        assert!(matches!(fields, old::TextsError::TooLong { most: 7 }), "{way}: {fields:?}");
    }
}

#[tokio::test]
async fn a_variant_that_only_the_callee_knows_is_a_failure_of_the_call_with_its_details() {
    use old::Texts;
    let running = start(Host::new("texts").serve(new::TextsServer::new(new::Service))).await;
    for (way, client) in clients(&running) {
        let outcome = client.say(&Context::background(), say("rude")).await;
        let Err(old::TextsError::Call(error)) = outcome else { panic!("{way}: {outcome:?}") };
        assert_eq!((error.code(), error.origin()), (Code::PermissionDenied, Origin::Peer), "{way}");
        assert_eq!(error.message(), "no such words here", "{way}");
        let names: Vec<_> = error.details().iter().map(kitfox::Detail::type_name).collect();
        assert!(names.contains(&"google.rpc.ErrorInfo"), "{way}: {names:?}");
        // Whoever knows the variant reads it from there.
        let known = new::TextsError::from_error(error);
        assert!(matches!(known, new::TextsError::Rude), "{way}: {known:?}");
    }
}

#[tokio::test]
async fn what_a_callee_says_is_not_what_its_caller_answers() {
    use middle::Relay;
    let back = start(Host::new("texts").serve(new::TextsServer::new(new::Service))).await;
    for way in WAYS {
        let relay = middle::Service(middle::TextsClient::new(&channel(&back, way)));
        let front = start(Host::new("relay").serve(middle::RelayServer::new(relay))).await;
        let client = middle::RelayClient::new(&channel(&front, way));
        let cx = Context::background();
        let good = client.relay(&cx, middle::Request { text: "a".into() }).await;
        assert_eq!(good.unwrap().text, "A", "{way:?}");
        let masked = client.relay(&cx, middle::Request { text: "rude".into() }).await.unwrap_err();
        assert_eq!((masked.code(), masked.origin()), (Code::Internal, Origin::Peer), "{way:?}");
        assert!(!masked.message().contains("words"), "{way:?}: {masked}");
        assert!(masked.details().is_empty(), "{way:?}");
    }
}

#[tokio::test]
async fn what_travels_with_a_call_arrives() {
    use old::Texts;
    let running = start(Host::new("texts").serve(new::TextsServer::new(new::Service))).await;
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (number, (way, client)) in clients(&running).enumerate() {
        // Each way packs the message differently, so that to the host these are several calls.
        let key = format!("k-{number}");
        let cx = Context::background()
            .with_timeout(std::time::Duration::from_secs(30))
            .with_trace(text.parse().unwrap())
            .with_baggage(kitfox::Baggage::new([("user".to_owned(), "é, 7".to_owned())]))
            .with_criticality(Criticality::Sheddable)
            .with_idempotency_key(key.as_str())
            .with_header("x-tenant", "blue")
            .unwrap();
        let answer = client.say(&cx, say("context")).await.unwrap();
        let expected = format!("blue|{text}|é, 7|Sheddable|{key}|1|2");
        assert_eq!(answer.text, expected, "{way}");
    }
}

#[tokio::test]
async fn a_request_above_the_servers_limit_is_refused_on_every_way() {
    use old::Texts;
    let running = start(Host::new("texts").serve(new::TextsServer::new(new::Service))).await;
    let huge = "x".repeat(5 * 1024 * 1024);
    for (way, client) in clients(&running) {
        let outcome = client.say(&Context::background(), say(&huge)).await;
        let Err(old::TextsError::Call(error)) = outcome else { panic!("{way}") };
        assert_eq!(error.code(), Code::ResourceExhausted, "{way}: {error}");
    }
}
