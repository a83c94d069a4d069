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
        if let Ok(pipe) = open_pipe("/proc/self/fd/1") {
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

/// Opens a pipe again, whose other holders wait as they did.
#[cfg(target_os = "linux")]
fn open_pipe(path: &str) -> io::Result<tokio::net::unix::pipe::Sender> {
    tokio::net::unix::pipe::OpenOptions::new().open_sender(path)
}

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    use kitfox_core::Platform;
    use tokio::time::Instant;
    use tracing::Level;

    use super::*;
    use crate::logs::{Format, LogSettings, Logs};

    #[tokio::test]
    async fn a_pipe_that_nobody_reads_holds_neither_a_thread_nor_the_end() {
        let (mut reader, writer) = io::pipe().unwrap();
        let pipe = open_pipe(&format!("/proc/self/fd/{}", writer.as_raw_fd())).unwrap();
        drop(writer);
        let logs = Logs::new(LogSettings { format: Format::Json, ..LogSettings::default() });
        let task = Platform::system().tasks().spawn(logs.write_to(Stdout(Way::Pipe(pipe))));
        let line = "x".repeat(1_000);
        for _ in 0..200 {
            logs.line(Level::INFO, logs.now(), "test", |to| to.message(&line));
        }
        let begin = Instant::now();
        let left = logs.flush(begin + Duration::from_millis(50)).await.left;
        assert!(left > 0 && begin.elapsed() < Duration::from_secs(5), "{left} lines left");

        // Once somebody reads again, nothing is missing.
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        });
        assert_eq!(logs.close(Instant::now() + Duration::from_secs(30)).await.left, 0);
        task.await.unwrap();
        assert_eq!(reading.await.unwrap().lines().count(), 200);
        assert_eq!(logs.dropped().total(), 0);
    }
}
