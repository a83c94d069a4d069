//! A connection's bytes: first those that were read to tell the protocol, then the rest, and
//! notes of what comes and goes for the connection's watch.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use kitfox_core::platform::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::acceptor::Protocol;
use super::activity::Activity;
use super::blocks::Blocks;
use super::linger::Linger;

#[derive(Debug)]
pub(super) struct Socket {
    prefix: Bytes,
    connection: Connection,
    activity: Arc<Activity>,
    /// Over HTTP/2: how far the frames have come.
    blocks: Option<Blocks>,
    /// Over HTTP/1.1: how it is closed.
    linger: Option<Linger>,
    /// Its sending side is closed.
    shut: bool,
    /// In this turn its reader asked for bytes that are not there.
    waits: bool,
}

/// The most bytes that are read before somebody asks for them.
const AHEAD: usize = 1024;

impl Socket {
    /// `connection`, of which `prefix` was read already.
    pub(super) fn new(
        connection: Connection,
        prefix: Bytes,
        activity: Arc<Activity>,
        protocol: Protocol,
    ) -> Self {
        let blocks = (protocol == Protocol::Http2).then(Blocks::new);
        // The first head has begun with the connection, whatever was read of it.
        match &blocks {
            Some(_) => activity.has_read_blocks(Some(Blocks::PREFACE)),
            None => activity.has_read(),
        }
        let linger = (protocol == Protocol::Http1).then(Linger::default);
        Socket { prefix, connection, activity, blocks, linger, shut: false, waits: false }
    }

    /// Forgets whether the reader waits: in each turn it asks again for what it wants.
    pub(super) fn begin_turn(&mut self) {
        self.waits = false;
    }

    /// Ready when the peer hung up and nobody but the caller can know it: the reader does not ask
    /// for bytes. What the peer sends instead is kept for the reader, and is enough until then.
    pub(super) fn poll_hung_up(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waits || !self.prefix.is_empty() {
            return Poll::Pending;
        }
        let mut bytes = [MaybeUninit::uninit(); AHEAD];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        match ready!(Pin::new(&mut self.connection).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {
                self.prefix = Bytes::copy_from_slice(buffer.filled());
                Poll::Pending
            }
            Ok(()) | Err(_) => Poll::Ready(()),
        }
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.activity.has_written(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.activity.is_blocked(),
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if self.prefix.is_empty() {
            let read = Pin::new(&mut self.connection).poll_read(cx, buffer);
            self.waits = read.is_pending();
            ready!(read)?;
        } else {
            let count = self.prefix.len().min(buffer.remaining());
            buffer.put_slice(&self.prefix[..count]);
            self.prefix.advance(count);
        }
        let read = &buffer.filled()[before..];
        if !read.is_empty() {
            let Socket { activity, blocks, .. } = &mut *self;
            match blocks {
                Some(blocks) => activity.has_read_blocks(blocks.read(read)),
                None => activity.has_read(),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write_vectored(cx, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Socket { connection, activity, linger, shut, .. } = &mut *self;
        if !*shut {
            ready!(Pin::new(&mut *connection).poll_shutdown(cx))?;
            *shut = true;
        }
        match linger {
            // One that the watch closes is between two requests, or as good as.
            Some(linger) if !activity.closes() => linger.poll(connection, cx).map(Ok),
            _ => Poll::Ready(Ok(())),
        }
    }
}
