//! A network within the process: connections are pipes, so that time can stand still.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use kitfox::Platform;
use kitfox::platform::{Connection, Listener, Net, Random};
use tokio::sync::mpsc;

/// What one end may write before the other has read it.
const PIPE_BYTES: usize = 64 * 1024;

/// How many connections may wait to be accepted.
const BACKLOG: usize = 16;

/// A network; cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<Connection>>>>);

impl Memory {
    /// A platform on this network.
    pub(crate) fn platform(&self) -> Platform {
        Platform::new(self.clone(), Random::seeded(1))
    }

    /// Connects to `address`.
    pub(crate) async fn dial(&self, address: SocketAddr) -> io::Result<Connection> {
        let listener = self.0.lock().unwrap().get(&address).cloned();
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let peer = SocketAddr::from(([10, 0, 0, 1], 50_000));
        let sent = listener.send(Connection::new(theirs, peer)).await;
        sent.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(Connection::new(ours, address))
    }
}

impl Net for Memory {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let mut listeners = self.0.lock().unwrap();
            listeners.retain(|_, listener| !listener.is_closed());
            let mut address = address;
            if address.port() == 0 {
                let taken = |port| listeners.keys().any(|address| address.port() == port);
                address.set_port((40_000..).find(|port| !taken(*port)).unwrap());
            }
            if listeners.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            let (sender, connections) = mpsc::channel(BACKLOG);
            listeners.insert(address, sender);
            Ok(Box::new(MemoryListener { address, connections }) as Box<dyn Listener>)
        })
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async move {
            let address = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
            self.dial(address).await
        })
    }
}

struct MemoryListener {
    address: SocketAddr,
    connections: mpsc::Receiver<Connection>,
}

impl Listener for MemoryListener {
    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(async move {
            self.connections.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
        })
    }
}
