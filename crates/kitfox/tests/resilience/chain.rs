//! A chain of services: what was tried again below is tried again by nobody above, on every wire.

use std::sync::Arc;

use kitfox::config::Environment;
use kitfox::message::Codec;
use kitfox::resilience::{
    Breaker, BreakerSettings, Budget, BudgetSettings, Live, Retry, RetrySettings,
};
use kitfox::{
    BoxEndpoint, Channel, Code, Context, Error, Host, HttpChannel, Layer, Method, Platform,
    Protocol, Recovery, Running,
};

use crate::suite::service::{Item, Puppet, Suite, SuiteClient, SuiteError, SuiteServer};
use crate::support::http;
use crate::support::memory::Memory;

/// What stands around each call of the chain.
#[derive(Clone, Copy)]
struct Stack {
    /// How many calls a second may be made again.
    floor: f64,
    /// After how many failures in a row the breaker opens.
    consecutive: u32,
}

const PLENTY: Stack = Stack { floor: 100.0, consecutive: 100 };
const NO_BUDGET: Stack = Stack { floor: 0.0, ..PLENTY };
const TOUCHY: Stack = Stack { consecutive: 1, ..PLENTY };

/// A channel whose calls are made again.
struct Again(HttpChannel, Budget, Retry, Breaker);

impl Again {
    fn new(channel: HttpChannel, Stack { floor, consecutive }: Stack) -> Self {
        let budget = BudgetSettings { share: 0.0, floor, ..BudgetSettings::default() };
        let budget = Budget::new(Live::new(budget));
        let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
        let breaker = BreakerSettings { consecutive, ..BreakerSettings::default() };
        Again(channel, budget, retry, Breaker::new(Live::new(breaker)))
    }
}

impl Channel for Again {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        let inner = self.3.layer(method, self.0.endpoint(method));
        BoxEndpoint::new(self.1.layer(method, self.2.layer(method, inner)))
    }

    fn codec(&self) -> Codec {
        self.0.codec()
    }
}

/// A service on the network, and a client of it that tries again.
struct Served {
    puppet: Puppet,
    client: SuiteClient,
    host: Running,
}

async fn serve(platform: &Platform, protocol: Protocol, stack: Stack) -> Served {
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
    let client = SuiteClient::new(&Again::new(channel.build().unwrap(), stack));
    Served { puppet, client, host }
}

/// Three services in a row, of which the last fails.
struct Chain {
    net: Memory,
    first: Arc<Served>,
    puppets: Vec<Puppet>,
}

impl Chain {
    async fn new(protocol: Protocol, stack: Stack) -> Self {
        let net = Memory::default();
        let platform = net.platform();
        let (mut puppets, mut next) = (Vec::new(), None::<Arc<Served>>);
        for _ in 0..3 {
            let served = serve(&platform, protocol, stack).await;
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
        Chain { net, first: next.expect("three are served"), puppets }
    }

    /// How often each was called since the last time.
    fn begun(&self) -> [usize; 3] {
        let begun: Vec<_> = self.puppets.iter().map(Puppet::begun).collect();
        begun.try_into().expect("three of them")
    }
}

/// Calls a chain: how often each service was called, and what became of the call.
async fn chain(protocol: Protocol, stack: Stack) -> ([usize; 3], Error) {
    let chain = Chain::new(protocol, stack).await;
    let failed = chain.first.client.one(&Context::background(), Item::default()).await;
    let Err(SuiteError::Call(error)) = failed else { panic!("{failed:?}") };
    (chain.begun(), error)
}

/// The same by REST, whose callers are not ours: the answer that they get.
async fn chain_by_rest(protocol: Protocol, stack: Stack) -> ([usize; 3], http::Answer) {
    let chain = Chain::new(protocol, stack).await;
    let mut connection = chain.net.dial(chain.first.host.address()).await.unwrap();
    http::begin_call(&mut connection, "/v1/one", "{}").await;
    let answer = http::read(&mut connection).await;
    (chain.begun(), answer)
}

/// Each service is called as often as `expected` says, whatever the wire, and every caller reads that
/// nobody may try again.
async fn is_marked_on_every_wire(stack: Stack, expected: [usize; 3]) {
    for protocol in [Protocol::Connect, Protocol::Grpc, Protocol::GrpcWeb] {
        let (begun, error) = chain(protocol, stack).await;
        assert_eq!(begun, expected, "{protocol:?}");
        assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::Exhausted));
        let (begun, answer) = chain_by_rest(protocol, stack).await;
        assert_eq!((begun, answer.status), (expected, 503), "{protocol:?}: {answer:?}");
        assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
        assert!(answer.head.contains("\r\ngrpc-retry-pushback-ms: -1"), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_again_below_is_tried_again_by_nobody_above() {
    is_marked_on_every_wire(PLENTY, [1, 1, 3]).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_does_not_allow_below_is_tried_again_by_nobody_above() {
    is_marked_on_every_wire(NO_BUDGET, [1, 1, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_breaker_that_just_opened_ends_below_is_tried_again_by_nobody_above() {
    is_marked_on_every_wire(TOUCHY, [1, 1, 1]).await;
}
