//! Which services there are, and how each is put together: its store, its way to the others, its host.

use std::path::{Path, PathBuf};

use kitfox::{Handle, Host, HostError, Platform, ServiceChannelError};
use shop_catalog::{CatalogClient, CatalogServer};
use shop_orders::{OrdersClient, OrdersServer};
use shop_payments::{PaymentsClient, PaymentsServer, TroubleServer};
use shop_payments_service::Troubles;
use shop_store::{Store, StoreError};
use shop_storefront::StorefrontServer;
use tokio::io::AsyncReadExt;

use crate::registry::Registry;

/// A service of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Products and stock.
    Catalog,
    /// Takes money.
    Payments,
    /// Takes orders.
    Orders,
    /// The gateway.
    Storefront,
}

/// What a replica needs to know.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// The shop's folder.
    pub data: PathBuf,
    /// Whether the replica ends when standard input does.
    pub leash: bool,
}

/// Why a replica does not run.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// It has no store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot find the others.
    #[error(transparent)]
    Way(#[from] ServiceChannelError),
    /// Its host does not start.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl Role {
    /// All, in the order in which one would start them; any other order does, too.
    pub const ALL: [Role; 4] = [Role::Catalog, Role::Payments, Role::Orders, Role::Storefront];

    /// What it is called: by people, and in the registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Catalog => "catalog",
            Role::Payments => "payments",
            Role::Orders => "orders",
            Role::Storefront => "storefront",
        }
    }

    /// Runs one replica of it, until a signal or the end of the leash.
    ///
    /// # Errors
    /// When it cannot start.
    pub async fn run(self, settings: Settings) -> Result<(), RoleError> {
        let host = self.host(&settings.data).await?;
        if settings.leash {
            drop(Platform::system().tasks().spawn(follow(host.handle())));
        }
        Ok(host.run().await?)
    }

    async fn host(self, data: &Path) -> Result<Host, RoleError> {
        let registry = Registry::new(data);
        let open = |schema| Store::open(data.join(self.name()).with_extension("db"), schema);
        let host = Host::new(self.name()).version(env!("CARGO_PKG_VERSION"));
        // Any ports will do, since the registry knows them; `KITFOX_LISTEN` and `KITFOX_ADMIN` say others.
        let host = registry.enlist(host.listen("127.0.0.1:0").admin("127.0.0.1:0"));
        Ok(match self {
            Role::Catalog => {
                let store = open(shop_catalog_service::SCHEMA).await?;
                let service = shop_catalog_service::Service::new(store.clone());
                store.tend(host).serve(CatalogServer::new(service))
            }
            Role::Payments => {
                let store = open(shop_payments_service::SCHEMA).await?;
                let troubles = Troubles::default();
                let service = shop_payments_service::Service::new(store.clone(), troubles.clone());
                let host = store.tend(host).serve(PaymentsServer::new(service));
                host.serve(TroubleServer::new(troubles))
            }
            Role::Orders => {
                let store = open(shop_orders_service::SCHEMA).await?;
                let catalog = registry.way(Role::Catalog).build()?;
                let payments = registry.way(Role::Payments).build()?;
                let host = store.tend(host).client(&catalog).client(&payments);
                let (catalog, payments) =
                    (CatalogClient::new(&catalog), PaymentsClient::new(&payments));
                let service = shop_orders_service::Service::new(store, catalog, payments);
                host.serve(OrdersServer::new(service))
            }
            Role::Storefront => {
                let store = open(shop_storefront_service::SCHEMA).await?;
                let catalog = registry.way(Role::Catalog).build()?;
                let orders = registry.way(Role::Orders).build()?;
                let host = store.tend(host).client(&catalog).client(&orders);
                let (catalog, orders) = (CatalogClient::new(&catalog), OrdersClient::new(&orders));
                let service = shop_storefront_service::Service::new(store, catalog, orders);
                host.serve(StorefrontServer::new(service))
            }
        })
    }
}

/// Ends the host when standard input does: whoever holds the other end of that pipe lets go, or is gone.
#[cfg(unix)]
async fn follow(host: Handle) {
    use std::os::fd::AsFd;
    use tokio::net::unix::pipe::Receiver;

    // Not tokio's own standard input, which reads on a thread that nobody can end.
    let input = std::io::stdin().as_fd().try_clone_to_owned();
    if let Ok(mut input) = input.and_then(Receiver::from_owned_fd) {
        let mut byte = [0];
        while input.read(&mut byte).await.is_ok_and(|read| read > 0) {}
    }
    host.shutdown();
}

#[cfg(not(unix))]
async fn follow(host: Handle) {
    let mut byte = [0];
    while tokio::io::stdin().read(&mut byte).await.is_ok_and(|read| read > 0) {}
    host.shutdown();
}
