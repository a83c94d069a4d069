//! A chain of services: what was tried again below is tried again by nobody above, on every wire.

use std::sync::Arc;

use kitfox::config::Environment;
use kitfox::message::Codec;
use kitfox::resilience::{Budget, BudgetSettings, Live, Retry, RetrySettings};
use kitfox::{
    BoxEndpoint, Channel, Code, Context, Error, Host, HttpChannel, Layer, Method, Platform,
    Protocol, Recovery, Running,
};

use crate::suite::service::{Item, Puppet, Suite, SuiteClient, SuiteError, SuiteServer};
use crate::support::memory::Memory;

/// A channel whose calls are made again, within a budget of `floor` calls a second.
struct Again(HttpChannel, Budget, Retry);

impl Again {
    fn new(channel: HttpChannel, floor: f64) -> Self {
        let budget = BudgetSettings { share: 0.0, floor, ..BudgetSettings::default() };
        let budget = Budget::new(Live::new(budget));
        let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
        Again(channel, budget, retry)
    }
}

impl Channel for Again {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        let inner = self.2.layer(method, self.0.endpoint(method));
        BoxEndpoint::new(self.1.layer(method, inner))
    }

    fn codec(&self) -> Codec {
        self.0.codec()
    }
}

/// A service on the network, and a client of it that tries again.
struct Served {
    puppet: Puppet,
    client: SuiteClient,
    // Serves for as long as it is there.
    _host: Running,
}

async fn serve(platform: &Platform, protocol: Protocol, floor: f64) -> Served {
    let puppet = Puppet::default();
    let host = Host::new("suite")
        .serve(SuiteServer::new(puppet.clone()))
        .platform(platform.apart())
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let host = host.start().await.unwrap();
    let channel = HttpChannel::builder(format!("http://{}", host.address()))
        .protocol(protocol)
        .platform(platform.clone());
    let client = SuiteClient::new(&Again::new(channel.build().unwrap(), floor));
    Served { puppet, client, _host: host }
}

/// Three services in a row, of which the last fails: how often each was called, and what became of
/// the call.
async fn chain(protocol: Protocol, floor: f64) -> ([usize; 3], Error) {
    let platform = Memory::default().platform();
    let (mut puppets, mut next) = (Vec::new(), None::<Arc<Served>>);
    for _ in 0..3 {
        let served = serve(&platform, protocol, floor).await;
        match next.take() {
            None => served.puppet.behave(async |_, _| {
                let busy = Error::new(Code::Unavailable, "busy").with_recovery(Recovery::Retry);
                Err(SuiteError::Call(busy))
            }),
            Some(next) => served.puppet.behave(move |cx, mut items| {
                let next = Arc::clone(&next);
                async move {
                    let item = items.try_next().await?.expect("one item");
                    next.client.one(&cx, item).await?;
                    unreachable!("the last service fails")
                }
            }),
        }
        puppets.insert(0, served.puppet.clone());
        next = Some(Arc::new(served));
    }
    let first = next.expect("three are served");
    let failed = first.client.one(&Context::background(), Item::default()).await;
    let Err(SuiteError::Call(error)) = failed else { panic!("{failed:?}") };
    let begun: Vec<_> = puppets.iter().map(Puppet::begun).collect();
    (begun.try_into().expect("three of them"), error)
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_again_below_is_tried_again_by_nobody_above() {
    for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
        let (begun, error) = chain(protocol, 100.0).await;
        assert_eq!(begun, [1, 1, 3], "{protocol:?}");
        assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Exhausted));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_does_not_allow_below_is_tried_again_by_nobody_above() {
    for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
        let (begun, error) = chain(protocol, 0.0).await;
        assert_eq!(begun, [1, 1, 1], "{protocol:?}");
        assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Exhausted));
    }
}
