//! How a host gets into registries when it is ready, and out of them first of all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kitfox_core::Platform;
use kitfox_core::meter::{Level, Measure, Reading};
use kitfox_core::platform::Task;
use kitfox_discovery::{Instance, Registered, Registrar, Standing};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::HostError;
use super::readiness::Readiness;
use super::standings::{Entry, Standings};
use crate::config::Register;

/// How often a host that is not ready yet looks whether it is.
const LOOK: Duration = Duration::from_millis(100);

/// How long leaving the registries may take; it is a part of
/// [`Drain::RESERVE`](crate::config::Drain::RESERVE).
const LEAVE: Duration = Duration::from_millis(500);

/// The registries that a host is in.
pub(super) struct Registrations {
    leave: CancellationToken,
    all: Vec<Task<()>>,
}

/// The instance that a host is.
pub(super) fn instance(
    register: &Register,
    listen: SocketAddr,
    version: Option<&str>,
) -> Result<Instance, HostError> {
    let address = match &register.address {
        Some(address) if has_port(address) => address.clone(),
        Some(host) => format!("{host}:{}", listen.port()),
        None if listen.ip().is_unspecified() => {
            return Err(HostError::NoAddress { listen });
        }
        None => listen.to_string(),
    };
    let mut instance = Instance::new(address).weight(register.weight).priority(register.priority);
    instance.version = version.map(str::to_owned);
    instance.zone = register.zone.clone();
    instance.metadata = register.metadata.iter().cloned().collect();
    Ok(instance)
}

/// What tells a host from its peers and is the same after a restart: where others reach it. Nothing
/// where every machine has that.
pub(super) fn identity(instance: Option<&Instance>, listen: SocketAddr) -> Option<String> {
    let own = !listen.ip().is_unspecified() && !listen.ip().is_loopback();
    let registered = instance.map(|instance| instance.address.clone());
    registered.or_else(|| own.then(|| listen.to_string()))
}

/// Whether all registries could take the host, before it says that it serves.
pub(super) fn check(
    registrars: &[Arc<dyn Registrar>],
    service: &str,
    instance: &Instance,
) -> Result<(), HostError> {
    registrars.iter().try_for_each(|registrar| {
        let refused = |error| HostError::Unregistrable { registry: registrar.describe(), error };
        registrar.check(service, instance).map_err(refused)
    })
}

/// Whether an address ends in a port; an IPv6 address alone does not.
fn has_port(address: &str) -> bool {
    let host = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok());
    host.is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'))
}

impl Registrations {
    /// Registers `instance` as one of `service` as soon as the host is ready, and tells the standings.
    pub(super) fn begin(
        registrars: Vec<Arc<dyn Registrar>>,
        service: &str,
        instance: &Instance,
        (standings, readiness): (&Standings, &Arc<Readiness>),
        platform: &Platform,
    ) -> Self {
        let leave = CancellationToken::new();
        let begin = |(registrar, entry): (Arc<dyn Registrar>, Arc<Entry>)| {
            let stay = Stay {
                level: measured(&*registrar, platform),
                entry,
                registrar,
                service: service.to_owned(),
                instance: instance.clone(),
                readiness: Arc::clone(readiness),
                platform: platform.clone(),
                leave: leave.clone(),
            };
            platform.tasks().spawn(stay.run())
        };
        let all = registrars.into_iter().zip(standings.entries()).map(begin).collect();
        Registrations { leave, all }
    }

    /// Leaves all registries, and comes back when that is done, or was not in time.
    pub(super) async fn leave(&mut self) {
        self.leave.cancel();
        let _ = timeout(LEAVE, join_all(self.all.drain(..))).await;
    }
}

/// One registry, from the first attempt to the end.
struct Stay {
    registrar: Arc<dyn Registrar>,
    service: String,
    instance: Instance,
    readiness: Arc<Readiness>,
    platform: Platform,
    leave: CancellationToken,
    level: Level,
    entry: Arc<Entry>,
}

impl Stay {
    async fn run(self) {
        let Some(()) = self.leave.run_until_cancelled(self.ready()).await else { return };
        let Stay { registrar, service, instance, platform, leave, level, entry, .. } = self;
        let registry = registrar.describe();
        let mut registered = Registered::start(registrar, &service, instance, &platform);
        let follow = async {
            loop {
                let standing = registered.standing();
                level.set(i64::from(matches!(standing, Standing::Registered)));
                entry.tell(standing);
                registered.changed().await;
            }
        };
        let _: Option<()> = leave.run_until_cancelled(follow).await;
        if let Err(error) = registered.leave(LEAVE).await {
            tracing::warn!(registry, %error, "the registry was not told that this host leaves");
        }
        entry.tell(registered.standing());
        level.set(0);
    }

    async fn ready(&self) {
        while !self.readiness.verdict().await.is_ready() {
            sleep(LOOK).await;
        }
    }
}

/// Whether the host is registered, as a metric.
fn measured(registrar: &dyn Registrar, platform: &Platform) -> Level {
    let level = Level::default();
    if let Some(observer) = platform.observer() {
        observer.measure(Measure {
            name: "kitfox.registered",
            help: "Whether this host is registered: 1 if it is.",
            labels: vec![("registry", registrar.describe())],
            reading: Reading::Level(level.clone()),
        });
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: Option<&str>, listen: &str) -> Result<String, HostError> {
        let register = Register { address: address.map(str::to_owned), ..Register::default() };
        instance(&register, listen.parse().unwrap(), None).map(|instance| instance.address)
    }

    #[test]
    fn a_host_is_found_where_it_listens_or_where_it_says() {
        for (address, listen, found) in [
            (None, "127.0.0.1:80", "127.0.0.1:80"),
            (Some("10.0.0.7"), "0.0.0.0:80", "10.0.0.7:80"),
            (Some("shop-1:8443"), "0.0.0.0:80", "shop-1:8443"),
            (Some("[::1]"), "[::]:80", "[::1]:80"),
            (Some("[::1]:81"), "[::]:80", "[::1]:81"),
        ] {
            assert_eq!(of(address, listen).unwrap(), found);
        }
    }

    #[test]
    fn a_host_is_known_by_where_it_is_reached_where_no_other_machine_has_that() {
        let instance = Instance::new("shop-1:80");
        for (registered, listen, known) in [
            (Some(&instance), "0.0.0.0:80", Some("shop-1:80")),
            (None, "10.0.0.7:80", Some("10.0.0.7:80")),
            (None, "0.0.0.0:80", None),
            (None, "[::1]:80", None),
        ] {
            assert_eq!(identity(registered, listen.parse().unwrap()).as_deref(), known);
        }
    }

    #[test]
    fn an_address_that_means_every_address_is_none_to_call() {
        let error = of(None, "0.0.0.0:80").unwrap_err().to_string();
        assert!(error.contains("KITFOX_REGISTER_ADDRESS"), "{error}");
    }
}
