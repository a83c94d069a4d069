//! How one process of the shop finds the others: a folder is the registry.

use std::net::SocketAddr;
use std::path::Path;

use kitfox::discovery::{Directory, Watcher};
use kitfox::{Host, Platform, Protocol, ServiceChannel, ServiceChannelBuilder};

use crate::rest::Rest;
use crate::role::Role;

/// Who is where.
#[derive(Clone, Debug)]
pub struct Registry(Directory);

impl Registry {
    /// That of the shop in the folder `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Registry(Directory::new(data.join("registry")))
    }

    /// A host that others find by its name, for as long as it is ready.
    pub fn enlist(&self, host: Host) -> Host {
        host.register(self.0.clone())
    }

    /// The way to all replicas of `role`: by gRPC, and with everything that Kitfox puts on it.
    pub fn way(&self, role: Role) -> ServiceChannelBuilder<'_> {
        self.any_way(role).http(|replica| replica.protocol(Protocol::Grpc))
    }

    /// The same by REST: of what has routes.
    pub fn rest(&self, role: Role) -> ServiceChannelBuilder<'_> {
        self.any_way(role).connect(Rest)
    }

    fn any_way(&self, role: Role) -> ServiceChannelBuilder<'_> {
        ServiceChannel::builder(role.name(), &self.0)
            // Of two replicas one may go, and half of what is in flight with it. That this does not
            // become a storm is seen to by the budget's share of the last ten seconds.
            .set("budget.in_flight", 1)
    }

    /// Waits until the replica at `address` can be found as one of `role`.
    pub async fn knows(&self, role: Role, address: SocketAddr) {
        let address = address.to_string();
        // A registry that does not work is asked again.
        let Ok(mut watcher) = Watcher::start(&self.0, role.name(), &Platform::system()) else {
            return;
        };
        loop {
            let list = watcher.view().snapshot.unwrap_or_default();
            if list.instances().iter().any(|instance| instance.address == address) {
                return;
            }
            if !watcher.changed().await {
                return;
            }
        }
    }
}
