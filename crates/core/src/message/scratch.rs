//! One buffer a thread to write messages into, so that a message costs one allocation of its size.

use std::cell::Cell;

use bytes::Bytes;

/// A buffer that grew beyond this is given away with its message instead of being kept.
const KEPT: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What `write` appends to an empty buffer.
pub(super) fn with<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    // Taken, not borrowed: a message that writes another one on its way finds an empty buffer.
    let mut buffer = SCRATCH.take();
    buffer.clear();
    write(&mut buffer)?;
    if buffer.capacity() > KEPT {
        return Ok(Bytes::from(buffer));
    }
    let bytes = Bytes::copy_from_slice(&buffer);
    SCRATCH.set(buffer);
    Ok(bytes)
}
