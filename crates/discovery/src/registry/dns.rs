//! DNS as a registry: nobody registers there, and everybody can ask.
//!
//! Either the addresses of a name are the instances (A and AAAA records, all at one port), or its SRV
//! records are (RFC 2782), each with a port, a priority and a weight. It is asked again when the
//! shortest time to live of an answer is over.

#[cfg(feature = "dns")]
mod hickory;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox_core::Platform;
use tokio::time::{Instant, sleep_until};

#[cfg(feature = "dns")]
pub use hickory::SystemResolver;

use crate::{Discovery, Ignored, Instance, RegistryError, Snapshot, Watch};

/// How soon is asked again at the earliest, whatever the time to live.
const LEAST: Duration = Duration::from_secs(1);

/// How soon is asked again at the latest: records may change before their time.
const MOST: Duration = Duration::from_secs(60);

/// The records of one kind that a name has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<T> {
    /// The records; none where there is no such name.
    pub records: Vec<T>,
    /// For how long they hold.
    pub valid: Duration,
}

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones are preferred.
    pub priority: u16,
    /// Beside others of the same priority. Zero, which means hardly any calls, counts as one.
    pub weight: u16,
    /// Where the instance listens.
    pub port: u16,
    /// The name of its machine.
    pub target: String,
}

/// Who asks DNS servers. With the feature `dns`, `SystemResolver` does.
pub trait Resolver: Send + Sync + 'static {
    /// The addresses of a name, of IPv4 and IPv6.
    fn addresses<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Records<IpAddr>, RegistryError>>;

    /// The SRV records of a name.
    fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Records<Srv>, RegistryError>>;
}

/// DNS as a registry. In the pattern of a name, `{service}` stands for the service.
///
/// ```
/// # use std::sync::Arc;
/// # fn doc(resolver: Arc<dyn kitfox_discovery::Resolver>) {
/// use kitfox_discovery::Dns;
///
/// // A headless service of Kubernetes:
/// let addresses = Dns::addresses("{service}.default.svc.cluster.local", 8080, Arc::clone(&resolver));
/// // Ports, priorities and weights as well:
/// let services = Dns::services("_{service}._tcp.example.org", resolver);
/// # let _ = (addresses, services);
/// # }
/// ```
#[derive(Clone)]
pub struct Dns {
    pattern: String,
    /// None where SRV records tell it.
    port: Option<u16>,
    resolver: Arc<dyn Resolver>,
}

impl Dns {
    /// The addresses of a name are the instances, all at `port`.
    #[must_use]
    pub fn addresses(pattern: &str, port: u16, resolver: Arc<dyn Resolver>) -> Self {
        Dns { pattern: pattern.to_owned(), port: Some(port), resolver }
    }

    /// The SRV records of a name are the instances.
    #[must_use]
    pub fn services(pattern: &str, resolver: Arc<dyn Resolver>) -> Self {
        Dns { pattern: pattern.to_owned(), port: None, resolver }
    }
}

impl Discovery for Dns {
    fn describe(&self) -> String {
        format!("DNS {}", self.pattern)
    }

    fn watch(&self, service: &str, platform: &Platform) -> Result<Box<dyn Watch>, RegistryError> {
        let sane = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if service.is_empty() || !service.chars().all(sane) {
            let mend = "use letters, digits and `-_.`";
            return Err(RegistryError::Name { what: "service", name: service.to_owned(), mend });
        }
        let name = self.pattern.replace("{service}", service);
        let (dns, platform) = (self.clone(), platform.clone());
        Ok(Box::new(Watching { dns, name, platform, told: None, due: None }))
    }
}

struct Watching {
    dns: Dns,
    name: String,
    platform: Platform,
    told: Option<Snapshot>,
    /// When the last answer holds no more, unless that was waited for. A moment and no time, so that
    /// whoever stops waiting and asks again waits no longer.
    due: Option<Instant>,
}

impl Watch for Watching {
    fn next(&mut self) -> BoxFuture<'_, Result<Snapshot, RegistryError>> {
        Box::pin(async move {
            loop {
                if let Some(due) = self.due {
                    sleep_until(due).await;
                    self.due = None;
                }
                match self.ask().await {
                    Err(error) => {
                        self.told = None;
                        return Err(error);
                    }
                    Ok((snapshot, valid)) => {
                        self.due = Some(Instant::now() + self.pause(valid));
                        if self.told.as_ref() != Some(&snapshot) {
                            self.told = Some(snapshot.clone());
                            return Ok(snapshot);
                        }
                    }
                }
            }
        })
    }
}

impl Watching {
    /// How long an answer is taken to hold: up to a tenth longer by chance, so that not all ask at once.
    fn pause(&self, valid: Duration) -> Duration {
        let longer = 1.0 + self.platform.random().next_f64() / 10.0;
        valid.clamp(LEAST, MOST).mul_f64(longer)
    }

    async fn ask(&self) -> Result<(Snapshot, Duration), RegistryError> {
        let resolver = &*self.dns.resolver;
        match self.dns.port {
            Some(port) => {
                let Records { records, valid } = resolver.addresses(&self.name).await?;
                let instances = records.into_iter().map(|ip| Instance::new(address(ip, port)));
                Ok((Snapshot::new(instances), valid))
            }
            None => self.ask_services(resolver).await,
        }
    }

    async fn ask_services(
        &self,
        resolver: &dyn Resolver,
    ) -> Result<(Snapshot, Duration), RegistryError> {
        let Records { records, mut valid } = resolver.services(&self.name).await?;
        let (mut instances, mut ignored, mut failure) = (Vec::new(), Vec::new(), None);
        for Srv { priority, weight, port, target } in records {
            // By RFC 2782 a dot says that there is no such service.
            if target.is_empty() || target == "." {
                continue;
            }
            let found = match resolver.addresses(&target).await {
                Ok(found) => found,
                Err(error) => {
                    ignored.push(Ignored { entry: target, why: error.to_string() });
                    failure = Some(error);
                    continue;
                }
            };
            if found.records.is_empty() {
                let why = "the target of an SRV record has no address".to_owned();
                ignored.push(Ignored { entry: target.clone(), why });
            }
            valid = valid.min(found.valid);
            instances.extend(found.records.into_iter().map(|ip| {
                let instance = Instance::new(address(ip, port)).priority(priority);
                instance.weight(u32::from(weight)).with("host", target.trim_end_matches('.'))
            }));
        }
        match failure {
            // A target that cannot be asked for is no reason to lose the others.
            Some(error) if instances.is_empty() => Err(error),
            _ => Ok((Snapshot::new(instances).ignoring(ignored), valid)),
        }
    }
}

fn address(ip: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(ip, port).to_string()
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Dns");
        debug.field("pattern", &self.pattern).field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
