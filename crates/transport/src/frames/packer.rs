//! Puts messages into pieces of a body, several of them into one where they are ready together.

use bytes::Bytes;
use kitfox_core::{Batch, TooLong};

use super::{COMPRESSED, Compressing};

/// Messages in, pieces out: a [`Batch`] that may compress.
#[derive(Debug)]
pub(crate) struct Packer {
    compressing: Option<Compressing>,
    batch: Batch,
}

impl Packer {
    /// Compresses messages that are worth it, if there is something to do so.
    pub(crate) fn new(compressing: Option<Compressing>) -> Self {
        Packer { compressing, batch: Batch::default() }
    }

    /// Where messages may be written as they are.
    pub(crate) fn batch(&mut self) -> Option<&mut Batch> {
        self.compressing.is_none().then_some(&mut self.batch)
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
        self.batch.push(flags, message)
    }

    /// Whether nothing is left to take.
    pub(crate) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether a piece should leave before more is added.
    pub(crate) fn is_full(&self) -> bool {
        self.batch.is_full()
    }

    /// The next piece; `None` where nothing was added.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        self.batch.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Compression, PREFIX};

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
