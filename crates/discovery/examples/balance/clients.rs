//! Those who call: each with a balancer of its own that knows nothing of the others.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use kitfox_core::contract::{Idempotency, Method, Shape};
use kitfox_core::message::{Codec, Message};
use kitfox_core::platform::Random;
use kitfox_core::{
    BoxEndpoint, Channel, Code, Context, DomainError, Endpoint, Error, Incoming, Layer, Origin,
    Payload, Platform, Recovery, Reply, Request,
};
use kitfox_discovery::{
    BalanceSettings, Balanced, Connect, Instance, Line, Policy, StaticList, SteadyLine,
};
use kitfox_resilience::{
    Budget, BudgetSettings, Hedge, HedgeSettings, Live, Mode, Retry, RetrySettings,
};
use tower::Service;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::{CompleteOnResponse, PeakEwma};

use crate::fleet::Fleet;
use crate::simulation::REPLICAS;

static METHOD: Method = Method {
    service: "balance.v1.Balance",
    name: "Call",
    path: "/balance.v1.Balance/Call",
    docs: "",
    shape: Shape::Unary,
    idempotency: Idempotency::Safe,
    detached: false,
    deprecated: false,
    routes: &[],
    input: <() as Message>::schema,
    output: <() as Message>::schema,
    errors: <Error as DomainError>::SCHEMA,
};

/// Who decides where a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balancer {
    Kitfox,
    /// The same with retries as they are by default.
    Retries,
    /// The same with hedges as they are when switched on.
    Hedges,
    /// Kitfox's, one after the other, with nobody left out.
    Turns,
    /// Tower's power of two choices by peak EWMA.
    Tower,
}

impl Balancer {
    /// The same without retries and hedges.
    pub(crate) fn plain(self) -> Self {
        match self {
            Balancer::Retries | Balancer::Hedges => Balancer::Kitfox,
            other => other,
        }
    }
}

impl fmt::Display for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Balancer::Kitfox => "Kitfox",
            Balancer::Retries => "Kitfox, retries",
            Balancer::Hedges => "Kitfox, hedges",
            Balancer::Turns => "round robin",
            Balancer::Tower => "tower P2C, peak EWMA",
        })
    }
}

/// One who calls.
pub(crate) enum Client {
    /// With the platform of its calls, whose chance is the seed's.
    Kitfox(BoxEndpoint, Platform),
    Tower(Box<Mutex<Towers>>),
}

type Towers = Balance<ServiceList<Vec<PeakEwma<Way>>>, ()>;

impl Client {
    pub(crate) fn new(balancer: Balancer, fleet: &Arc<Fleet>, platform: &Platform) -> Self {
        if balancer == Balancer::Tower {
            return Client::Tower(Box::new(Mutex::new(tower(fleet, platform))));
        }
        let mut settings = BalanceSettings::default();
        if balancer == Balancer::Turns {
            settings.policy = Policy::RoundRobin;
            settings.health.eject = false;
        }
        let addresses = (0..REPLICAS).map(|number| format!("replica:{number}"));
        let list = StaticList::new().service("fleet", addresses);
        let balanced =
            Balanced::new("fleet", &list, Replicas(Arc::clone(fleet)), settings, platform)
                .expect("the service is in the list");
        let pick = balanced.endpoint(&METHOD);
        let endpoint = match balancer {
            Balancer::Retries => {
                let budget = Budget::new(Live::new(BudgetSettings::default()));
                let retry = Retry::new(Live::new(RetrySettings::default()), budget.clone());
                let endpoint = BoxEndpoint::new(retry.layer(&METHOD, pick));
                BoxEndpoint::new(budget.layer(&METHOD, endpoint))
            }
            Balancer::Hedges => {
                let budget = Budget::new(Live::new(BudgetSettings::default()));
                let settings = HedgeSettings { mode: Mode::On, ..HedgeSettings::default() };
                let hedge = Hedge::new(Live::new(settings), budget.clone());
                let endpoint = BoxEndpoint::new(hedge.layer(&METHOD, pick));
                BoxEndpoint::new(budget.layer(&METHOD, endpoint))
            }
            _ => pick,
        };
        Client::Kitfox(endpoint, platform.clone())
    }

    /// Makes a call, and says whether it was answered.
    pub(crate) async fn call(&self, patience: Duration) -> bool {
        match self {
            Client::Kitfox(endpoint, platform) => {
                let platform = Some(platform.clone());
                let context = Context::incoming(Incoming { platform, ..Incoming::default() });
                let context = context.with_timeout(patience);
                let payload = Payload::unary(Codec::Json, "{}".into());
                endpoint.call(Request::new(context, payload)).await.is_ok()
            }
            Client::Tower(balance) => {
                let begin = |cx: &mut TaskContext<'_>| {
                    let mut balance = balance.lock().unwrap_or_else(PoisonError::into_inner);
                    let ready = Service::<()>::poll_ready(&mut *balance, cx);
                    ready.map(|ready| ready.map(|()| balance.call(())))
                };
                match poll_fn(begin).await {
                    Ok(answer) => answer.await.is_ok(),
                    Err(_) => false,
                }
            }
        }
    }
}

/// The way to one replica.
#[derive(Clone)]
struct Replicas(Arc<Fleet>);

/// The way to one replica.
#[derive(Clone)]
pub(crate) struct Way {
    fleet: Arc<Fleet>,
    number: usize,
}

impl Connect for Replicas {
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
        let number = instance.address.rsplit_once(':').and_then(|(_, number)| number.parse().ok());
        let number = number.expect("addresses end in numbers");
        Ok(Box::new(SteadyLine(Way { fleet: Arc::clone(&self.0), number })))
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

impl Channel for Way {
    fn endpoint(&self, _: &'static Method) -> BoxEndpoint {
        BoxEndpoint::new(self.clone())
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

impl Endpoint for Way {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        if self.fleet.replica(self.number).call().await {
            return Ok(Reply::new(Payload::unary(Codec::Json, "{}".into())));
        }
        let error = Error::new(Code::Unavailable, "").with_origin(Origin::Peer);
        Err(error.with_recovery(Recovery::Retry))
    }
}

impl Service<()> for Way {
    type Response = ();
    type Error = Broken;
    type Future = BoxFuture<'static, Result<(), Broken>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let Way { fleet, number } = self.clone();
        Box::pin(async move {
            let answered = fleet.replica(number).call().await;
            answered.then_some(()).ok_or(Broken)
        })
    }
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("the replica failed")]
pub(crate) struct Broken;

/// Tower's balancer with the same time to remember and the same first latency as ours.
fn tower(fleet: &Arc<Fleet>, platform: &Platform) -> Towers {
    let settings = BalanceSettings::default();
    let memory = settings.memory.as_nanos() as f64;
    let ways = (0..REPLICAS).map(|number| {
        let way = Way { fleet: Arc::clone(fleet), number };
        PeakEwma::new(way, settings.first_latency, memory, CompleteOnResponse::default())
    });
    let seeded = Random::seeded(platform.random().next_u64());
    Balance::from_rng(ServiceList::new::<()>(ways.collect()), Seeded(seeded))
}

struct Seeded(Random);

impl tower::util::rng::Rng for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}
