//! Memory of a thread, for what it encodes.

use std::cell::Cell;

/// How much of it is kept for the next time.
const KEPT: usize = 16 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Gives `write` empty memory. What is encoded may encode something itself, which has other memory.
#[inline]
pub(crate) fn with<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    scratch.clear();
    let written = write(&mut scratch);
    if scratch.capacity() <= KEPT {
        let _thread_ends = SCRATCH.try_with(|slot| slot.set(scratch));
    }
    written
}
