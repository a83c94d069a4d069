//! Protobuf's wire: reading and writing of tags, varints and lengths.
//!
//! A nested value is written in one pass: a byte is kept for its length, and only where the length
//! needs more is the value moved. So no message is measured before it is written.

use buffa::encoding as primitive;

use super::fault::Fault;

/// How many messages may lie in each other, as in Google's implementations. Protects the stack of
/// the reader against a bomb of nested lengths.
const DEPTH: u32 = 100;

/// How a value lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// A variable number of bytes, seven bits each.
    Varint = 0,
    /// Eight bytes.
    Fixed64 = 1,
    /// A length and as many bytes.
    Length = 2,
    /// The start of a group, which only unknown fields can be.
    StartGroup = 3,
    /// The end of a group.
    EndGroup = 4,
    /// Four bytes.
    Fixed32 = 5,
}

impl WireType {
    const fn of(bits: u32) -> Option<Self> {
        Some(match bits {
            0 => Self::Varint,
            1 => Self::Fixed64,
            2 => Self::Length,
            3 => Self::StartGroup,
            4 => Self::EndGroup,
            5 => Self::Fixed32,
            _ => return None,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Varint => "a varint",
            Self::Fixed64 => "64 bits",
            Self::Length => "a length-delimited value",
            Self::StartGroup => "the start of a group",
            Self::EndGroup => "the end of a group",
            Self::Fixed32 => "32 bits",
        }
    }

    /// A field is what its schema says, or the message is refused.
    #[inline]
    pub fn expect(self, expected: Self) -> Result<(), Fault> {
        if self == expected {
            return Ok(());
        }
        Err(Fault::new(format!("expected {}, got {}", expected.word(), self.word())))
    }
}

/// The bytes of one message, and how deep it lies.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Reads a message that lies in no other.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: DEPTH }
    }

    /// Whether all is read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The number of the next field, and how its value lies on the wire.
    #[inline]
    pub fn tag(&mut self) -> Result<(u32, WireType), Fault> {
        let Ok(key) = u32::try_from(self.varint()?) else {
            return Err(Fault::new("a field number is out of range"));
        };
        let Some(wire) = WireType::of(key & 7) else {
            return Err(Fault::new(format!("wire type {} does not exist", key & 7)));
        };
        if key < 8 {
            return Err(Fault::new("field number 0 does not exist"));
        }
        Ok((key >> 3, wire))
    }

    /// The next varint.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Fault> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Fault> {
        primitive::decode_varint(&mut self.rest).map_err(|error| truncated(&error))
    }

    /// The next `N` bytes.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(end_of_input());
        };
        self.rest = rest;
        Ok(*bytes)
    }

    /// The next length-delimited value.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.varint()?;
        let Some((bytes, rest)) =
            usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length))
        else {
            return Err(end_of_input());
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// The next length-delimited value as text.
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        buffa::types::borrow_str(&mut self.rest).map_err(|error| truncated(&error))
    }

    /// The next length-delimited value as a message.
    #[inline]
    pub fn nested(&mut self) -> Result<Self, Fault> {
        let rest = self.bytes()?;
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(Fault::new(format!("messages lie in each other deeper than {DEPTH}")));
        };
        Ok(Self { rest, depth })
    }

    /// Passes over the value of a field that is not known here.
    #[cold]
    pub fn skip(&mut self, number: u32, wire: WireType) -> Result<(), Fault> {
        let skipped = primitive::WireType::from_u32(wire as u32).and_then(|wire| {
            let tag = primitive::Tag::new(number, wire);
            primitive::skip_field_depth(tag, &mut self.rest, self.depth)
        });
        skipped.map_err(|error| Fault::new(format!("unknown field {number}: {error}")))
    }
}

#[cold]
fn end_of_input() -> Fault {
    Fault::new("the input ends in the middle of a value")
}

#[cold]
fn truncated(error: &buffa::DecodeError) -> Fault {
    match error {
        buffa::DecodeError::UnexpectedEof => end_of_input(),
        buffa::DecodeError::InvalidUtf8 => Fault::new("the text is not valid UTF-8"),
        other => Fault::new(other.to_string()),
    }
}

/// Writes the key of a field.
#[inline]
pub fn write_tag(number: u32, wire: WireType, out: &mut Vec<u8>) {
    write_varint(u64::from(number << 3 | wire as u32), out);
}

/// Writes a varint.
#[inline]
pub fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Writes a length-delimited value.
#[inline]
pub fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Keeps a byte for the length of what follows; [`end_nested`] puts it in.
#[inline]
pub fn begin_nested(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Puts in the length of what was written since `begin_nested` gave `start`.
#[inline]
pub fn end_nested(start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    match u8::try_from(length) {
        Ok(short @ 0..0x80) => out[start - 1] = short,
        _ => move_for_length(start, length, out),
    }
}

fn move_for_length(start: usize, length: usize, out: &mut Vec<u8>) {
    let mut prefix = Vec::with_capacity(10);
    write_varint(length as u64, &mut prefix);
    let more = prefix.len() - 1;
    out.resize(out.len() + more, 0);
    out.copy_within(start..start + length, start + more);
    out[start - 1..start + more].copy_from_slice(&prefix);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_value_of_any_length_reads_back() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let value: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
            let mut out = vec![9];
            let start = begin_nested(&mut out);
            out.extend_from_slice(&value);
            end_nested(start, &mut out);
            out.push(7);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.varint().unwrap(), 9);
            assert_eq!(reader.bytes().unwrap(), value, "{length}");
            assert_eq!(reader.varint().unwrap(), 7);
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn tags_out_of_range_are_refused() {
        let tag = |bytes: &[u8]| Reader::new(bytes).tag().map_err(|fault| fault.to_string());
        assert_eq!(tag(&[0x00]).unwrap_err(), "field number 0 does not exist");
        assert_eq!(tag(&[0x0e]).unwrap_err(), "wire type 6 does not exist");
        assert!(tag(&[0xff; 11]).is_err());
        assert!(tag(&[0x80]).is_err());
        assert_eq!(tag(&[0x0a]), Ok((1, WireType::Length)));
    }

    #[test]
    fn groups_are_skipped_but_not_bombs_of_them() {
        // Field 2 as a group that holds field 1 = 5.
        let mut reader = Reader::new(&[0x13, 0x08, 0x05, 0x14, 0x01]);
        let (number, wire) = reader.tag().unwrap();
        reader.skip(number, wire).unwrap();
        assert_eq!(reader.remaining(), 1);

        let bomb = vec![0x13; 100_000];
        let mut reader = Reader::new(&bomb);
        let (number, wire) = reader.tag().unwrap();
        assert!(reader.skip(number, wire).is_err());
    }
}
