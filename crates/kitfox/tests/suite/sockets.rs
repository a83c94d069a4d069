//! Sockets for which the kernel keeps little: otherwise a slow reader is noticed after megabytes
//! only, and how many they are is the kernel's choice.

use std::io;
use std::net::SocketAddr;

use futures_core::future::BoxFuture;
use kitfox::Platform;
use kitfox::platform::{Connection, Listener, Net, Random};
use tokio::net::TcpSocket;

/// What the kernel keeps for each direction of an end; it takes this as a hint.
const KEPT: u32 = 64 * 1024;

/// A platform on such sockets.
pub(super) fn platform() -> Platform {
    Platform::new(Sockets, Random::seeded(1))
}

struct Sockets;

fn socket() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.set_send_buffer_size(KEPT)?;
    socket.set_recv_buffer_size(KEPT)?;
    Ok(socket)
}

impl Net for Sockets {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let socket = socket()?;
            socket.bind(address)?;
            Ok(Box::new(socket.listen(16)?) as Box<dyn Listener>)
        })
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async move {
            let address = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
            Ok(Connection::new(socket()?.connect(address).await?, address))
        })
    }
}
