//! Frames, whole and cut anywhere, and what is compressed in them.

use bytes::Bytes;
use kitfox_transport::Compression;
use kitfox_transport::fuzzing::{compress, decompress, pack, unpack};

use super::text::cut;
use crate::outcome;

/// The most bytes of a frame.
const LIMIT: usize = 1000;

pub(super) const WORDS: &[&str] = &[
    "\0\0\0\0\0",
    "\0\0\0\0\u{1}a",
    "\u{1}\0\0\0\u{14}",
    "\u{2}\0\0\0\u{2}{}",
    "\0\0\0\u{3}",
    "\0\u{7f}",
    "grpc-status:0\r\n",
    "\u{1f}",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let [salt, bytes @ ..] = input else { return 0 };
    let whole = unpack(&[Bytes::copy_from_slice(bytes)], LIMIT);
    let pieces = unpack(&cut(bytes, u64::from(*salt)), LIMIT);
    assert_eq!(whole, pieces, "the frames depend on where the body is cut");
    let (frames, fault) = whole;

    let length: usize = frames.iter().map(|(_, data)| 5 + data.len()).sum();
    assert!(length <= bytes.len(), "more came out than went in");
    let packed = pack(&frames).concat();
    assert_eq!(packed, bytes[..length], "what is unpacked packs to what it was");

    let packed = compress(Compression::Gzip, bytes);
    assert_eq!(decompress(Compression::Gzip, &packed, bytes.len()), Ok(bytes.to_vec().into()));
    let garbage = match decompress(Compression::Gzip, bytes, LIMIT) {
        Ok(bytes) => {
            assert!(bytes.len() <= LIMIT, "a bomb went off");
            1
        }
        Err(why) => outcome::of(&why),
    };
    let count = frames.len().min(8) as u64;
    outcome::both(outcome::both(count, garbage), u64::from(fault.is_some()))
}
