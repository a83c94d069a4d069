//! A service that fails when it is told to, and a fleet of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox::config::Environment;
use kitfox::discovery::{Instance, Memory as Registry};
use kitfox::{
    Code, Context, Error, Host, Recovery, Running, ServiceChannel, ServiceChannelBuilder,
};

use crate::support::http::{Answer, send};
use crate::support::memory::Memory;

#[kitfox::service(package = "pay.v1", unlocked)]
pub(crate) trait Payments {
    /// May be called again.
    #[endpoint(idempotent)]
    async fn quote(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError>;

    /// May not.
    async fn charge(&self, cx: &Context, request: Amount) -> Result<Amount, PaymentsError>;
}

#[kitfox::message]
#[derive(Clone)]
pub(crate) struct Amount {
    pub(crate) cents: u64,
}

#[kitfox::error]
pub(crate) enum PaymentsError {
    /// the card is declined
    #[code(FailedPrecondition)]
    Declined,
    /// the bank is closed
    #[code(Unavailable)]
    BankClosed,
    #[call]
    Call(Error),
}

/// How a replica behaves.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Well,
    Unavailable,
    Declining,
}

/// A replica.
#[derive(Clone)]
pub(crate) struct Replica {
    mood: Mood,
    calls: Arc<AtomicUsize>,
}

impl Replica {
    pub(crate) fn new(mood: Mood) -> Self {
        Replica { mood, calls: Arc::default() }
    }

    fn answer(&self, request: Amount) -> Result<Amount, PaymentsError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.mood {
            Mood::Well => Ok(request),
            Mood::Declining => Err(PaymentsError::Declined),
            Mood::Unavailable => Err(PaymentsError::Call(
                Error::new(Code::Unavailable, "the bank is closed").with_recovery(Recovery::Retry),
            )),
        }
    }
}

impl Payments for Replica {
    async fn quote(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.answer(request)
    }

    async fn charge(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.answer(request)
    }
}

/// Several replicas, each in a host.
pub(crate) struct Fleet {
    pub(crate) net: Memory,
    pub(crate) registry: Registry,
    replicas: Vec<(Running, Arc<AtomicUsize>)>,
}

impl Fleet {
    /// One replica for each mood.
    pub(crate) async fn of(moods: &[Mood]) -> Self {
        let (net, registry) = (Memory::default(), Registry::new());
        let mut replicas = Vec::new();
        for mood in moods {
            let replica = Replica::new(*mood);
            let calls = Arc::clone(&replica.calls);
            let host = host(&net, "payments").serve(PaymentsServer::new(replica));
            replicas.push((host.start().await.unwrap(), calls));
        }
        let fleet = Fleet { net, registry, replicas };
        fleet.registry.set("payments", fleet.instances());
        fleet
    }

    /// A channel to them.
    pub(crate) fn channel(&self) -> ServiceChannelBuilder<'_> {
        ServiceChannel::builder("payments", &self.registry).platform(self.net.platform())
    }

    /// Where they are.
    pub(crate) fn instances(&self) -> Vec<Instance> {
        self.replicas.iter().map(|(it, _)| Instance::new(it.address().to_string())).collect()
    }

    /// Asks the admin port of a host on the same network.
    pub(crate) async fn ask(&self, host: &Running, method: &str, path: &str) -> Answer {
        let mut admin = self.net.dial(host.admin_address()).await.unwrap();
        send(&mut admin, method, path).await
    }

    /// How many calls each has had.
    pub(crate) fn calls(&self) -> Vec<usize> {
        self.replicas.iter().map(|(_, calls)| calls.load(Ordering::SeqCst)).collect()
    }
}

/// A host on `net` that reads nothing of this process's environment.
pub(crate) fn host(net: &Memory, name: &str) -> Host {
    Host::new(name)
        .platform(net.platform())
        .environment(Environment::default())
        .announce(false)
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
}

pub(crate) fn amount() -> Amount {
    Amount { cents: 7 }
}
