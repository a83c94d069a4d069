//! Protobuf, as far as OTLP needs it written. Messages are never measured before they are written,
//! and hardly ever moved.

/// How a value lies on the wire.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// A message that is being written.
pub(crate) struct Message<'a>(pub(crate) &'a mut Vec<u8>);

impl Message<'_> {
    /// A number; zero goes without saying.
    #[inline]
    pub(crate) fn number(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field << 3 | VARINT));
            self.varint(value);
        }
    }

    #[inline]
    pub(crate) fn fixed64(&mut self, field: u32, value: u64) {
        self.varint(u64::from(field << 3 | FIXED64));
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn fixed32(&mut self, field: u32, value: u32) {
        self.varint(u64::from(field << 3 | FIXED32));
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// Text or bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, field: u32, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.begin(field, value.len());
        self.0.extend_from_slice(value);
    }

    /// Numbers of eight bytes each, packed.
    pub(crate) fn packed64(&mut self, field: u32, values: impl ExactSizeIterator<Item = u64>) {
        self.begin(field, values.len() * 8);
        values.for_each(|value| self.0.extend_from_slice(&value.to_le_bytes()));
    }

    /// The key and the length of a value whose length is known.
    #[inline]
    pub(crate) fn begin(&mut self, field: u32, length: usize) {
        self.varint(u64::from(field << 3 | LENGTH));
        self.varint(length as u64);
    }

    /// A message within. Two bytes are kept for its length, which are enough for all but the
    /// shortest and the longest: those are moved.
    #[inline]
    pub(crate) fn nested(&mut self, field: u32, write: impl FnOnce(&mut Message<'_>)) {
        self.varint(u64::from(field << 3 | LENGTH));
        self.0.extend_from_slice(&[0, 0]);
        let start = self.0.len();
        write(&mut Message(self.0));
        let length = self.0.len() - start;
        if let 0x80..0x4000 = length {
            let [low, high, ..] = length.to_le_bytes();
            self.0[start - 2] = low | 0x80;
            self.0[start - 1] = high << 1 | low >> 7;
        } else {
            self.settle(start, length);
        }
    }

    fn settle(&mut self, start: usize, length: usize) {
        if length < 0x80 {
            self.0.copy_within(start.., start - 1);
            self.0.truncate(start - 1 + length);
            [self.0[start - 2], ..] = length.to_le_bytes();
            return;
        }
        let mut prefix = Vec::with_capacity(5);
        Message(&mut prefix).varint(length as u64);
        self.0.splice(start - 2..start, prefix);
    }

    #[inline]
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

/// How many bytes a length takes up.
#[inline]
pub(crate) fn length_of(length: usize) -> usize {
    length_of_number(length as u64)
}

/// How many bytes a number takes up.
#[inline]
pub(crate) fn length_of_number(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use kitfox_core::message::wire::{Reader, WireType};

    use super::*;

    #[test]
    fn a_message_within_has_its_length_whatever_that_is() {
        for length in [0, 1, 127, 128, 129, 300, 16_383, 16_384, 70_000] {
            let value: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
            let mut out = Vec::new();
            let mut message = Message(&mut out);
            message.number(1, 0);
            message.nested(7, |inner| inner.0.extend_from_slice(&value));
            message.number(16, 300);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.tag().unwrap(), (7, WireType::Length), "zero is not written");
            assert_eq!(reader.bytes().unwrap(), value, "{length}");
            assert_eq!(reader.tag().unwrap(), (16, WireType::Varint));
            assert_eq!((reader.varint().unwrap(), reader.is_empty()), (300, true));
        }
    }

    #[test]
    fn the_length_of_a_length_is_known_before() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, u64::MAX] {
            let mut out = Vec::new();
            Message(&mut out).varint(length);
            assert_eq!(length_of_number(length), out.len(), "{length}");
        }
    }
}
