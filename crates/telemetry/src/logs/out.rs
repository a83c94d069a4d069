//! Where the bytes of a line go, up to its limit.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::value::Text;
use super::{escape, time};

/// The bytes of a line.
pub(super) struct Out<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    limit: usize,
    /// Whether something did not fit. From then on nothing more is taken.
    pub(super) cut: bool,
}

/// What an encoder may write past the limit to end a line well.
const RESERVE: usize = 256;

/// The hexadecimal digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [escape::HEX[byte >> 4], escape::HEX[byte & 0xf]];
        byte += 1;
    }
    pairs
};

/// The decimal digits of each byte with a dot behind them, and how many bytes those are.
static OCTETS: [([u8; 4], usize); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut octet = 0;
    while octet < 256 {
        let length = 1 + (octet >= 10) as usize + (octet >= 100) as usize;
        let (mut at, mut left) = (length, octet);
        while at > 0 {
            at -= 1;
            octets[octet].0[at] = b"0123456789"[left % 10];
            left /= 10;
        }
        octets[octet].1 = length + 1;
        octet += 1;
    }
    octets
};

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
    #[inline]
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

    pub(super) fn spaces(&mut self, spaces: usize) {
        self.bytes.resize(self.bytes.len() + spaces, b' ');
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

    /// As hexadecimal digits.
    pub(super) fn hex<const N: usize>(&mut self, bytes: &[u8; N]) {
        let mut digits = [[0; 2]; N];
        for (pair, byte) in digits.iter_mut().zip(bytes) {
            *pair = PAIRS[usize::from(*byte)];
        }
        self.raw(digits.as_flattened());
    }

    #[inline]
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
        let mut text = [0; 16];
        let end = dotted(*address.ip(), &mut text);
        text[end - 1] = b':';
        self.raw(&text[..end]);
        self.integer(address.port());
    }

    /// In seconds, with microseconds.
    pub(super) fn seconds(&mut self, duration: Duration) {
        self.integer(duration.as_secs());
        self.raw(b".");
        self.raw(&time::six_digits(duration.subsec_micros()));
    }
}

/// Writes the octets of an address, a dot behind each; says where the last one is.
fn dotted(address: Ipv4Addr, text: &mut [u8; 16]) -> usize {
    let mut end = 0;
    for octet in address.octets() {
        let (digits, length) = OCTETS[usize::from(octet)];
        text[end..end + 4].copy_from_slice(&digits);
        end += length;
    }
    end
}

/// Gives `take` an address as text, without memory of its own where it is of the usual kind.
pub(crate) fn with_ip<T>(address: IpAddr, take: impl FnOnce(&str) -> T) -> T {
    let IpAddr::V4(address) = address else { return take(&address.to_string()) };
    let mut text = [0; 16];
    let end = dotted(address, &mut text);
    take(std::str::from_utf8(&text[..end - 1]).expect("digits and dots are ASCII"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_the_standard_library_writes_it() {
        for text in ["0.0.0.0:0", "1.22.255.100:65535", "10.9.99.199:80", "[2001:db8::1]:443"] {
            let mut bytes = Vec::new();
            Out::new(&mut bytes, 1_000).address(text.parse().unwrap());
            assert_eq!(String::from_utf8(bytes).unwrap(), text);
            let ip = text.parse::<SocketAddr>().unwrap().ip();
            assert_eq!(with_ip(ip, str::to_owned), ip.to_string());
        }
    }
}
