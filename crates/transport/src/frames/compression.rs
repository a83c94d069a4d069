//! Compressing messages, and unpacking them within a limit.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// How messages are compressed on the wire.
// From the plainest to the best: that is their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// `gzip` (RFC 1952), which every implementation of every protocol here has.
    Gzip,
    /// `zstd` (RFC 8878), with the feature of that name.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// What messages are compressed with, and from which size on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compressing {
    pub(crate) with: Compression,
    pub(crate) from: usize,
}

impl Compressing {
    /// Smaller messages are not worth it: they fit into one packet as they are.
    pub(crate) const WORTH: usize = 1024;

    /// With `compression`, what is worth it.
    pub(crate) fn with(compression: Compression) -> Self {
        Compressing { with: compression, from: Compressing::WORTH }
    }

    /// `message` compressed, if it is large enough.
    pub(crate) fn compress(self, message: &[u8]) -> Option<Bytes> {
        (message.len() >= self.from).then(|| self.with.compress(message))
    }
}

/// Why a message could not be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    /// It is larger than the limit.
    TooLarge,
    /// It is not what it says it is, and this is how.
    Corrupt(String),
}

impl Compression {
    /// Every one there is, the best first, as `accept-encoding` says it.
    #[cfg(feature = "zstd")]
    pub(crate) const ACCEPTED: &str = "zstd, gzip";
    /// Every one there is, the best first, as `accept-encoding` says it.
    #[cfg(not(feature = "zstd"))]
    pub(crate) const ACCEPTED: &str = "gzip";

    /// By its name in a header.
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"gzip" => Some(Compression::Gzip),
            #[cfg(feature = "zstd")]
            b"zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// Its name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            #[cfg(feature = "zstd")]
            Compression::Zstd => "zstd",
        }
    }

    /// The best that somebody takes who sent these values of `accept-encoding` or its like. What is
    /// weighed with `q=0` is refused; other weights are not compared, since either is as good.
    pub(crate) fn choose<'a>(accepted: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut best = None;
        for name in accepted.flat_map(|value| value.split(|byte| *byte == b',')) {
            let mut parts = name.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let known = parts.next().and_then(Compression::from_name);
            if parts.any(|weight| matches!(weight, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000")) {
                continue;
            }
            best = best.max(known);
        }
        best
    }

    /// `message`, compressed.
    pub(crate) fn compress(self, message: &[u8]) -> Bytes {
        let packed = match self {
            Compression::Gzip => {
                let into = Vec::with_capacity(message.len() / 2);
                // The least effort: more costs several times as much for a tenth of the bytes.
                let mut encoder = GzEncoder::new(into, flate2::Compression::fast());
                encoder.write_all(message).and_then(|()| encoder.finish())
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => zstd::bulk::compress(message, zstd::DEFAULT_COMPRESSION_LEVEL),
        };
        packed.expect("writing into memory does not fail").into()
    }

    /// What was compressed to `message`, at most `limit` bytes of it: a small message can unpack
    /// to gigabytes.
    pub(crate) fn decompress(self, message: &[u8], limit: usize) -> Result<Bytes, Unpacked> {
        match self {
            Compression::Gzip => unpack(MultiGzDecoder::new(message), limit),
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                let corrupt = |cause: std::io::Error| Unpacked::Corrupt(cause.to_string());
                let mut decoder = zstd::stream::Decoder::new(message).map_err(corrupt)?;
                // The memory that a frame may ask for before its first byte is there: 8 MiB, the
                // least that RFC 8878 asks decoders to have.
                decoder.window_log_max(23).map_err(corrupt)?;
                unpack(decoder, limit)
            }
        }
    }
}

/// Grows with what is there, not with what was announced.
fn unpack(reader: impl Read, limit: usize) -> Result<Bytes, Unpacked> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut message = Vec::new();
    let read = reader.take(most).read_to_end(&mut message);
    read.map_err(|cause| Unpacked::Corrupt(cause.to_string()))?;
    if message.len() > limit {
        return Err(Unpacked::TooLarge);
    }
    Ok(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Compression] = &[
        Compression::Gzip,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
    ];

    #[test]
    fn what_is_packed_unpacks_to_itself_within_the_limit_only() {
        for compression in ALL {
            for size in [0, 1, 1000, 100_000] {
                let message = vec![7; size];
                let packed = compression.compress(&message);
                assert_eq!(compression.decompress(&packed, size).unwrap(), message);
                if size > 0 {
                    let refused = compression.decompress(&packed, size - 1);
                    assert_eq!(refused, Err(Unpacked::TooLarge));
                }
            }
        }
    }

    #[test]
    fn what_was_never_packed_is_corrupt() {
        for compression in ALL {
            for bytes in [&b"plain"[..], &[0x1f, 0x8b, 8], &[0x28, 0xb5, 0x2f, 0xfd, 0xff]] {
                let refused = compression.decompress(bytes, 100);
                assert!(matches!(refused, Err(Unpacked::Corrupt(_))), "{compression:?} {bytes:?}");
            }
            let whole = compression.compress(&[7; 1000]);
            let torn = compression.decompress(&whole[..whole.len() - 1], 1000);
            assert!(matches!(torn, Err(Unpacked::Corrupt(_))), "{compression:?}");
        }
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_window_that_is_only_announced_reserves_nothing() {
        // A window of 2^30 bytes, and a last block of one byte as it is.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, (30 - 10) << 3, 9, 0, 0, b'a'];
        let refused = Compression::Zstd.decompress(&frame, 100);
        assert!(matches!(&refused, Err(Unpacked::Corrupt(_))), "{refused:?}");
        let mut small = frame;
        small[5] = (23 - 10) << 3;
        assert_eq!(Compression::Zstd.decompress(&small, 100).unwrap(), "a");
    }

    #[test]
    fn the_best_that_is_accepted_is_chosen() {
        let chosen = |values: &[&str]| {
            Compression::choose(values.iter().map(|value| value.as_bytes())).map(Compression::name)
        };
        assert_eq!(chosen(&["br, deflate"]), None);
        assert_eq!(chosen(&["identity", " gzip;q=0.5 "]), Some("gzip"));
        assert_eq!(chosen(&["gzip;q=0"]), None);
        assert_eq!(chosen(&[]), None);
        #[cfg(feature = "zstd")]
        assert_eq!(chosen(&["zstd, gzip"]), Some("zstd"));
    }
}
