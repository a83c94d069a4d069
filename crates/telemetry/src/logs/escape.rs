//! Text as a log line may hold it: nothing in it ends the line, and nothing commands a terminal.
//!
//! Escaped are the control characters of ASCII and of Latin-1 (which terminals obey too, in UTF-8),
//! Unicode's line ends, and the characters that turn the direction of text around. The escapes are
//! JSON's, in every format.

/// Writes `text`, until `out` is `limit` long; says whether all of it is there. `"` and `\` are
/// escaped where the text stands in quotes.
pub(super) fn write(text: &str, quoted: bool, limit: usize, out: &mut Vec<u8>) -> bool {
    let bytes = text.as_bytes();
    if end_of_plain(bytes) == bytes.len() && out.len() + bytes.len() <= limit {
        out.extend_from_slice(bytes);
        return true;
    }
    write_with_escapes(text, quoted, limit, out)
}

fn write_with_escapes(text: &str, quoted: bool, limit: usize, out: &mut Vec<u8>) -> bool {
    let mut rest = text;
    loop {
        let plain = end_of_plain(rest.as_bytes());
        let fits = plain.min(limit.saturating_sub(out.len()));
        out.extend_from_slice(&rest.as_bytes()[..fits]);
        if fits < plain {
            return false;
        }
        // What stops a run is ASCII or begins a character, so this is no place within one.
        let mut characters = rest[plain..].chars();
        let Some(character) = characters.next() else { return true };
        if out.len() + LONGEST > limit {
            return false;
        }
        write_character(character, quoted, out);
        rest = characters.as_str();
    }
}

/// `\u2028`.
const LONGEST: usize = 6;

fn write_character(character: char, quoted: bool, out: &mut Vec<u8>) {
    match character {
        '"' if quoted => out.extend_from_slice(b"\\\""),
        '\\' if quoted => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            let code = u32::from(character);
            let digit = |shift: u32| HEX[(code >> shift & 0xf) as usize];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
        _ => {
            let mut bytes = [0; 4];
            out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
        }
    }
}

pub(super) const HEX: &[u8; 16] = b"0123456789abcdef";

/// Where the first byte is that is not printable ASCII, or is `"` or `\`; eight bytes at a time.
fn end_of_plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = odd(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    // The rest once more with some of what is known to be plain, or in halves that overlap.
    let rest = &bytes[at..];
    let last = match (bytes.last_chunk::<8>(), rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        _ if rest.is_empty() => return at,
        (Some(last), ..) => u64::from_le_bytes(*last),
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => {
            let [first, middle, last] = [rest[0], rest[rest.len() / 2], rest[rest.len() - 1]];
            u64::from_le_bytes([first, middle, last, b' ', b' ', b' ', b' ', b' '])
        }
    };
    if odd(last) == 0 {
        return bytes.len();
    }
    let plain = |byte: &u8| matches!(byte, 0x20..0x7f) && !matches!(byte, b'"' | b'\\');
    at + rest.iter().take_while(|byte| plain(byte)).count()
}

/// Not zero where one of eight bytes stops a run: the highest bit of that byte is set, and possibly
/// those of bytes above the lowest such one, which do not matter.
#[inline]
fn odd(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let control = word.wrapping_sub(ONES * 0x20);
    let delete = (word ^ (ONES * 0x7f)).wrapping_sub(ONES);
    let quote = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    (control | delete | quote | backslash | word) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, quoted: bool, limit: usize) -> (String, bool) {
        let mut out = Vec::new();
        let whole = write(text, quoted, limit, &mut out);
        (String::from_utf8(out).unwrap(), whole)
    }

    #[test]
    fn what_commands_a_terminal_or_ends_a_line_is_escaped() {
        let evil = "a\n\u{1b}[2J\u{9b}31m\u{7f}\u{2028}\u{202e}\u{2066}\0é";
        let safe = r"a\n\u001b[2J\u009b31m\u007f\u2028\u202e\u2066\u0000é";
        for quoted in [false, true] {
            assert_eq!(written(evil, quoted, 1_000), (safe.to_owned(), true));
        }
        assert_eq!(written(r#""\"#, true, 10).0, r#"\"\\"#);
        assert_eq!(written(r#""\"#, false, 10).0, r#""\"#);
    }

    #[test]
    fn every_character_comes_back_from_json() {
        for code in (0..0x1_1000).filter_map(char::from_u32) {
            for text in [
                format!("{code}"),
                format!("{code}12"),
                format!("1{code}2"),
                format!("12345{code}"),
                format!("1234567{code}12345678{code}"),
            ] {
                let quoted = format!("\"{}\"", written(&text, true, 1_000).0);
                assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
            }
        }
    }

    #[test]
    fn text_ends_at_the_limit_and_not_within_a_character() {
        assert_eq!(written("123456789", true, 9), ("123456789".to_owned(), true));
        assert_eq!(written("1234567890", true, 9), ("123456789".to_owned(), false));
        assert_eq!(written("123\u{1b}[2J", true, 8), ("123".to_owned(), false));
        assert_eq!(written("123é", true, 8), ("123".to_owned(), false));
    }
}
