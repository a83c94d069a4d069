//! The resolver of the `hickory-resolver` crate. Its sockets and its time are tokio's own and not the
//! platform's, so that a simulation needs another one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_core::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, Record, RecordType};

use super::{Records, Resolver, Srv};
use crate::RegistryError;

/// How long a name that there is not is believed not to be.
const NOBODY: Duration = Duration::from_secs(5);

/// Asks the DNS servers that this machine is set up with, or those that are named.
#[derive(Clone)]
pub struct SystemResolver(TokioResolver);

impl SystemResolver {
    /// Asks the servers of `/etc/resolv.conf`.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn new() -> Result<Self, RegistryError> {
        let failed =
            |error: NetError| RegistryError::failed("reading the system's resolver", &error);
        let mut builder = TokioResolver::builder_tokio().map_err(failed)?;
        limit(builder.options_mut());
        Ok(SystemResolver(builder.build().map_err(failed)?))
    }

    /// Asks this server, over UDP, and over TCP where an answer is too long for that.
    ///
    /// # Errors
    /// Where no resolver can be made of that.
    pub fn at(server: SocketAddr) -> Result<Self, RegistryError> {
        let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
        (udp.port, tcp.port) = (server.port(), server.port());
        let server = NameServerConfig::new(server.ip(), true, vec![udp, tcp]);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        limit(builder.options_mut());
        let failed = |error: NetError| RegistryError::failed("making a resolver", &error);
        Ok(SystemResolver(builder.build().map_err(failed)?))
    }

    async fn records(
        &self,
        name: &str,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), RegistryError> {
        let lookup = match self.0.lookup(name, kind).await {
            Ok(lookup) => lookup,
            Err(error) if error.is_no_records_found() => return Ok((Vec::new(), NOBODY)),
            Err(error) => {
                return Err(RegistryError::failed(
                    format!("asking DNS for {kind} of {name}"),
                    &error,
                ));
            }
        };
        let answers = lookup.answers();
        let valid = answers.iter().map(|record| record.ttl).min();
        let valid = valid.map_or(NOBODY, |seconds| Duration::from_secs(u64::from(seconds)));
        Ok((answers.iter().map(|Record { data, .. }| data.clone()).collect(), valid))
    }
}

/// It is asked when an answer is over, and would only know the same.
fn limit(options: &mut ResolverOpts) {
    options.cache_size = 0;
    options.timeout = Duration::from_secs(2);
    options.attempts = 2;
}

impl Resolver for SystemResolver {
    fn addresses<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Records<IpAddr>, RegistryError>> {
        Box::pin(async move {
            let (mut all, mut valid) = self.records(name, RecordType::A).await?;
            let (six, other) = self.records(name, RecordType::AAAA).await?;
            if all.is_empty() || !six.is_empty() {
                valid = valid.min(other);
            }
            all.extend(six);
            let records = all.into_iter().filter_map(|data| match data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                // A name that stands for another.
                _ => None,
            });
            Ok(Records { records: records.collect(), valid })
        })
    }

    fn services<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Records<Srv>, RegistryError>> {
        Box::pin(async move {
            let (all, valid) = self.records(name, RecordType::SRV).await?;
            let records = all.into_iter().filter_map(|data| match data {
                RData::SRV(srv) => Some(Srv {
                    priority: srv.priority,
                    weight: srv.weight,
                    port: srv.port,
                    target: srv.target.to_string(),
                }),
                _ => None,
            });
            Ok(Records { records: records.collect(), valid })
        })
    }
}

impl std::fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SystemResolver").finish_non_exhaustive()
    }
}
