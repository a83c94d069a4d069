//! The one who writes: a background task between the buffer and its sink.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Level;

use super::buffer::{Buffer, Chunk, Lines};
use super::{Logs, TARGET};

/// How long lines are gathered after the first, so that many are written at once. Nobody who looks
/// at a terminal notices.
const GATHER: Duration = Duration::from_millis(10);

/// How long the writer rests after a sink refused, so that it is not asked again all the time.
const REST: Duration = Duration::from_secs(1);

/// What became of the lines when their writer was asked to finish in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "lines may be lost"]
pub struct Flushed {
    /// How many lines were not written when the time was over.
    pub left: u64,
}

impl Logs {
    /// Writes what is logged to `sink`, until [`Logs::close`]: the future of a background task.
    ///
    /// A sink that takes nothing costs lines and nothing else: they are dropped, counted
    /// ([`Logs::dropped`]), and told of by a line when there is room again. One that fails is tried
    /// again after a second, without the lines that it failed at. Where two write at the same time,
    /// each has some of the lines.
    pub fn write_to(
        &self,
        sink: impl AsyncWrite + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let logs = self.clone();
        logs.buffer().open();
        async move {
            let mut sink = std::pin::pin!(sink);
            loop {
                logs.gather().await;
                let written = logs.write(&mut sink).await.is_ok();
                if let Some(dropped) = logs.buffer().settle(written) {
                    logs.tell(dropped);
                }
                if !logs.buffer().is_closed() {
                    if !written {
                        sleep(REST).await;
                    }
                } else if !logs.buffer().has_lines() {
                    break;
                }
            }
        }
    }

    /// Waits until everything that was logged before is written, but not longer than until
    /// `deadline`, and says how many lines are left then.
    pub async fn flush(&self, deadline: Instant) -> Flushed {
        let buffer = self.buffer();
        let target = buffer.taken();
        let written = async {
            loop {
                let progress = buffer.progress.notified();
                let mut progress = std::pin::pin!(progress);
                progress.as_mut().enable();
                if buffer.settled() >= target {
                    return;
                }
                buffer.hurry();
                progress.await;
            }
        };
        let _too_late = timeout_at(deadline, written).await;
        Flushed { left: target.saturating_sub(buffer.settled()) }
    }

    /// [`Logs::flush`], and lets the writer end. What is logged from then on stays in the buffer,
    /// as far as there is room.
    pub async fn close(&self, deadline: Instant) -> Flushed {
        self.buffer().close();
        self.flush(deadline).await
    }

    /// Writes what is left, and from then on each line as it is logged: for the end of a process,
    /// where no task runs any more and no call is kept waiting. Not for a sink that was stalled:
    /// whoever logs waits for this one. The next [`Logs::write_to`] ends it.
    ///
    /// # Errors
    /// What the sink refuses to take; then lines stay in the buffer, as after [`Logs::close`].
    pub fn write_at_once(&self, sink: impl io::Write + Send + 'static) -> io::Result<()> {
        self.buffer().direct(Box::new(sink))
    }

    /// Waits for the first line, and a little for others.
    async fn gather(&self) {
        let buffer = self.buffer();
        while !buffer.has_lines() && !buffer.is_closed() {
            buffer.wake.notified().await;
        }
        if buffer.is_hurried() {
            return;
        }
        let gathered = sleep(GATHER);
        let mut gathered = std::pin::pin!(gathered);
        loop {
            tokio::select! {
                biased;
                () = buffer.wake.notified() => if buffer.is_hurried() { return },
                () = &mut gathered => return,
            }
        }
    }

    async fn write(&self, sink: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let buffer = self.buffer();
        while let Some(chunk) = buffer.take() {
            let mut hand = Hand { buffer, chunk: Some(chunk), written: false };
            sink.write_all(hand.bytes()).await?;
            hand.written = true;
        }
        sink.flush().await
    }

    /// Logs that lines were dropped.
    fn tell(&self, dropped: Lines) {
        self.line(Level::WARN, self.now(), TARGET, |line| {
            line.message("log lines were dropped: their sink was too slow, or failed");
            line.number("dropped", dropped.total());
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                if dropped.of(level) > 0 {
                    line.number(super::line::name(level), dropped.of(level));
                }
            }
        });
    }
}

/// Holds a chunk that is being written, and gives it back even if the writer is ended meanwhile.
struct Hand<'a> {
    buffer: &'a Buffer,
    chunk: Option<Chunk>,
    written: bool,
}

impl Hand<'_> {
    fn bytes(&self) -> &[u8] {
        self.chunk.as_ref().map_or(&[], Chunk::bytes)
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.buffer.done(chunk, self.written);
        }
    }
}
