//! Bytes as text: base64 as gRPC's binary headers, Connect's details and Connect's GET have it.
//!
//! It is written without padding, and read with padding or without, as others like. Bits that are
//! left over at the end say nothing.

use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// For headers and JSON.
pub(crate) static BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);

/// For queries.
pub(crate) static BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn it_is_written_without_padding_and_read_either_way() {
        for (engine, bare, padded) in [(&BASE64, "+/8", "+/8="), (&BASE64_URL, "-_8", "-_8=")] {
            assert_eq!(engine.encode([0xfb, 0xff]), bare);
            for text in [bare, padded] {
                assert_eq!(engine.decode(text).unwrap(), [0xfb, 0xff], "{text}");
            }
            assert!(engine.decode("a*b=").is_err());
        }
    }
}
