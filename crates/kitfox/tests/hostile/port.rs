//! A host under attack, and bare connections to it.

use std::time::Duration;

use kitfox::config::Environment;
use kitfox::platform::Connection;
use kitfox::transport::Limits;
use kitfox::{Host, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::service::{HostileServer, Victim};
use crate::support::memory::Memory;

pub(super) struct Port {
    pub(super) running: Running,
    pub(super) victim: Victim,
    net: Memory,
}

/// Longer than any limit of a host but those of a call and of a connection's age.
const PATIENCE: Duration = Duration::from_secs(500);

impl Port {
    pub(super) async fn start() -> Self {
        Port::with(|_| {}).await
    }

    /// A host whose limits `change` has changed.
    pub(super) async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        Port::of(Host::new("hostile").limits(limits)).await
    }

    /// A host beside whose services stands `application`.
    pub(super) async fn beside(application: axum::Router) -> Self {
        Port::of(Host::new("hostile").mount(application)).await
    }

    async fn of(host: Host) -> Self {
        let (net, victim) = (Memory::default(), Victim::default());
        let running = host
            .serve(HostileServer::new(victim.clone()))
            .platform(net.platform())
            .environment(Environment::default())
            .announce(false)
            .start()
            .await
            .unwrap();
        Port { running, victim, net }
    }

    pub(super) async fn connect(&self) -> Raw {
        Raw(self.net.dial(self.running.address()).await.unwrap())
    }

    /// All that comes back for `bytes` until the host hangs up, or for a long time.
    pub(super) async fn tell(&self, bytes: impl AsRef<[u8]>) -> Said {
        let mut raw = self.connect().await;
        raw.send(bytes).await;
        raw.rest().await
    }

    /// The host serves others as if nothing had happened.
    pub(super) async fn is_well(&self) {
        let said = self.tell("GET /v1/look/well HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let said = said.await;
        assert_eq!(said.statuses(), [200], "{}", said.text());
        assert!(said.text().contains(r#""label":"well""#), "{}", said.text());
    }
}

/// A bare connection.
pub(super) struct Raw(pub(super) Connection);

impl Raw {
    /// Sends as much as the host takes.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // Whoever was hung up on has nobody to talk to.
        let _ = timeout(PATIENCE, self.0.write_all(bytes.as_ref())).await;
    }

    /// What still comes until the host hangs up, or for a long time.
    pub(super) async fn rest(&mut self) -> Said {
        let mut bytes = Vec::new();
        let closed = timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.is_ok();
        Said { bytes, closed }
    }

    /// What comes within `time`.
    pub(super) async fn within(&mut self, time: Duration) -> Said {
        let mut bytes = Vec::new();
        let closed = timeout(time, self.0.read_to_end(&mut bytes)).await.is_ok();
        Said { bytes, closed }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) bytes: Vec<u8>,
    /// The host hung up.
    pub(super) closed: bool,
}

impl Said {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The statuses of answers over HTTP/1.1.
    pub(super) fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        let answers = text.split("HTTP/1.1 ").skip(1);
        answers.map(|answer| answer[..3].parse().unwrap()).collect()
    }
}
