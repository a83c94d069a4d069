//! Follows the frames of an HTTP/2 connection, as far as to know whether one is left half sent.
//!
//! `h2` collects a request's head until its last frame is there, however long that takes, and
//! tells nobody that it has begun. So the bytes are looked at on their way in: nine for each frame.
//! Frames of data are nobody's head and may take as long as their body may.

/// The bytes of a frame's head.
const HEAD: usize = 9;
/// What a client sends before its first frame.
const PREFACE: usize = 24;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// Where the bytes of a connection have come to.
#[derive(Debug)]
pub(super) struct Blocks {
    /// What is there of a frame's head.
    head: [u8; HEAD],
    filled: usize,
    /// The bytes that are still to come of the frame, or of the preface.
    left: usize,
    /// The frame is one of data.
    free: bool,
    /// A frame of headers has come and its last continuation has not.
    open: bool,
    /// The end of this frame is the end of its headers.
    ends: bool,
    /// How many frames, or headers in several frames, have come, the preface among them; from one
    /// on.
    whole: u64,
}

impl Blocks {
    /// What is left half sent before the first byte.
    pub(super) const PREFACE: u64 = 1;

    /// Of a connection of which nothing was read.
    pub(super) fn new() -> Self {
        let head = [0; HEAD];
        Blocks {
            head,
            filled: 0,
            left: PREFACE,
            free: false,
            open: false,
            ends: false,
            whole: Self::PREFACE,
        }
    }

    /// Follows `bytes`. What is left half sent is told by its number, which is never zero.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Option<u64> {
        while !bytes.is_empty() {
            if let (0, 0, Some((head, rest))) = (self.left, self.filled, bytes.split_first_chunk())
            {
                // As nearly all do, it came whole.
                self.begin(*head);
                bytes = rest;
            } else if self.left > 0 {
                let count = self.left.min(bytes.len());
                self.left -= count;
                bytes = &bytes[count..];
            } else {
                let count = (HEAD - self.filled).min(bytes.len());
                self.head[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
                self.filled += count;
                bytes = &bytes[count..];
                if self.filled < HEAD {
                    break;
                }
                self.filled = 0;
                self.begin(self.head);
            }
            if self.left == 0 {
                self.end();
            }
        }
        let half = self.open || self.filled > 0 || (self.left > 0 && !self.free);
        half.then_some(self.whole)
    }

    fn begin(&mut self, head: [u8; HEAD]) {
        let [a, b, c, kind, flags, ..] = head;
        self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.free = kind == DATA;
        let headers = kind == HEADERS || kind == CONTINUATION;
        self.open |= headers;
        self.ends = headers && flags & END_HEADERS != 0;
    }

    fn end(&mut self) {
        self.open &= !self.ends;
        if !self.open {
            self.whole = self.whole.wrapping_add(1).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD + usize::from(length), 7);
        frame
    }

    /// Whether something is left half sent after each part.
    fn halves(parts: &[&[u8]]) -> Vec<bool> {
        let mut blocks = Blocks::new();
        assert_eq!(blocks.read(&[0; PREFACE]), None);
        parts.iter().map(|part| blocks.read(part).is_some()).collect()
    }

    #[test]
    fn whole_frames_leave_nothing() {
        let all = [
            frame(0x4, 0, 6),
            frame(HEADERS, END_HEADERS, 20),
            frame(DATA, 1, 200),
            frame(HEADERS, 0, 5),
            frame(CONTINUATION, 0, 0),
            frame(CONTINUATION, END_HEADERS, 0),
            frame(0x8, 0, 4),
        ]
        .concat();
        assert_eq!(halves(&[&all]), [false]);
        let mut blocks = Blocks::new();
        blocks.read(&[0; PREFACE]);
        let last = all.iter().map(|byte| blocks.read(&[*byte])).last();
        assert_eq!(last, Some(None), "byte by byte");
    }

    #[test]
    fn half_a_head_is_seen_until_it_is_whole() {
        let (start, end) = (frame(HEADERS, 0, 5), frame(CONTINUATION, END_HEADERS, 3));
        assert_eq!(halves(&[&start[..3], &start[3..9], &start[9..]]), [true; 3]);
        assert_eq!(halves(&[&start, &end[..11], &end[11..]]), [true, true, false]);
        let ping = frame(0x6, 0, 8);
        assert_eq!(halves(&[&ping[..12], &ping[12..]]), [true, false]);
    }

    #[test]
    fn half_a_frame_of_data_is_a_bodys_business() {
        let data = frame(DATA, 0, 100);
        assert_eq!(halves(&[&data[..50], &data[50..]]), [false, false]);
    }

    #[test]
    fn the_next_half_has_another_number() {
        let mut blocks = Blocks::new();
        blocks.read(&[0; PREFACE]);
        let (start, end) = (frame(HEADERS, 0, 5), frame(CONTINUATION, END_HEADERS, 3));
        let first = blocks.read(&start);
        assert_eq!(blocks.read(&end[..4]), first);
        assert_eq!(blocks.read(&end[4..]), None);
        assert_ne!(blocks.read(&start), first);
    }
}
