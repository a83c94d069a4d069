//! Lines between those who log and the one who writes: in chunks, and bounded.
//!
//! Whoever logs copies a finished line into the last chunk, under a lock that is held for no longer
//! than that. The writer takes whole chunks out and gives them back when they are written. Chunks
//! that are being written count as well, by the memory that they take up: where a sink is stalled,
//! a line that finds no room is dropped and counted.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing::Level;

/// How much is written at once.
const CHUNK: usize = 32 * 1024;
/// How many empty chunks are kept.
const SPARE: usize = 2;

/// How many lines, of each level: error, warn, info, debug, trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines([u64; 5]);

/// The bounded buffer.
pub(super) struct Buffer {
    state: Mutex<State>,
    /// Wakes the writer.
    pub(super) wake: Notify,
    /// Tells those who wait until all is written.
    pub(super) progress: Notify,
    limit: usize,
}

#[derive(Default)]
struct State {
    /// Takes lines at once, where there is no writer any more.
    direct: Option<Box<dyn io::Write + Send>>,
    pending: VecDeque<Chunk>,
    spare: Vec<Vec<u8>>,
    /// The memory of all chunks: pending, spare, and those that the writer has.
    held: usize,
    /// Lines that were taken in, those of them that are written or lost, and those of them that
    /// the sink has passed on.
    taken: u64,
    done: u64,
    settled: u64,
    /// Whether the writer waits for a line.
    idle: bool,
    /// Whether the writer shall not wait for more lines.
    hurried: bool,
    closed: bool,
    dropped: Lines,
    /// Those of them that no line has told of.
    untold: Lines,
}

/// Some lines.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    lines: Lines,
}

impl Buffer {
    pub(super) fn new(limit: usize) -> Self {
        let (wake, progress) = (Notify::new(), Notify::new());
        Buffer { state: Mutex::default(), wake, progress, limit }
    }

    /// Takes a line in, or drops it where there is no room.
    pub(super) fn push(&self, level: Level, line: &[u8]) {
        let mut state = self.lock();
        if let Some(direct) = &mut state.direct {
            // There is nobody left to tell of a failure.
            let _lost = direct.write_all(line).and_then(|()| direct.flush());
            return;
        }
        if !state.has_room(line.len(), self.limit) {
            state.dropped.add(level, 1);
            state.untold.add(level, 1);
            return;
        }
        let State { pending, taken, .. } = &mut *state;
        let chunk = pending.back_mut().expect("there is one with room");
        chunk.bytes.extend_from_slice(line);
        chunk.lines.add(level, 1);
        *taken += 1;
        // The first line after a while wakes the writer; and a lot of them hurry it.
        let many = !state.hurried && state.held > self.limit / 4;
        let wake = std::mem::take(&mut state.idle) || many;
        state.hurried |= many;
        drop(state);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Whether lines wait to be written. If not, the next one wakes the writer.
    pub(super) fn has_lines(&self) -> bool {
        let mut state = self.lock();
        state.idle = state.pending.is_empty();
        !state.idle
    }

    /// Takes out what is to be written next.
    pub(super) fn take(&self) -> Option<Chunk> {
        self.lock().pending.pop_front()
    }

    /// What was taken out is written, or lost.
    pub(super) fn done(&self, chunk: Chunk, written: bool) {
        let Chunk { mut bytes, lines } = chunk;
        let mut state = self.lock();
        state.done += lines.total();
        if !written {
            state.dropped.add_all(lines);
            state.untold.add_all(lines);
        }
        if state.spare.len() < SPARE && bytes.capacity() == CHUNK.min(self.limit) {
            bytes.clear();
            state.spare.push(bytes);
        } else {
            state.held -= bytes.capacity();
        }
    }

    /// All that was taken out is with its sink, or lost. Gives the lines that were dropped, if they
    /// can be told of.
    pub(super) fn settle(&self, tell: bool) -> Option<Lines> {
        let mut state = self.lock();
        state.hurried = false;
        state.settled = state.done;
        let untold = if tell { std::mem::take(&mut state.untold) } else { Lines::default() };
        drop(state);
        self.progress.notify_waiters();
        (untold.total() > 0).then_some(untold)
    }

    /// Lets the writer write at once.
    pub(super) fn hurry(&self) {
        self.lock().hurried = true;
        self.wake.notify_one();
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.lock().hurried
    }

    /// Lets the writer end when all is written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.hurry();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Lets the next writer go on until the next [`Buffer::close`].
    pub(super) fn open(&self) {
        let mut state = self.lock();
        state.closed = false;
        state.direct = None;
    }

    /// Writes what is there, and from then on each line as it comes, to `sink`.
    pub(super) fn direct(&self, mut sink: Box<dyn io::Write + Send>) -> io::Result<()> {
        let mut state = self.lock();
        while let Some(chunk) = state.pending.front() {
            sink.write_all(&chunk.bytes)?;
            let (lines, memory) = (chunk.lines.total(), chunk.bytes.capacity());
            state.done += lines;
            state.held -= memory;
            state.pending.pop_front();
        }
        state.settled = state.done;
        sink.flush()?;
        state.direct = Some(sink);
        Ok(())
    }

    /// Lines that were taken in so far.
    pub(super) fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// Lines that are with their sink, or lost.
    pub(super) fn settled(&self) -> u64 {
        self.lock().settled
    }

    pub(super) fn dropped(&self) -> Lines {
        self.lock().dropped
    }

    /// The memory that lines take up.
    pub(super) fn held(&self) -> usize {
        self.lock().held
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chunk {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl State {
    /// Sees to a last chunk that has room for so many bytes.
    fn has_room(&mut self, bytes: usize, limit: usize) -> bool {
        if let Some(last) = self.pending.back()
            && last.bytes.capacity() - last.bytes.len() >= bytes
        {
            return true;
        }
        let usual = CHUNK.min(limit);
        let chunk = match self.spare.pop() {
            Some(spare) if bytes <= usual => spare,
            spare => {
                self.spare.extend(spare);
                let capacity = usual.max(bytes);
                if self.held + capacity > limit {
                    return false;
                }
                self.held += capacity;
                Vec::with_capacity(capacity)
            }
        };
        self.pending.push_back(Chunk { bytes: chunk, lines: Lines::default() });
        true
    }
}

impl Lines {
    /// Those of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> u64 {
        self.0[index(level)]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, level: Level, lines: u64) {
        self.0[index(level)] += lines;
    }

    fn add_all(&mut self, others: Lines) {
        for (mine, other) in self.0.iter_mut().zip(others.0) {
            *mine += other;
        }
    }
}

fn index(level: Level) -> usize {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &Buffer, lines: usize) {
        for _ in 0..lines {
            buffer.push(Level::INFO, &[b'x'; 1024]);
        }
    }

    #[test]
    fn a_full_buffer_drops_and_counts_and_stays_within_its_memory() {
        let limit = 100 * 1024;
        let buffer = Buffer::new(limit);
        fill(&buffer, 200);
        buffer.push(Level::ERROR, b"late");
        assert!(buffer.held() <= limit);
        assert_eq!(buffer.taken(), 96);
        assert_eq!((buffer.dropped().of(Level::INFO), buffer.dropped().of(Level::ERROR)), (104, 1));
        // What is being written counts until it is written.
        let chunk = buffer.take().unwrap();
        fill(&buffer, 1);
        assert_eq!(buffer.dropped().total(), 106);
        buffer.done(chunk, true);
        fill(&buffer, 1);
        assert_eq!(buffer.dropped().total(), 106);
        assert!(buffer.held() <= limit);
        assert_eq!(buffer.settle(true).map(|lines| lines.total()), Some(106));
        assert_eq!(buffer.settle(true), None, "it is told once");
    }

    #[test]
    fn what_a_sink_refuses_is_lost_and_counted() {
        let buffer = Buffer::new(1 << 20);
        fill(&buffer, 3);
        let chunk = buffer.take().unwrap();
        buffer.done(chunk, false);
        assert_eq!(buffer.dropped().total(), 3);
        assert_eq!(buffer.settle(false), None);
        assert_eq!(buffer.settled(), 3);
    }

    #[test]
    fn a_buffer_smaller_than_a_chunk_takes_lines() {
        let buffer = Buffer::new(2 * 1024);
        fill(&buffer, 3);
        assert_eq!((buffer.taken(), buffer.dropped().total()), (2, 1));
        assert!(buffer.held() <= 2 * 1024);
    }

    #[test]
    fn memory_is_given_back_when_all_is_written() {
        let buffer = Buffer::new(1 << 20);
        fill(&buffer, 900);
        assert!(buffer.held() > 800 * 1024);
        while let Some(chunk) = buffer.take() {
            buffer.done(chunk, true);
        }
        assert_eq!(buffer.held(), SPARE * CHUNK);
    }
}
