//! Messages that are ready together, gathered for a wire.
//!
//! Most of what a small message in a stream costs is its way through the layers, and the
//! allocation it travels in. Messages that are ready together share both: they are encoded behind
//! one another, each in its frame, and leave as one piece.

use bytes::{Bytes, BytesMut};

use crate::message::{Codec, EncodeError, Message};
use crate::record::Volume;

/// Messages behind one another in the frames that gRPC, gRPC-Web and Connect share: a byte of
/// flags, the length in four bytes, the message.
///
/// A large message is a piece of its own and not copied. Write into a batch until it is
/// [full](Batch::is_full), then [take](Batch::take) until nothing is left.
///
/// ```
/// use kitfox_core::Batch;
///
/// let mut batch = Batch::default();
/// batch.push(0, "hi".into()).unwrap();
/// batch.push(0, "".into()).unwrap();
/// assert_eq!(batch.take().unwrap(), &b"\0\0\0\0\x02hi\0\0\0\0\0"[..]);
/// assert_eq!(batch.take(), None);
/// ```
#[derive(Debug, Default)]
pub struct Batch {
    frames: Vec<u8>,
    /// Up to here they are whole. What stands behind it was given up halfway.
    whole: usize,
    /// A large message, whose prefix stands at the end of the frames.
    large: Option<Bytes>,
    /// All that was added since it was made.
    pushed: Volume,
    /// Small pieces are cut from here, so that they do not take an allocation each.
    cut: BytesMut,
}

/// The message is longer than the 4 GiB that a frame can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than a frame can be: 4 GiB")]
pub struct TooLong;

/// Bytes before a message.
const PREFIX: usize = 5;
/// From this size on an encoded message is not copied.
const COPIED_BELOW: usize = 8 * 1024;
/// From this size on a piece leaves, whatever else is ready.
const FULL: usize = 16 * 1024;
/// Smaller pieces are copied, larger ones given away with their buffer.
const SMALL: usize = 1024;
/// What small pieces are cut from.
const ROOM: usize = 512;

impl Batch {
    /// Adds an encoded message with the flags of its frame.
    ///
    /// # Errors
    /// When the message is longer than 4 GiB.
    pub fn push(&mut self, flags: u8, message: Bytes) -> Result<(), TooLong> {
        let length = u32::try_from(message.len()).map_err(|_| TooLong)?;
        self.pushed.add(1, u64::from(length));
        self.frames.truncate(self.whole);
        self.frames.push(flags);
        self.frames.extend_from_slice(&length.to_be_bytes());
        if message.len() < COPIED_BELOW {
            self.frames.extend_from_slice(&message);
        } else {
            self.large = Some(message);
        }
        self.whole = self.frames.len();
        Ok(())
    }

    /// Adds a message, encoded in its place.
    pub(crate) fn encode<T: Message>(
        &mut self,
        message: &T,
        codec: Codec,
    ) -> Result<Result<(), TooLong>, EncodeError> {
        self.frames.truncate(self.whole);
        self.frames.extend_from_slice(&[0; PREFIX]);
        message.encode_into(codec, &mut self.frames)?;
        let (prefix, message) = self.frames[self.whole..].split_at_mut(PREFIX);
        let Ok(length) = u32::try_from(message.len()) else { return Ok(Err(TooLong)) };
        prefix[1..].copy_from_slice(&length.to_be_bytes());
        self.pushed.add(1, u64::from(length));
        self.whole = self.frames.len();
        Ok(Ok(()))
    }

    /// All messages that were added since the batch was made.
    pub(crate) fn pushed(&self) -> Volume {
        self.pushed
    }

    /// Whether nothing is left to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whole == 0 && self.large.is_none()
    }

    /// Whether a piece should leave before more is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.large.is_some() || self.whole >= FULL
    }

    /// The next piece; `None` where nothing was added.
    #[must_use]
    pub fn take(&mut self) -> Option<Bytes> {
        self.frames.truncate(self.whole);
        self.whole = 0;
        if self.frames.is_empty() {
            return self.large.take();
        }
        if self.frames.len() < SMALL {
            if self.cut.capacity() < self.frames.len() {
                self.cut.reserve(self.frames.len().max(ROOM));
            }
            self.cut.extend_from_slice(&self.frames);
            self.frames.clear();
            return Some(self.cut.split().freeze());
        }
        // What comes next is as long as this, most of the time.
        let next = Vec::with_capacity(self.frames.len().min(FULL + SMALL));
        Some(std::mem::replace(&mut self.frames, next).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::rpc::Status;

    #[test]
    fn small_messages_share_a_piece_and_a_large_one_is_not_copied() {
        let mut batch = Batch::default();
        assert_eq!(batch.take(), None);
        assert!(batch.is_empty());
        batch.push(0, "hi".into()).unwrap();
        assert!(!batch.is_empty());
        batch.push(1, "".into()).unwrap();
        assert!(!batch.is_full());
        assert_eq!(batch.take().unwrap(), &b"\0\0\0\0\x02hi\x01\0\0\0\0"[..]);
        let large = Bytes::from(vec![7; COPIED_BELOW]);
        batch.push(0, "hi".into()).unwrap();
        batch.push(0, large.clone()).unwrap();
        assert!(batch.is_full());
        assert_eq!(batch.take().unwrap(), &b"\0\0\0\0\x02hi\0\0\0\x20\0"[..]);
        assert!(batch.is_full());
        assert_eq!(batch.take().unwrap().as_ptr(), large.as_ptr());
        assert_eq!(batch.take(), None);
        assert!(!batch.is_full());
    }

    #[test]
    fn a_message_is_encoded_in_its_place_whatever_its_length() {
        let mut batch = Batch::default();
        for length in [0, 1, SMALL, FULL, SMALL, 1] {
            let status = Status { message: "x".repeat(length), ..Status::default() };
            batch.encode(&status, Codec::Protobuf).unwrap().unwrap();
            let encoded = status.encode(Codec::Protobuf).unwrap();
            let prefix = u32::try_from(encoded.len()).unwrap().to_be_bytes();
            assert_eq!(batch.is_full(), length >= FULL);
            let piece = batch.take().unwrap();
            assert_eq!((piece[0], &piece[1..PREFIX]), (0, &prefix[..]));
            assert_eq!(piece[PREFIX..], encoded);
        }
    }

    #[test]
    fn a_message_that_cannot_be_encoded_leaves_nothing_behind() {
        let mut batch = Batch::default();
        batch.push(0, "hi".into()).unwrap();
        let unknown = crate::types::Any { type_url: "a/none.Such".into(), ..Default::default() };
        assert!(batch.encode(&unknown, Codec::Json).is_err());
        assert_eq!(batch.take().unwrap(), &b"\0\0\0\0\x02hi"[..]);
        assert_eq!(batch.take(), None);
    }

    #[test]
    fn a_piece_leaves_when_it_is_full() {
        let mut batch = Batch::default();
        let message = Bytes::from(vec![7; 1000]);
        let mut count = 0;
        while !batch.is_full() {
            batch.push(0, message.clone()).unwrap();
            count += 1;
        }
        assert_eq!(count, FULL.div_ceil(PREFIX + 1000));
    }
}
