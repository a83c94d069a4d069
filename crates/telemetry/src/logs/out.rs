//! Where the bytes of a line go, up to its limit.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::escape;
use super::value::Text;

/// The bytes of a line.
pub(super) struct Out<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    limit: usize,
    /// Whether something did not fit. From then on nothing more is taken.
    pub(super) cut: bool,
}

/// What an encoder may write past the limit to end a line well.
const RESERVE: usize = 256;

/// What stands where text was cut.
const MARK: &str = "…";

impl<'a> Out<'a> {
    /// For a line of at most `limit` bytes.
    pub(super) fn new(bytes: &'a mut Vec<u8>, limit: usize) -> Self {
        bytes.clear();
        Out { bytes, limit: limit.saturating_sub(RESERVE), cut: false }
    }

    /// Whether there is room for a field with a name of so many bytes and a short value; from the
    /// first for which there is none, the line is cut.
    pub(super) fn takes(&mut self, name: usize) -> bool {
        if !self.cut && self.bytes.len() + name * 6 + 80 > self.limit {
            self.cut = true;
        }
        !self.cut
    }

    /// What needs no escape and is short.
    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// As it is shown between quotes, or where `quoted` is false, outside of them.
    pub(super) fn text(&mut self, text: Text<'_>, quoted: bool) {
        if let Text::Plain(text) = text {
            self.cut |= !escape::write(text, quoted, self.limit, self.bytes);
        } else {
            let mut escaping = Escaping { out: self, quoted };
            // An error is the limit, or a formatter's own that there is nobody to tell.
            let _cut = text.write(&mut escaping);
        }
        if self.cut {
            self.raw(MARK.as_bytes());
        }
    }

    pub(super) fn hex(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let digit = |bits: u8| escape::HEX[usize::from(bits & 0xf)];
            self.raw(&[digit(byte >> 4), digit(*byte)]);
        }
    }

    pub(super) fn integer(&mut self, integer: impl itoa::Integer) {
        self.raw(itoa::Buffer::new().format(integer).as_bytes());
    }

    pub(super) fn boolean(&mut self, boolean: bool) {
        self.raw(if boolean { b"true" } else { b"false" });
    }

    pub(super) fn address(&mut self, address: SocketAddr) {
        let SocketAddr::V4(address) = address else {
            return self.text(Text::Display(&address), true);
        };
        for (octet, end) in address.ip().octets().into_iter().zip(*b"...:") {
            self.integer(octet);
            self.raw(&[end]);
        }
        self.integer(address.port());
    }

    /// In seconds, with microseconds.
    pub(super) fn seconds(&mut self, duration: Duration) {
        self.integer(duration.as_secs());
        let mut fraction = *b".000000";
        let mut micros = duration.subsec_micros();
        for digit in fraction[1..].iter_mut().rev() {
            *digit = b'0' + (micros % 10) as u8;
            micros /= 10;
        }
        self.raw(&fraction);
    }
}

/// Escapes what a formatter writes.
struct Escaping<'a, 'b> {
    out: &'a mut Out<'b>,
    quoted: bool,
}

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let out = &mut *self.out;
        out.cut |= !escape::write(text, self.quoted, out.limit, out.bytes);
        if out.cut { Err(fmt::Error) } else { Ok(()) }
    }
}
