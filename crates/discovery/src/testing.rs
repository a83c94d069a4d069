//! What the tests of the balancer stand on: replicas that are functions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use kitfox_core::contract::Method;
use kitfox_core::message::Codec;
use kitfox_core::platform::{Random, Tcp};
use kitfox_core::{
    BoxEndpoint, Channel, Code, Context, Endpoint, Error, Origin, Payload, Platform, Recovery,
    Reply, Request,
};

use crate::{BalanceSettings, Balanced, Connect, Instance, Line, Memory};

pub(crate) static METHOD: Method = Method::unary("test.v1.Test", "Call", "/test.v1.Test/Call");

type Answer = Result<Reply, Error>;
type Behaviour = dyn Fn(&str) -> BoxFuture<'static, Answer> + Send + Sync;

/// Replicas that all do what one function does, told their address; and who was called how often.
#[derive(Clone)]
pub(crate) struct Replicas(Arc<Inner>);

struct Inner {
    behaviour: Box<Behaviour>,
    calls: Mutex<BTreeMap<String, usize>>,
    cold: Mutex<BTreeSet<String>>,
    hanging: Mutex<BTreeSet<String>>,
}

impl Replicas {
    pub(crate) fn new<F>(behaviour: impl Fn(&str) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Replicas(Arc::new(Inner {
            behaviour: Box::new(move |address| Box::pin(behaviour(address))),
            calls: Mutex::default(),
            cold: Mutex::default(),
            hanging: Mutex::default(),
        }))
    }

    pub(crate) fn calls(&self, address: &str) -> usize {
        self.0.calls.lock().unwrap().get(address).copied().unwrap_or(0)
    }

    /// Nobody can connect to it, or everybody can.
    pub(crate) fn cold(&self, address: &str, cold: bool) {
        change(&self.0.cold, address, cold);
    }

    /// Connecting to it takes for ever, or comes to its end.
    pub(crate) fn hang(&self, address: &str, hangs: bool) {
        change(&self.0.hanging, address, hangs);
    }
}

fn change(all: &Mutex<BTreeSet<String>>, address: &str, is: bool) {
    let mut all = all.lock().unwrap();
    if is {
        all.insert(address.to_owned())
    } else {
        all.remove(address)
    };
}

impl Connect for Replicas {
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error> {
        let (replicas, address) = (self.clone(), instance.address.clone());
        Ok(Box::new(Way { replicas, address }))
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

#[derive(Clone)]
struct Way {
    replicas: Replicas,
    address: String,
}

impl Way {
    fn is_cold(&self) -> bool {
        self.replicas.0.cold.lock().unwrap().contains(&self.address)
    }

    fn hangs(&self) -> bool {
        self.replicas.0.hanging.lock().unwrap().contains(&self.address)
    }

    async fn connected(&self) -> Result<(), Error> {
        while self.hangs() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        if self.is_cold() { Err(refused()) } else { Ok(()) }
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

impl Line for Way {
    fn is_warm(&self) -> bool {
        !self.is_cold() && !self.hangs()
    }

    fn warm(&self) -> BoxFuture<'static, Result<(), Error>> {
        let way = self.clone();
        Box::pin(async move { way.connected().await })
    }
}

impl Endpoint for Way {
    async fn call(&self, _: Request) -> Answer {
        self.connected().await?;
        *self.replicas.0.calls.lock().unwrap().entry(self.address.clone()).or_default() += 1;
        (self.replicas.0.behaviour)(&self.address).await
    }
}

pub(crate) fn refused() -> Error {
    Error::new(Code::Unavailable, "connection refused")
        .with_origin(Origin::Transport)
        .with_recovery(Recovery::NeverProcessed)
}

pub(crate) fn answer() -> Answer {
    Ok(Reply::new(Payload::unary(Codec::Json, "{}".into())))
}

pub(crate) fn by_peer(code: Code) -> Answer {
    Err(Error::new(code, "").with_origin(Origin::Peer))
}

/// A balancer over replicas at these addresses, and an endpoint of it.
pub(crate) struct Bench {
    pub(crate) registry: Memory,
    pub(crate) balanced: Balanced,
    endpoint: BoxEndpoint,
    platform: Platform,
}

impl Bench {
    pub(crate) async fn new(
        addresses: &[&str],
        replicas: &Replicas,
        settings: BalanceSettings,
    ) -> Self {
        let registry = Memory::new();
        registry.set("test", addresses.iter().map(|address| Instance::new(*address)));
        Bench::over(registry, replicas, settings).await
    }

    pub(crate) async fn over(
        registry: Memory,
        replicas: &Replicas,
        settings: BalanceSettings,
    ) -> Self {
        let platform = Platform::new(Tcp, Random::seeded(7));
        let balanced =
            Balanced::new("test", &registry, replicas.clone(), settings, &platform).unwrap();
        let endpoint = balanced.endpoint(&METHOD);
        settle().await;
        Bench { registry, balanced, endpoint, platform }
    }

    /// How many random numbers there were so far.
    pub(crate) fn drawn(&self) -> usize {
        let (next, again) = (self.platform.random().next_u64(), Random::seeded(7));
        (0..).find(|_| again.next_u64() == next).expect("it comes")
    }

    pub(crate) async fn call(&self) -> Answer {
        self.call_in(Context::background()).await
    }

    pub(crate) async fn call_in(&self, context: Context) -> Answer {
        let payload = Payload::unary(Codec::Json, "{}".into());
        self.endpoint.call(Request::new(context, payload)).await
    }
}

/// Lets background tasks do what they have to.
pub(crate) async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}
