//! Standard output as a sink that cannot hold a thread, wherever that can be had.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// Standard output.
///
/// Where it is a pipe on Linux, as under most that run services, it is opened anew without
/// blocking: who reads it may stop reading, and no thread waits for them. Otherwise a thread of
/// the runtime's blocking pool writes. If that stalls (a terminal is stopped with Ctrl-S), it
/// cannot be called back, and a runtime waits for it when it is dropped: see [`Stdout::may_block`].
#[derive(Debug)]
pub struct Stdout(Way);

#[derive(Debug)]
enum Way {
    #[cfg(target_os = "linux")]
    Pipe(tokio::net::unix::pipe::Sender),
    Blocking(tokio::io::Stdout),
}

impl Stdout {
    /// Opens it, from within a runtime.
    #[must_use]
    pub fn open() -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(pipe) = tokio::net::unix::pipe::OpenOptions::new().open_sender(PATH) {
            return Stdout(Way::Pipe(pipe));
        }
        Stdout(Way::Blocking(tokio::io::stdout()))
    }

    /// Whether a thread waits where nobody reads. A process whose logs were not flushed in time
    /// then has to be ended by `std::process::exit`.
    #[must_use]
    pub fn may_block(&self) -> bool {
        matches!(self.0, Way::Blocking(_))
    }
}

#[cfg(target_os = "linux")]
const PATH: &str = "/proc/self/fd/1";

impl AsyncWrite for Stdout {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.sink().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink().poll_shutdown(cx)
    }
}

impl Stdout {
    fn sink(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        match &mut self.0 {
            #[cfg(target_os = "linux")]
            Way::Pipe(pipe) => Pin::new(pipe),
            Way::Blocking(stdout) => Pin::new(stdout),
        }
    }
}
