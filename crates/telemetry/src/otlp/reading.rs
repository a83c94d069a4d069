//! Reads protobuf without a schema, for tests.

use kitfox_core::message::wire::{Reader, WireType};

/// A message: its fields by their numbers, in order.
#[derive(Clone, Debug)]
pub(crate) struct Read(Vec<(u32, Field)>);

#[derive(Clone, Debug)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Read {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let (mut reader, mut fields) = (Reader::new(bytes), Vec::new());
        while !reader.is_empty() {
            let (number, wire) = reader.tag().expect("a tag");
            let field = match wire {
                WireType::Varint => Field::Number(reader.varint().unwrap()),
                WireType::Fixed64 => Field::Number(u64::from_le_bytes(reader.fixed().unwrap())),
                WireType::Fixed32 => {
                    Field::Number(u32::from_le_bytes(reader.fixed().unwrap()).into())
                }
                WireType::Length => Field::Bytes(reader.bytes().unwrap().to_vec()),
                other => panic!("{other:?}"),
            };
            fields.push((number, field));
        }
        Read(fields)
    }

    /// The items of a request.
    pub(crate) fn items(request: &[u8]) -> Vec<Read> {
        Read::new(request).one(1).one(2).all(2)
    }

    pub(crate) fn all(&self, number: u32) -> Vec<Read> {
        self.fields(number).map(|bytes| Read::new(bytes)).collect()
    }

    pub(crate) fn one(&self, number: u32) -> Read {
        Read::new(self.bytes(number).expect("a field"))
    }

    pub(crate) fn number(&self, number: u32) -> Option<u64> {
        self.0.iter().find_map(|(known, field)| match field {
            Field::Number(value) if *known == number => Some(*value),
            _ => None,
        })
    }

    pub(crate) fn bytes(&self, number: u32) -> Option<&[u8]> {
        self.fields(number).next().map(Vec::as_slice)
    }

    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.bytes(number).map(|bytes| std::str::from_utf8(bytes).unwrap())
    }

    /// The text of an attribute.
    pub(crate) fn attribute(&self, number: u32, name: &str) -> Option<String> {
        let named = |pair: &Read| pair.text(1) == Some(name);
        let pair = self.all(number).into_iter().find(named)?;
        let any = pair.one(2);
        let text = any.text(1).map(str::to_owned);
        text.or_else(|| any.number(3).map(|number| number.to_string()))
            .or_else(|| any.number(2).map(|number| (number == 1).to_string()))
            .or_else(|| any.number(4).map(|bits| f64::from_bits(bits).to_string()))
    }

    fn fields(&self, number: u32) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().filter_map(move |(known, field)| match field {
            Field::Bytes(bytes) if *known == number => Some(bytes),
            _ => None,
        })
    }
}
