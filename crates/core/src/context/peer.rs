//! Who calls: the other end of the connection, and who that is.

use std::net::SocketAddr;
use std::sync::Arc;

/// The other end of a connection, made once for each connection.
#[derive(Clone, Debug)]
pub struct Peer(Arc<SocketAddr>);

impl Peer {
    /// The peer at `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Peer(Arc::new(address))
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        *self.0
    }
}

/// Who is calling, as authentication found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal(Arc<str>);

impl Principal {
    /// The principal of that name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Principal(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}
