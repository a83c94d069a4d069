//! Bytes in JSON: written in the standard alphabet, read in both, padded or not.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::message::fault::Fault;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD_ALPHABET: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const URL_SAFE_ALPHABET: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

/// The bytes that a text stands for.
pub fn read_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let url_safe = text.bytes().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if url_safe { URL_SAFE_ALPHABET } else { STANDARD_ALPHABET };
    alphabet.decode(text).map_err(|error| Fault::new(format!("invalid base64: {error}")))
}

/// Writes bytes as a JSON string.
pub fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD_ALPHABET
        .encode_slice(bytes, &mut out[start..])
        .expect("four bytes for each three, the last ones padded, are room enough");
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_padded_or_not() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(read_base64(text).unwrap(), [0xfb, 0xff], "{text}");
        }
        assert!(read_base64("a*b=").is_err());
    }

    #[test]
    fn the_standard_alphabet_is_written() {
        for (bytes, text) in [(&[][..], "\"\""), (&[0xfb, 0xff], "\"+/8=\"")] {
            let mut out = Vec::new();
            write_base64(bytes, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
