//! A message on its way out, with gRPC's prefix in front where the protocol wants it.

use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::frames::{COMPRESSED, Compressing, PREFIX};

/// A message to send. The prefix is kept beside it, so that the message is never copied.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    prefix: [u8; PREFIX],
    /// How much of the prefix is left to send: nothing where the protocol has none.
    left: u8,
    message: Bytes,
}

impl Outgoing {
    /// The message alone.
    pub(super) fn bare(message: Bytes) -> Self {
        Outgoing { prefix: [0; PREFIX], left: 0, message }
    }

    /// The message in a frame, compressed if that is asked for and worth it; `None` if it is longer
    /// than a frame can say.
    pub(super) fn framed(message: Bytes, compressing: Option<Compressing>) -> Option<Self> {
        let packed = compressing.and_then(|compressing| compressing.compress(&message));
        let flags = if packed.is_some() { COMPRESSED } else { 0 };
        let message = packed.unwrap_or(message);
        let [a, b, c, d] = u32::try_from(message.len()).ok()?.to_be_bytes();
        Some(Outgoing { prefix: [flags, a, b, c, d], left: 5, message })
    }

    fn prefix(&self) -> &[u8] {
        &self.prefix[PREFIX - usize::from(self.left)..]
    }
}

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        usize::from(self.left) + self.message.len()
    }

    fn chunk(&self) -> &[u8] {
        if self.left > 0 { self.prefix() } else { &self.message }
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let parts = [self.prefix(), &*self.message].into_iter().filter(|part| !part.is_empty());
        let mut filled = 0;
        for (slot, part) in into.iter_mut().zip(parts) {
            *slot = IoSlice::new(part);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, count: usize) {
        let of_prefix = count.min(usize::from(self.left));
        self.left -= u8::try_from(of_prefix).expect("at most five");
        self.message.advance(count - of_prefix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_a_flag_a_length_and_the_message_wherever_it_is_cut() {
        for cut in 0..=8 {
            let mut frame = Outgoing::framed(Bytes::from_static(b"abc"), None).unwrap();
            let mut bytes = frame.copy_to_bytes(cut).to_vec();
            assert_eq!(frame.remaining(), 8 - cut);
            let mut parts = [IoSlice::new(&[]); 2];
            let filled = frame.chunks_vectored(&mut parts);
            bytes.extend(parts[..filled].iter().flat_map(|part| part.iter()));
            assert_eq!(bytes, b"\0\0\0\0\x03abc");
        }
    }

    #[test]
    fn a_bare_message_is_itself() {
        let mut message = Outgoing::bare(Bytes::from_static(b"abc"));
        assert_eq!(message.chunks_vectored(&mut [IoSlice::new(&[]); 2]), 1);
        assert_eq!(message.copy_to_bytes(3), "abc");
        assert_eq!(message.remaining(), 0);
    }
}
