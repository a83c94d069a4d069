//! Hears a caller hang up while its call is being served, over HTTP/1.1.
//!
//! hyper can do that too, but it looks at every request, answered at once or not, and what it reads
//! with must be a fresh buffer, because the request's headers still stand in the old one: together
//! a tenth of what a small request costs. So hyper is told that a peer may close its half
//! (`half_close`), and the look is ours: only where a poll of the connection ended with a call that
//! is not answered, and hyper itself is not waiting for bytes.
//!
//! What comes in then is the caller's next request; it is kept for hyper, and nothing more is read
//! before hyper has taken it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::socket::Socket;

/// The end of a socket that hyper has.
#[derive(Debug)]
pub(super) struct Heard(Arc<Mutex<Socket>>);

pin_project! {
    /// A connection's future that ends when its caller hangs up in the middle of a call.
    pub(super) struct Hearing<C> {
        #[pin]
        connection: C,
        socket: Arc<Mutex<Socket>>,
        activity: Arc<Activity>,
    }
}

impl Heard {
    pub(super) fn new(socket: Socket) -> Self {
        Heard(Arc::new(Mutex::new(socket)))
    }

    /// The future to run instead of the connection that this end was given to; `make` gives it
    /// away.
    pub(super) fn around<C>(
        self,
        activity: Arc<Activity>,
        make: impl FnOnce(Heard) -> C,
    ) -> Hearing<C> {
        let socket = Arc::clone(&self.0);
        Hearing { connection: make(self), socket, activity }
    }
}

impl<C> Hearing<C> {
    /// The connection. Poll it after touching it.
    pub(super) fn connection(self: Pin<&mut Self>) -> Pin<&mut C> {
        self.project().connection
    }
}

impl<C: Future> Future for Hearing<C> {
    /// What the connection ended with, unless its caller hung up.
    type Output = Option<C::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        lock(this.socket).begin_turn();
        if let Poll::Ready(ended) = this.connection.poll(cx) {
            return Poll::Ready(Some(ended));
        }
        if this.activity.in_flight() > 0 && lock(this.socket).poll_hung_up(cx).is_ready() {
            tracing::debug!("a caller hung up in the middle of its call");
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

fn lock(socket: &Mutex<Socket>) -> MutexGuard<'_, Socket> {
    socket.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsyncRead for Heard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.0).is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_shutdown(cx)
    }
}
