//! A service that calls another one, which is not there for it.

use kitfox::error::Detail;
use kitfox::types::rpc::ErrorInfo;
use kitfox::{Code, Context, Error, Host, HttpChannel, HttpVersion, Origin, Protocol};

use super::service::{
    Amount, Fleet, Mood, Payments, PaymentsClient, PaymentsError, PaymentsServer, amount, host,
};

/// Passes every call on.
struct Gateway(PaymentsClient);

impl Payments for Gateway {
    async fn quote(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.0.quote(cx, request).await
    }

    async fn charge(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.0.charge(cx, request).await
    }
}

fn reason(error: &Error) -> Option<String> {
    error.details().iter().find_map(Detail::decode::<ErrorInfo>).map(|info| info.reason)
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_unavailable_by_its_reason_on_every_wire() {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let channel = fleet.channel().set("retry.mode", "off").build().unwrap();
    let client = PaymentsClient::new(&channel);
    for _ in 0..20 {
        let _ = client.charge(&Context::background(), amount()).await;
    }
    let gateway = host(&fleet.net, "gateway").serve(PaymentsServer::new(Gateway(client)));
    let gateway = gateway.start().await.unwrap();
    for (protocol, http) in [
        (Protocol::Connect, HttpVersion::Http1),
        (Protocol::Connect, HttpVersion::Http2),
        (Protocol::Grpc, HttpVersion::Http2),
        (Protocol::GrpcWeb, HttpVersion::Http1),
        (Protocol::GrpcWeb, HttpVersion::Http2),
    ] {
        let address = format!("http://{}", gateway.address());
        let channel = HttpChannel::builder(address).protocol(protocol).http(http);
        let channel = channel.platform(fleet.net.platform()).build().unwrap();
        let caller = PaymentsClient::new(&channel);
        let answer = caller.charge(&Context::background(), amount()).await;
        let Err(PaymentsError::Call(error)) = answer else { panic!("the breaker is open") };
        assert_eq!((error.code(), error.origin()), (Code::Unavailable, Origin::Peer));
        assert_eq!(reason(&error).as_deref(), Some("BREAKER_OPEN"), "{protocol:?}: {error:?}");
    }
    assert_eq!(fleet.calls(), [20], "nothing of it reached the service");
}

#[tokio::test(start_paused = true)]
async fn what_a_service_was_refused_below_is_not_tried_again_above() {
    let fleet = Fleet::of(&[Mood::Unavailable, Mood::Unavailable]).await;
    let below = fleet.channel().set("breaker.mode", "off").build().unwrap();
    let gateway = Gateway(PaymentsClient::new(&below));
    let gateway = host(&fleet.net, "gateway").serve(PaymentsServer::new(gateway));
    let gateway = gateway.start().await.unwrap();
    let address = kitfox::discovery::Instance::new(gateway.address().to_string());
    fleet.registry.set("gateway", [address.clone(), address]);
    for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
        let before = fleet.calls().iter().sum::<usize>();
        let above = kitfox::ServiceChannel::builder("gateway", &fleet.registry)
            .platform(fleet.net.platform())
            .http(move |replica| replica.protocol(protocol));
        let caller = PaymentsClient::new(&above.build().unwrap());
        let answer = caller.quote(&Context::background(), amount()).await;
        assert!(matches!(answer, Err(PaymentsError::Call(_))));
        let attempts = fleet.calls().iter().sum::<usize>() - before;
        assert_eq!(attempts, 3, "{protocol:?}: three below, and not nine");
    }
}

/// Says in words of its own what is the matter with the service.
struct Translating(PaymentsClient);

impl Payments for Translating {
    async fn quote(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.0.quote(cx, request).await
    }

    async fn charge(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.0.charge(cx, request).await.map_err(|error| match error {
            PaymentsError::Call(error) if error.code() == Code::Unavailable => {
                PaymentsError::BankClosed
            }
            error => error,
        })
    }
}

/// How many of thirty calls reach a gateway whose service is unavailable.
async fn reached(serve: impl FnOnce(Host, PaymentsClient) -> Host) -> usize {
    let fleet = Fleet::of(&[Mood::Unavailable]).await;
    let below = fleet.channel().set("breaker.mode", "off").set("retry.mode", "off");
    let gateway = host(&fleet.net, "gateway");
    let gateway = serve(gateway, PaymentsClient::new(&below.build().unwrap()));
    let gateway = gateway.start().await.unwrap();
    let address = gateway.address().to_string();
    fleet.registry.set("gateway", [kitfox::discovery::Instance::new(address)]);
    let above = kitfox::ServiceChannel::builder("gateway", &fleet.registry)
        .platform(fleet.net.platform())
        .set("retry.mode", "off");
    let caller = PaymentsClient::new(&above.build().unwrap());
    for _ in 0..30 {
        caller.charge(&Context::background(), amount()).await.unwrap_err();
    }
    fleet.calls()[0]
}

#[tokio::test(start_paused = true)]
async fn what_fails_below_counts_against_the_gateway_unless_it_says_so_in_words_of_its_own() {
    let passing = |host: Host, client| host.serve(PaymentsServer::new(Gateway(client)));
    assert_eq!(reached(passing).await, 20, "its callers' breakers open");
    let translating = |host: Host, client| host.serve(PaymentsServer::new(Translating(client)));
    assert_eq!(reached(translating).await, 30);
}
