//! Takes frames out of the pieces that a body comes in.

use bytes::{Buf, Bytes, BytesMut};

use super::PREFIX;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) flags: u8,
    pub(crate) data: Bytes,
}

/// A frame announces more than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameFault {
    /// What it announces.
    pub(crate) announced: usize,
    /// What is allowed.
    pub(crate) limit: usize,
}

/// Pieces in, frames out. A frame that came within one piece is not copied; it holds at most the
/// limit and a piece.
#[derive(Debug)]
pub(crate) struct Deframer {
    limit: usize,
    /// The latest piece.
    piece: Bytes,
    /// A frame that began in an earlier piece.
    begun: BytesMut,
}

impl Deframer {
    /// For frames of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Deframer { limit, piece: Bytes::new(), begun: BytesMut::new() }
    }

    /// Adds a piece, when [`Deframer::next`] has nothing more.
    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.begun.is_empty() && self.piece.is_empty() {
            self.piece = piece;
            return;
        }
        // Only what is left of a piece without a whole frame: as much as it takes.
        let left = std::mem::replace(&mut self.piece, piece);
        self.begun.extend_from_slice(&left);
    }

    /// The next frame; `None` until there is more to read.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, FrameFault> {
        if !self.begun.is_empty() {
            return self.finish();
        }
        let Some((flags, length)) = self.announced(&self.piece)? else { return Ok(None) };
        if self.piece.len() - PREFIX < length {
            return Ok(None);
        }
        self.piece.advance(PREFIX);
        Ok(Some(Frame { flags, data: self.piece.split_to(length) }))
    }

    /// Whether a frame has begun that is not whole.
    pub(crate) fn is_within(&self) -> bool {
        !self.begun.is_empty() || !self.piece.is_empty()
    }

    /// A frame that began in an earlier piece.
    fn finish(&mut self) -> Result<Option<Frame>, FrameFault> {
        self.fill(PREFIX);
        let Some((flags, length)) = self.announced(&self.begun)? else { return Ok(None) };
        self.fill(PREFIX + length);
        if self.begun.len() < PREFIX + length {
            return Ok(None);
        }
        let mut data = std::mem::take(&mut self.begun).freeze();
        data.advance(PREFIX);
        Ok(Some(Frame { flags, data }))
    }

    /// Takes from the piece what the begun frame lacks to be `whole` bytes long.
    fn fill(&mut self, whole: usize) {
        let lacking = whole.saturating_sub(self.begun.len()).min(self.piece.len());
        self.begun.extend_from_slice(&self.piece.split_to(lacking));
    }

    fn announced(&self, bytes: &[u8]) -> Result<Option<(u8, usize)>, FrameFault> {
        let Some((prefix, _)) = bytes.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let [flags, length @ ..] = *prefix;
        let announced = u32::from_be_bytes(length) as usize;
        if announced > self.limit {
            return Err(FrameFault { announced, limit: self.limit });
        }
        Ok(Some((flags, announced)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] = b"\0\0\0\0\x02hi\x01\0\0\0\0\x02\0\0\0\x05hello";

    fn frames(pieces: &[&'static [u8]]) -> Vec<(u8, Bytes)> {
        let mut deframer = Deframer::new(5);
        let mut frames = Vec::new();
        for piece in pieces {
            deframer.push(Bytes::from_static(piece));
            while let Some(Frame { flags, data }) = deframer.next().unwrap() {
                frames.push((flags, data));
            }
        }
        assert!(!deframer.is_within());
        frames
    }

    #[test]
    fn frames_are_the_same_wherever_the_body_is_cut() {
        let whole = frames(&[WIRE]);
        assert_eq!(whole, [(0, "hi".into()), (1, "".into()), (2, "hello".into())]);
        for cut in 0..WIRE.len() {
            let (one, rest) = WIRE.split_at(cut);
            assert_eq!(frames(&[one, rest]), whole, "{cut}");
            for second in 0..rest.len() {
                let (two, three) = rest.split_at(second);
                assert_eq!(frames(&[one, two, three]), whole, "{cut} {second}");
            }
        }
        let bytes: Vec<_> = WIRE.chunks(1).collect();
        assert_eq!(frames(&bytes), whole);
    }

    #[test]
    fn a_frame_within_one_piece_is_not_copied() {
        let wire = Bytes::from_static(WIRE);
        let mut deframer = Deframer::new(5);
        deframer.push(wire.clone());
        let frame = deframer.next().unwrap().unwrap();
        assert_eq!(frame.data.as_ptr(), wire[PREFIX..].as_ptr());
    }

    #[test]
    fn more_than_the_limit_is_refused_as_soon_as_it_is_announced() {
        for pieces in [&[&b"\0\0\0\0\x06"[..]][..], &[b"\0\xff", b"\xff\xff\xff"]] {
            let mut deframer = Deframer::new(5);
            let mut fault = None;
            for piece in pieces {
                deframer.push(Bytes::from_static(piece));
                fault = deframer.next().err();
            }
            assert_eq!(fault.map(|fault| fault.limit), Some(5));
        }
    }

    #[test]
    fn what_is_left_over_is_known() {
        let mut deframer = Deframer::new(5);
        deframer.push(Bytes::from_static(b"\0\0\0\0\x02h"));
        assert_eq!(deframer.next(), Ok(None));
        assert!(deframer.is_within());
    }
}
