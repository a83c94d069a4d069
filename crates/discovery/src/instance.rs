//! One running copy of a service, and the full list of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::net::IpAddr;

use crate::RegistryError;

/// One running copy of a service, as a registry knows it.
///
/// ```
/// use kitfox_discovery::Instance;
///
/// let instance = Instance::new("10.0.0.7:8080").zone("west").weight(50);
/// assert_eq!(instance.address, "10.0.0.7:8080");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// Where it takes calls: `host:port`. Of two instances with one address only one is kept.
    pub address: String,
    /// How many calls it takes beside the others: 100 by default, at least 1.
    pub weight: u32,
    /// Instances of a higher number are called only where too few of the lower ones are healthy, as
    /// in DNS SRV records: 0 by default.
    pub priority: u16,
    /// Where it runs, for callers that prefer what is near.
    pub zone: Option<String>,
    /// Which version it is.
    pub version: Option<String>,
    /// Whatever else there is to know.
    pub metadata: BTreeMap<String, String>,
}

impl Instance {
    /// An instance at `address` (`host:port`) with every default.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Instance {
            address: address.into(),
            weight: 100,
            priority: 0,
            zone: None,
            version: None,
            metadata: BTreeMap::new(),
        }
    }

    /// With another weight; 0 is 1.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// With another priority.
    #[must_use]
    pub fn priority(mut self, priority: u16) -> Self {
        self.priority = priority;
        self
    }

    /// In a zone.
    #[must_use]
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Of a version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// With one more thing to know.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Whether somebody could call it, as far as its address tells.
    ///
    /// # Errors
    /// Where that is no `host:port`, or is every address of a machine and so none to call.
    pub fn check(&self) -> Result<(), RegistryError> {
        let mend = match host(&self.address) {
            None => "give a host and a port from 1 to 65535, such as `10.0.0.7:8080`",
            Some(host) if is_every_address(host) => {
                "that is every address of a machine: give the one by which others reach it"
            }
            Some(_) => return Ok(()),
        };
        Err(RegistryError::Name { what: "address", name: self.address.clone(), mend })
    }
}

/// The host of a `host:port`.
fn host(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    let sane = !host.is_empty() && !address.contains(char::is_whitespace);
    (sane && port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(host)
}

fn is_every_address(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    ip.is_ok_and(|ip| ip.is_unspecified())
}

/// Every instance of a service at one moment, in the order of their addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    instances: Vec<Instance>,
    ignored: Vec<Ignored>,
}

/// An entry of a registry that is no instance, and why. It harms nobody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The entry.
    pub entry: String,
    /// What is wrong with it.
    pub why: String,
}

impl Snapshot {
    /// These; of those with one address the first.
    #[must_use]
    pub fn new(instances: impl IntoIterator<Item = Instance>) -> Self {
        let mut seen = HashSet::new();
        let mut instances: Vec<_> = instances.into_iter().collect();
        instances.retain(|instance| seen.insert(instance.address.clone()));
        instances.sort_by(|a, b| a.address.cmp(&b.address));
        Snapshot { instances, ignored: Vec::new() }
    }

    /// With entries that are no instances.
    #[must_use]
    pub fn ignoring(mut self, ignored: Vec<Ignored>) -> Self {
        self.ignored = ignored;
        self
    }

    /// The instances.
    #[must_use]
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// What else was found.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// How many instances there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entry, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_somebody_can_call() {
        for address in ["a:1", "10.0.0.7:8080", "[::1]:80", "shop-1.west:443"] {
            assert_eq!(Instance::new(address).check(), Ok(()), "{address}");
        }
        for address in ["", "a", ":80", "a:0", "a:99999", "a b:80", "0.0.0.0:80", "[::]:80"] {
            let error = Instance::new(address).check().unwrap_err();
            assert!(error.to_string().contains(&format!("no address `{address}`")), "{error}");
        }
    }

    #[test]
    fn a_snapshot_is_in_order_and_has_an_address_once() {
        let of = |address: &str, weight| Instance::new(address).weight(weight);
        let snapshot = Snapshot::new([of("b:1", 1), of("a:1", 2), of("b:1", 3)]);
        assert_eq!(snapshot.instances(), [of("a:1", 2), of("b:1", 1)]);
    }
}
