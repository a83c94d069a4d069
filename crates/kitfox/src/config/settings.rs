//! The values themselves.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kitfox_core::Secret;
use kitfox_telemetry::metrics::Metrics;
use kitfox_transport::Limits;
use kitfox_transport::wires::Cors;

use super::{Environment, Log, Otlp};

/// The values that a host runs with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Where the services listen, 127.0.0.1:8080 by default.
    pub listen: SocketAddr,
    /// Where the admin port listens, 127.0.0.1:9090 by default.
    pub admin: SocketAddr,
    /// What whoever uses the admin port must know; nothing by default. Without it an admin port that
    /// other machines reach tells them whether the process lives and its metrics, and nothing more.
    pub admin_token: Option<Secret<String>>,
    /// Whether the host prints what must be known, which it does by default: see
    /// [`Host::announce`](crate::Host::announce).
    pub announce: bool,
    /// Whether tools may ask what is served, which they may by default: see
    /// [`Host::reflection`](crate::Host::reflection).
    pub reflection: bool,
    /// How long each phase of the shutdown may take.
    pub drain: Drain,
    /// How the host is registered, where it is.
    pub register: Register,
    /// Which pages of a browser may call the services; none by default.
    pub cors: Cors,
    /// What protects the two ports.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
    /// The share of the traces beginning here that is recorded, from 0 to 1; 0.01 by default.
    pub sample: f64,
    /// How many series one metric may have, 1000 by default. More share one.
    pub series_limit: usize,
    /// Where telemetry is sent by OTLP, and how; nowhere by default.
    pub otlp: Otlp,
}

/// How a host is registered: see [`Host::register`](crate::Host::register).
///
/// ```
/// use kitfox::config::Register;
///
/// let register = Register { priority: 1, zone: Some("west".to_owned()), ..Register::default() };
/// let host = kitfox::Host::new("strings").register_as(register.with("git", "4711"));
/// # let _ = host;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// How others reach it: a host, or a host and a port. Where it listens by default.
    pub address: Option<String>,
    /// Where it runs, for callers that prefer what is near.
    pub zone: Option<String>,
    /// How many calls it takes beside the others, 100 by default.
    pub weight: u32,
    /// It is called only where too few of those of lower numbers are healthy; 0 by default.
    pub priority: u16,
    /// Whatever else there is to know: names with values.
    pub metadata: Vec<(String, String)>,
}

impl Default for Register {
    fn default() -> Self {
        Register { address: None, zone: None, weight: 100, priority: 0, metadata: Vec::new() }
    }
}

impl Register {
    /// With one more thing to know.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }
}

/// How long each phase of the shutdown may take.
///
/// The four parts together stay a second below [`grace`](Drain::grace), so that a host has ended by
/// itself before whoever runs it loses patience.
///
/// ```
/// use std::time::Duration;
/// use kitfox::config::Drain;
///
/// let drain = Drain { calls: Duration::from_secs(25), ..Drain::default() };
/// let host = kitfox::Host::new("strings").drain(drain);
/// # let _ = host;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long calls are still accepted after readiness fails, until every load balancer knows.
    /// Zero by default; 5 s in Kubernetes, where nobody said otherwise.
    pub propagation: Duration,
    /// How long the calls in flight have, 15 s by default. Then they are dropped.
    pub calls: Duration,
    /// How long workers and detached work have after the last call, 5 s by default. Then they are
    /// dropped.
    pub tasks: Duration,
    /// How long logs, metrics and traces have to get out at the end, 2 s by default. Then what is left
    /// is lost, and counted where that can still be read.
    pub flush: Duration,
    /// When whoever runs the process kills it, 30 s after the signal by default, as in Kubernetes
    /// (`terminationGracePeriodSeconds`).
    pub grace: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Drain {
            propagation: Duration::ZERO,
            calls: Duration::from_secs(15),
            tasks: Duration::from_secs(5),
            flush: Duration::from_secs(2),
            grace: Duration::from_secs(30),
        }
    }
}

impl Drain {
    /// What is left of the grace when all parts are used up, at least: to drop what was not done,
    /// and to end.
    pub const RESERVE: Duration = Duration::from_secs(1);

    /// How long the whole shutdown may take.
    #[must_use]
    pub fn total(&self) -> Duration {
        let parts = [self.propagation, self.calls, self.tasks, self.flush];
        parts.into_iter().fold(Duration::ZERO, Duration::saturating_add)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            admin_token: None,
            announce: true,
            reflection: true,
            drain: Drain::default(),
            register: Register::default(),
            cors: Cors::default(),
            limits: Limits::default(),
            log: Log::default(),
            sample: 0.01,
            series_limit: Metrics::SERIES_LIMIT,
            otlp: Otlp::default(),
        }
    }
}

impl Settings {
    /// The defaults in `environment`.
    pub(super) fn within(environment: &Environment) -> Self {
        let mut settings = Settings::default();
        if environment.is_kubernetes() {
            // Endpoints reach kube-proxies and load balancers some seconds after a pod is told to
            // end; calls that still come in that time would find the port closed.
            settings.drain.propagation = Duration::from_secs(5);
        }
        settings
    }
}
