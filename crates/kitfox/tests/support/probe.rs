//! A service whose methods do to a host what it must bear.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kitfox::contract::{Route, Verb};
use kitfox::message::MessageSchema;
use kitfox::{BoxEndpoint, Contract, Endpoint, Error, Method, Reply, Request, Service};

/// How long `Slow` takes, and the work that `Detach` leaves behind.
pub(crate) const SLOW: Duration = Duration::from_secs(2);

static MESSAGE: MessageSchema =
    MessageSchema { name: "probe.v1.Any", package: "probe.v1", ..MessageSchema::BLANK };

static CONTRACT: Contract = Contract {
    package: "probe.v1",
    name: "Probe",
    docs: "",
    deprecated: false,
    methods: &[
        method("Echo", "/probe.v1.Probe/Echo", &[Route { verb: Verb::Post, template: "/v1/echo" }]),
        method("Slow", "/probe.v1.Probe/Slow", &[]),
        method("Hang", "/probe.v1.Probe/Hang", &[]),
        method("Detach", "/probe.v1.Probe/Detach", &[]),
        method("Block", "/probe.v1.Probe/Block", &[]),
    ],
};

const fn method(name: &'static str, path: &'static str, routes: &'static [Route]) -> Method {
    Method {
        routes,
        input: || &MESSAGE,
        output: || &MESSAGE,
        ..Method::unary("probe.v1.Probe", name, path)
    }
}

/// The service, and what it has seen. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Probe(Arc<Seen>);

#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    detached_work: AtomicBool,
}

impl Probe {
    /// How many calls have begun.
    pub(crate) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Whether work that `Detach` left behind was finished.
    pub(crate) fn detached_work_is_done(&self) -> bool {
        self.0.detached_work.load(Ordering::SeqCst)
    }

    /// Waits until `count` calls have begun.
    pub(crate) async fn called(&self, count: usize) {
        while self.calls() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Service for Probe {
    fn contract(&self) -> &'static Contract {
        &CONTRACT
    }

    fn endpoints(&self) -> Vec<BoxEndpoint> {
        let methods = CONTRACT.methods.iter();
        methods.map(|method| BoxEndpoint::new(Behaviour(method.name, self.clone()))).collect()
    }
}

struct Behaviour(&'static str, Probe);

impl Endpoint for Behaviour {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Behaviour(name, probe) = self;
        probe.0.calls.fetch_add(1, Ordering::SeqCst);
        match *name {
            "Slow" => tokio::time::sleep(SLOW).await,
            "Hang" => std::future::pending().await,
            "Detach" => {
                let seen = Arc::clone(&probe.0);
                drop(request.context.detach(SLOW * 10, |_| async move {
                    tokio::time::sleep(SLOW).await;
                    seen.detached_work.store(true, Ordering::SeqCst);
                }));
            }
            #[expect(clippy::disallowed_methods, reason = "a handler that blocks its thread")]
            "Block" => std::thread::sleep(Duration::from_secs(3600)),
            _ => {}
        }
        Ok(Reply::new(request.payload))
    }
}
