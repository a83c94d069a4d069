//! Reading JSON: a cursor over text, moved by what the caller expects next.
//!
//! The text is known to be UTF-8 before the first byte is looked at, so a string without escapes is
//! borrowed as it stands.

use std::borrow::Cow;

use super::number::{parse_float, parse_integer};
use crate::message::fault::Fault;

/// How deep objects and arrays may lie in each other. Protects the stack of the reader.
const DEPTH: u32 = 100;

/// A cursor over JSON.
#[derive(Clone, Debug)]
pub struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// An object or an array was just opened, no comma stands before what comes next.
    opened: bool,
}

/// The name of a member.
#[derive(Debug)]
pub enum Key<'a> {
    /// The one that was guessed.
    Guessed,
    /// Another one.
    Other(Cow<'a, str>),
}

impl<'a> JsonReader<'a> {
    /// A cursor at the beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: DEPTH, opened: false }
    }

    /// The first byte of what comes next.
    #[inline]
    pub fn peek(&mut self) -> Result<u8, Fault> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if byte > b' ' {
                return Ok(byte);
            }
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Err(self.syntax("a control character"));
            }
            self.at += 1;
        }
        Err(self.syntax("the input ends in the middle of a value"))
    }

    /// Nothing may come after the value.
    pub fn end(&mut self) -> Result<(), Fault> {
        if self.text[self.at..].trim_matches([' ', '\n', '\r', '\t']).is_empty() {
            return Ok(());
        }
        self.peek()?;
        Err(self.syntax("something follows the value"))
    }

    /// Begins an object; [`Self::next_key`] goes through it.
    #[inline]
    pub fn open_object(&mut self) -> Result<(), Fault> {
        if self.peek()? != b'{' {
            return Err(self.expected("an object"));
        }
        self.open()
    }

    /// The name of the next member, or the end of the object. The value must be read next.
    #[inline]
    pub fn next_key(&mut self) -> Result<Option<Cow<'a, str>>, Fault> {
        if !self.next(b'}')? {
            return Ok(None);
        }
        self.key().map(Some)
    }

    /// The same, where the name can be guessed: most writers keep the order of the fields.
    #[inline]
    pub fn next_key_or(&mut self, guess: Option<&str>) -> Result<Option<Key<'a>>, Fault> {
        if !self.next(b'}')? {
            return Ok(None);
        }
        if let Some(guess) = guess
            && let Some([b'"', rest @ ..]) = self.text.as_bytes().get(self.at..)
            && let Some([b'"', b':', ..]) = rest.strip_prefix(guess.as_bytes())
        {
            self.at += guess.len() + 3;
            return Ok(Some(Key::Guessed));
        }
        self.key().map(|key| Some(Key::Other(key)))
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek()? != b'"' {
            return Err(self.syntax("expected the name of a member in quotes"));
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return Err(self.syntax("expected `:`"));
        }
        self.at += 1;
        Ok(key)
    }

    /// Begins an array; [`Self::next_item`] goes through it.
    #[inline]
    pub fn open_array(&mut self) -> Result<(), Fault> {
        if self.peek()? != b'[' {
            return Err(self.expected("an array"));
        }
        self.open()
    }

    /// Whether a value follows, which must be read next, or the array ends.
    #[inline]
    pub fn next_item(&mut self) -> Result<bool, Fault> {
        self.next(b']')
    }

    /// Reads `null`, if that is what comes next.
    #[inline]
    pub fn null(&mut self) -> Result<bool, Fault> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    /// Reads `true` or `false`.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        match self.peek()? {
            b't' => self.word("true").map(|()| true),
            b'f' => self.word("false").map(|()| false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Reads a string, borrowed where it has no escapes.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek()? != b'"' {
            return Err(self.expected("a string"));
        }
        let start = self.at + 1;
        let stop = end_of_plain(self.text.as_bytes(), start);
        if self.text.as_bytes().get(stop) == Some(&b'"') {
            self.at = stop + 1;
            return Ok(Cow::Borrowed(&self.text[start..stop]));
        }
        self.string_with_escapes(start, stop).map(Cow::Owned)
    }

    /// Reads an integer, which may stand in quotes.
    #[inline]
    pub fn integer(&mut self) -> Result<i128, Fault> {
        match self.peek()? {
            b'"' => parse_integer(&self.string()?),
            b'-' | b'0'..=b'9' => parse_integer(self.number()?),
            _ => Err(self.expected("an integer")),
        }
    }

    /// Reads a number, which may stand in quotes, and in them be `NaN`, `Infinity`, `-Infinity`.
    pub fn float(&mut self) -> Result<f64, Fault> {
        match self.peek()? {
            b'"' => parse_float(&self.string()?),
            b'-' | b'0'..=b'9' => parse_float(self.number()?),
            _ => Err(self.expected("a number")),
        }
    }

    /// Reads a number as it stands.
    pub fn number(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes.get(self.at) == Some(&b'-'));
        let leading_zero = bytes.get(self.at) == Some(&b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(self.syntax("a number with a zero in front"));
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Passes over a value of any kind.
    pub fn skip(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            b'{' => {
                self.open_object()?;
                while self.next_key()?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            b'[' => {
                self.open_array()?;
                while self.next_item()? {
                    self.skip()?;
                }
                Ok(())
            }
            b'"' => self.string().map(drop),
            b't' | b'f' => self.boolean().map(drop),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => Err(self.syntax("expected a value")),
        }
    }

    /// What comes next is well-formed, or not even that, but not what the schema says.
    #[cold]
    pub fn expected(&mut self, what: &str) -> Fault {
        let found = match self.text.as_bytes().get(self.at) {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => return self.syntax("expected a value"),
        };
        Fault::new(format!("expected {what}, got {found}"))
    }

    fn open(&mut self) -> Result<(), Fault> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.syntax("values lie in each other deeper than 100"));
        };
        self.depth = depth;
        self.at += 1;
        self.opened = true;
        Ok(())
    }

    #[inline]
    fn next(&mut self, close: u8) -> Result<bool, Fault> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            self.depth += 1;
            self.opened = false;
            return Ok(false);
        }
        if self.opened {
            self.opened = false;
            return Ok(true);
        }
        if byte != b',' {
            return Err(self.syntax("expected a comma or the end of the object or array"));
        }
        self.at += 1;
        if self.peek()? == close {
            return Err(self.syntax("a comma with nothing after it"));
        }
        Ok(true)
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.syntax("expected a digit"));
        }
        Ok(self.at - start)
    }

    fn string_with_escapes(&mut self, mut start: usize, mut stop: usize) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let mut text = String::new();
        loop {
            text.push_str(&self.text[start..stop]);
            self.at = stop;
            match bytes.get(stop) {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.syntax("a control character in a string")),
                None => return Err(self.syntax("the input ends in the middle of a string")),
            }
            start = self.at;
            stop = end_of_plain(bytes, start);
        }
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match escaped {
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at -= 1;
                return Err(self.syntax("an escape that JSON does not have"));
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let first = self.four_hex()?;
        if let 0xd800..0xdc00 = first
            && self.text.as_bytes()[self.at..].starts_with(b"\\u")
        {
            self.at += 2;
            let second = self.four_hex()?;
            let low = second.wrapping_sub(0xdc00);
            let pair = (low < 0x400).then(|| 0x10000 + ((first - 0xd800) << 10) + low);
            return pair
                .and_then(char::from_u32)
                .ok_or_else(|| self.syntax("half of a surrogate pair"));
        }
        char::from_u32(first).ok_or_else(|| self.syntax("half of a surrogate pair"))
    }

    fn four_hex(&mut self) -> Result<u32, Fault> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits
                .iter()
                .try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
        });
        let Some(value) = value else {
            return Err(self.syntax("expected four hexadecimal digits"));
        };
        self.at += 4;
        Ok(value)
    }

    #[cold]
    fn syntax(&self, what: &str) -> Fault {
        let at = self.at.min(self.text.len());
        let before = &self.text.as_bytes()[..at];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = at - before.iter().rposition(|&byte| byte == b'\n').map_or(0, |it| it + 1) + 1;
        Fault::new(format!("invalid JSON at line {line} column {column}: {what}"))
    }
}

/// Where the next quote, backslash or control character stands, or the end. Eight bytes at a time.
#[inline]
pub(super) fn end_of_plain(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        // The highest bit of a byte of each of these is set where the byte is what we look for, and
        // possibly in bytes above such a one, which do not matter.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = word ^ (ONES * u64::from(b'"'));
        let quote = quote.wrapping_sub(ONES) & !quote;
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let backslash = backslash.wrapping_sub(ONES) & !backslash;
        let found = (control | quote | backslash) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
