//! Writing JSON, into bytes that are known to have room for more.

use serde_json::to_writer;

/// Writes the name of a member, with the comma that it may need. `key` is `"name":`, quotes,
/// colon and all.
#[inline]
pub fn write_key(key: &'static str, out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.extend_from_slice(key.as_bytes());
}

/// The name in a key of [`write_key`].
pub fn name_of_key(key: &'static str) -> &'static str {
    key.trim_matches(['"', ':'])
}

/// Writes `null`.
pub fn write_null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// Writes `true` or `false`.
pub fn write_bool(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Writes an integer.
#[inline]
pub fn write_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes an integer as a string: those of 64 bits, and keys.
#[inline]
pub fn write_quoted_integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.push(b'"');
    write_integer(value, out);
    out.push(b'"');
}

/// Writes a number, as short as it can be.
pub fn write_f64(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        to_writer(out, &value).expect("a finite number can be written, a Vec takes it");
        return;
    }
    write_not_finite(value, out);
}

/// Writes a number, as short as it can be for its 32 bits.
pub fn write_f32(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        to_writer(out, &value).expect("a finite number can be written, a Vec takes it");
        return;
    }
    write_not_finite(f64::from(value), out);
}

fn write_not_finite(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(match value {
        value if value.is_nan() => b"\"NaN\"",
        value if value > 0.0 => b"\"Infinity\"",
        _ => b"\"-Infinity\"",
    });
}

/// Writes a string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    loop {
        let stop = super::reader::end_of_plain(bytes, written);
        out.extend_from_slice(&bytes[written..stop]);
        let Some(&byte) = bytes.get(stop) else { break };
        write_escaped(byte, out);
        written = stop + 1;
    }
    out.push(b'"');
}

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0xf)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }

        #[test]
        fn control_characters_are_escaped(text in "[\\x00-\\x22\\\\a]{0,40}") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }
}
