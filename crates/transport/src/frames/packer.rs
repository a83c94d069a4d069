//! Puts messages into pieces of a body, several of them into one where they are ready together.

use bytes::{BufMut, Bytes, BytesMut};

use super::{COMPRESSED, Compressing, PREFIX};

/// The message is longer than the 4 GiB that a frame can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Messages in, pieces out.
///
/// Small messages are copied behind one another, so that many leave in one piece; a large one is a
/// piece of its own and not copied.
#[derive(Debug)]
pub(crate) struct Packer {
    compressing: Option<Compressing>,
    gathered: BytesMut,
    /// A large message, whose prefix stands at the end of what is gathered.
    large: Option<Bytes>,
}

/// From this size on a message is not copied.
const COPIED_BELOW: usize = 8 * 1024;
/// From this size on a piece leaves, whatever else is ready.
const FULL: usize = 16 * 1024;
/// The room that a piece begins with.
const ROOM: usize = 512;

impl Packer {
    /// Compresses messages that are worth it, if there is something to do so.
    pub(crate) fn new(compressing: Option<Compressing>) -> Self {
        Packer { compressing, gathered: BytesMut::new(), large: None }
    }

    /// Adds a message, when the packer is not full.
    pub(crate) fn put(&mut self, message: Bytes) -> Result<(), TooLong> {
        match self.compressing.and_then(|compressing| compressing.compress(&message)) {
            Some(packed) => self.frame(COMPRESSED, packed),
            None => self.frame(0, message),
        }
    }

    /// Adds a frame with flags of a protocol's own, never compressed.
    pub(crate) fn frame(&mut self, flags: u8, message: Bytes) -> Result<(), TooLong> {
        let length = u32::try_from(message.len()).map_err(|_| TooLong)?;
        let copied = message.len() < COPIED_BELOW;
        let needed = PREFIX + if copied { message.len() } else { 0 };
        if self.gathered.is_empty() {
            self.gathered.reserve(needed.max(if copied { ROOM } else { 0 }));
        }
        self.gathered.put_u8(flags);
        self.gathered.put_u32(length);
        if copied {
            self.gathered.put_slice(&message);
        } else {
            self.large = Some(message);
        }
        Ok(())
    }

    /// Whether a piece should leave before more is added.
    pub(crate) fn is_full(&self) -> bool {
        self.large.is_some() || self.gathered.len() >= FULL
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_empty(&self) -> bool {
        self.gathered.is_empty() && self.large.is_none()
    }

    /// The next piece; `None` where nothing was added.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        if !self.gathered.is_empty() {
            return Some(self.gathered.split().freeze());
        }
        self.large.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Compression;

    #[test]
    fn small_messages_share_a_piece_and_a_large_one_is_not_copied() {
        let mut packer = Packer::new(None);
        assert_eq!(packer.take(), None);
        assert!(packer.is_empty());
        packer.put("hi".into()).unwrap();
        packer.put("".into()).unwrap();
        assert!(!packer.is_empty());
        assert!(!packer.is_full());
        assert_eq!(packer.take().unwrap(), &b"\0\0\0\0\x02hi\0\0\0\0\0"[..]);
        let large = Bytes::from(vec![7; COPIED_BELOW]);
        packer.put("hi".into()).unwrap();
        packer.put(large.clone()).unwrap();
        assert!(packer.is_full());
        assert_eq!(packer.take().unwrap(), &b"\0\0\0\0\x02hi\0\0\0\x20\0"[..]);
        assert!(packer.is_full() && !packer.is_empty());
        assert_eq!(packer.take().unwrap().as_ptr(), large.as_ptr());
        assert_eq!(packer.take(), None);
        assert!(!packer.is_full());
    }

    #[test]
    fn a_piece_leaves_when_it_is_full() {
        let mut packer = Packer::new(None);
        let message = Bytes::from(vec![7; 1000]);
        let mut count = 0;
        while !packer.is_full() {
            packer.put(message.clone()).unwrap();
            count += 1;
        }
        assert_eq!(count, FULL.div_ceil(PREFIX + 1000));
    }

    #[test]
    fn what_is_worth_it_is_compressed() {
        let mut packer = Packer::new(Some(Compressing::with(Compression::Gzip)));
        packer.put(Bytes::from(vec![7; Compressing::WORTH - 1])).unwrap();
        assert_eq!(packer.take().unwrap()[0], 0);
        packer.put(Bytes::from(vec![7; Compressing::WORTH])).unwrap();
        let piece = packer.take().unwrap();
        assert_eq!(piece[0], COMPRESSED);
        let unpacked = Compression::Gzip.decompress(&piece[PREFIX..], Compressing::WORTH);
        assert_eq!(unpacked.unwrap(), vec![7; Compressing::WORTH]);
    }
}
