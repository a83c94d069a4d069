//! How many bytes go over the wire.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use futures_core::future::BoxFuture;
use kitfox::Platform;
use kitfox::platform::{Connection, Listener, Net, Random};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes of all connections of a caller. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Bytes>);

#[derive(Default)]
struct Bytes {
    sent: AtomicUsize,
    received: AtomicUsize,
}

impl Meter {
    /// The same platform, whose connections count here.
    pub(super) fn platform(&self, platform: &Platform) -> Platform {
        let net = Metered { platform: platform.clone(), meter: self.clone() };
        Platform::new(net, Random::seeded(1))
    }

    /// What went out and what came in since it was asked last.
    pub(super) fn take(&self) -> (usize, usize) {
        let Bytes { sent, received } = &*self.0;
        (sent.swap(0, Ordering::SeqCst), received.swap(0, Ordering::SeqCst))
    }
}

struct Metered {
    platform: Platform,
    meter: Meter,
}

impl Net for Metered {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.platform.net().listen(address)
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async move {
            let inner = self.platform.net().connect(authority).await?;
            let peer = inner.peer();
            Ok(Connection::new(Counted { inner, meter: self.meter.clone() }, peer))
        })
    }
}

struct Counted {
    inner: Connection,
    meter: Meter,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        self.meter.0.received.fetch_add(buffer.filled().len() - before, Ordering::SeqCst);
        Poll::Ready(read)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.meter.0.sent.fetch_add(written, Ordering::SeqCst);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
