//! Corked writes: what a connection writes in one turn leaves in one piece.
//!
//! On tokio's multi-thread runtime the first stream of an HTTP/2 connection that is done wakes
//! the connection's task, and that task runs *next*, before the other streams that are ready too.
//! So every answer becomes a write to the socket of its own, and the writes are what a small call
//! costs most.
//!
//! A cork takes what the connection writes into a buffer. When the connection's poll is over, the
//! cork lets one turn of the scheduler pass (it wakes its own task, which goes to the end of the
//! queue): whoever is ready runs first, and its answer joins the buffer. Then everything leaves in
//! one write. That is a turn, not a time: with nobody else ready it is over at once.
//!
//! Waiting is not free, and for one call at a time it brings nothing. So the cork learns: where a
//! wait brought nothing it waits only at every 2nd burst, then at every 4th, up to every 32nd;
//! where a wait brought something, it waits at every burst again.
//!
//! The buffer is bounded. When it is full the connection waits for the socket, as it would without
//! a cork. Of a large message only the beginning is buffered: the rest leaves behind it without a
//! copy. Flushing is the cork's own business: a flush is answered at once, because the connection
//! asks for one in the middle of a burst, too. A shutdown empties the buffer first, and so does the
//! end of the connection's future. An error of the socket is told to the connection at its next
//! read, write or flush, which is at once.
//!
//! HTTP/1.1 writes an answer in one piece and has one request at a time: it gains nothing.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that wait in a cork.
const CAPACITY: usize = 64 * 1024;
/// What a cork keeps of its buffer while it is empty.
const KEPT: usize = 16 * 1024;
/// When half of the buffer is full, what is so large is not copied: it leaves at once, with the
/// buffer in front of it.
const LARGE: usize = 8 * 1024;
/// The most parts that are written together.
const PARTS: usize = 4;
/// The rarest waiting: at one of so many bursts.
const RAREST: u32 = 32;

/// Whether a cork lets others run before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// It does where that brought something before: for servers.
    Learned,
    /// It writes at the end of each poll, which still joins a call's head and its message: for
    /// the connections of clients.
    Never,
}

/// The end of a cork that the connection reads from and writes to.
#[derive(Debug)]
pub(crate) struct Corked<I>(Arc<Mutex<Buffered<I>>>);

/// The cork itself: it runs the connection's future.
#[derive(Debug)]
pub(crate) struct Cork<I> {
    buffered: Arc<Mutex<Buffered<I>>>,
    waiting: Waiting,
}

/// Puts a cork on `io`: hand the first to the connection, and let the second run its future.
pub(crate) fn cork<I>(io: I, waiting: Waiting) -> (Corked<I>, Cork<I>) {
    let buffered = Buffered { io, bytes: Vec::new(), sent: 0, dirty: false, error: None };
    let buffered = Arc::new(Mutex::new(buffered));
    (Corked(Arc::clone(&buffered)), Cork { buffered, waiting })
}

impl<I> Cork<I> {
    /// Runs `connection`, the future that writes to the corked end.
    pub(crate) fn around<F>(self, connection: F) -> CorkedConnection<F, I>
    where
        F: Future,
    {
        CorkedConnection { connection, cork: self, output: None, lesson: Lesson::default() }
    }
}

/// What waits to be sent, and where to.
#[derive(Debug)]
struct Buffered<I> {
    io: I,
    bytes: Vec<u8>,
    /// How many of `bytes` the socket took already.
    sent: usize,
    /// The socket took bytes since its last flush.
    dirty: bool,
    /// Why the socket took no more, for the connection to find.
    error: Option<io::Error>,
}

impl<I> Buffered<I> {
    fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    fn failed(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.sent = 0;
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(CAPACITY - self.len());
        if self.sent > 0 && self.bytes.len() + count > CAPACITY {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.extend_from_slice(&bytes[..count]);
        count
    }
}

impl<I: AsyncWrite + Unpin> Buffered<I> {
    /// Gives the socket everything. Pending when it takes no more for now.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.bytes.len() {
            let count = ready!(Pin::new(&mut self.io).poll_write(cx, &self.bytes[self.sent..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
            self.dirty = true;
        }
        if self.dirty {
            self.clear();
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the socket everything and `parts` behind it, without a copy of them. Answers how much
    /// of `parts` it took, which may be nothing.
    fn pass(&mut self, cx: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let mut all = [io::IoSlice::new(&self.bytes[self.sent..]); PARTS];
        let count = parts.len().min(PARTS - 1);
        all[1..=count].copy_from_slice(&parts[..count]);
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, &all[..=count])?;
        let Poll::Ready(written) = written else { return Ok(0) };
        self.dirty = true;
        let buffered = self.len();
        if written < buffered {
            self.sent += written;
            return Ok(0);
        }
        self.clear();
        Ok(written - buffered)
    }

    /// Makes room, as far as the socket lets.
    fn room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.failed()?;
        if self.len() == CAPACITY {
            let before = self.len();
            match self.drain(cx) {
                Poll::Ready(drained) => drained?,
                Poll::Pending if self.len() == before => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<I> Corked<I> {
    fn lock(&self) -> MutexGuard<'_, Buffered<I>> {
        lock(&self.0)
    }
}

/// Only the task of the connection locks, so nobody ever waits here; a panic of the socket leaves
/// nothing half done that matters to a connection that is lost anyway.
fn lock<I>(buffered: &Mutex<Buffered<I>>) -> MutexGuard<'_, Buffered<I>> {
    buffered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<I: AsyncRead + Unpin> AsyncRead for Corked<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffered = self.lock();
        buffered.failed()?;
        Pin::new(&mut buffered.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Corked<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffered = self.lock();
        ready!(buffered.room(cx))?;
        Poll::Ready(Ok(buffered.append(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut buffered = self.lock();
        ready!(buffered.room(cx))?;
        let burst = buffered.len() >= CAPACITY / 2 && buffered.io.is_write_vectored();
        if burst && parts.iter().any(|part| part.len() >= LARGE) {
            let taken = buffered.pass(cx, parts)?;
            if taken > 0 {
                return Poll::Ready(Ok(taken));
            }
        }
        let mut taken = 0;
        for part in parts {
            let count = buffered.append(part);
            taken += count;
            if count < part.len() {
                break;
            }
        }
        Poll::Ready(Ok(taken))
    }

    /// A message is copied once, into the buffer, and not before.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.lock().failed())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffered = self.lock();
        buffered.failed()?;
        ready!(buffered.drain(cx))?;
        Pin::new(&mut buffered.io).poll_shutdown(cx)
    }
}

/// What the cork learned about waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lesson {
    /// Bursts to send at once before the next wait.
    skip: u32,
    /// Waits are at one burst of so many, less one.
    skips: u32,
    /// How much had been buffered when the present wait began.
    waited: Option<usize>,
}

impl Lesson {
    /// Whether to let others run before `buffered` bytes leave.
    fn waits(&mut self, buffered: usize) -> bool {
        if let Some(before) = self.waited.take() {
            let gained = buffered > before;
            self.skips = if gained { 0 } else { (2 * self.skips + 1).min(RAREST - 1) };
            self.skip = self.skips;
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.waited = Some(buffered);
        true
    }
}

pin_project! {
    /// A connection's future that runs under a cork.
    #[derive(Debug)]
    pub(crate) struct CorkedConnection<F, I>
    where
        F: Future,
    {
        #[pin]
        connection: F,
        cork: Cork<I>,
        // The connection is done, its last bytes are not.
        output: Option<F::Output>,
        lesson: Lesson,
    }
}

impl<F: Future, I> CorkedConnection<F, I> {
    /// The future under the cork. Poll the cork after touching it.
    pub(crate) fn connection(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().connection
    }
}

impl<F: Future, I: AsyncWrite + Unpin> Future for CorkedConnection<F, I> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.output.is_none()
            && let Poll::Ready(output) = this.connection.as_mut().poll(cx)
        {
            *this.output = Some(output);
        }
        if this.output.is_some() {
            // Where the last bytes cannot be sent, the connection's own output says more.
            let _ = ready!(lock(&this.cork.buffered).drain(cx));
            return this.output.take().map_or(Poll::Pending, Poll::Ready);
        }
        let mut buffered = lock(&this.cork.buffered);
        if buffered.len() == 0 && !buffered.dirty {
            this.lesson.waited = None;
            return Poll::Pending;
        }
        // A burst that the socket has begun to take is past waiting.
        let fresh = buffered.sent == 0 && buffered.len() > 0;
        let learned = this.cork.waiting == Waiting::Learned;
        if learned && fresh && this.lesson.waits(buffered.len()) {
            drop(buffered);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Poll::Ready(Err(error)) = buffered.drain(cx) {
            buffered.clear();
            buffered.dirty = false;
            buffered.error = Some(error);
            drop(buffered);
            // The connection learns of it now, or nobody would wake it any more.
            return this.connection.poll(cx);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
