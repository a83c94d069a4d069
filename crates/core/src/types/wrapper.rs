//! `google.protobuf.StringValue` and its like.

use crate::message::Message;
use crate::message::private::{
    Element, Fault, Field, FieldSchema, Fields, JsonReader, Kind, Label, Member, MessageSchema,
    PlainEncoding, Position, Reader, Singular, WireType, fields, wire,
};

/// A message around one value, in JSON the value itself.
///
/// Peers from before protobuf had `optional` say so that a value may be missing:
/// `Option<Wrapper<i64>>` is `google.protobuf.Int64Value`. Otherwise `Option<i64>` is shorter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wrapper<T> {
    /// The value.
    pub value: T,
}

/// A value that has a wrapper in `google.protobuf`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no wrapper in google.protobuf",
    label = "no wrapper",
    note = "there are wrappers for bool, i32, i64, u32, u64, f32, f64, String, Vec<u8> and Bytes"
)]
pub trait Wrapped: Singular + Default {
    /// The full name of the wrapper.
    const NAME: &'static str;
}

macro_rules! wrapped {
    ($($type:ty: $name:literal,)*) => {
        $(impl Wrapped for $type {
            const NAME: &'static str = concat!("google.protobuf.", $name);
        })*
    };
}

wrapped! {
    bool: "BoolValue",
    i32: "Int32Value",
    i64: "Int64Value",
    u32: "UInt32Value",
    u64: "UInt64Value",
    f32: "FloatValue",
    f64: "DoubleValue",
    String: "StringValue",
    Vec<u8>: "BytesValue",
    bytes::Bytes: "BytesValue",
}

impl<T> From<T> for Wrapper<T> {
    fn from(value: T) -> Self {
        Self { value }
    }
}

impl<T: Wrapped> Fields for Wrapper<T> {
    fn fields_schema(&self) -> &'static MessageSchema {
        <Self as Message>::schema()
    }

    fn is_blank(&self) -> bool {
        Element::is_absent(&self.value)
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        Field::<PlainEncoding>::write(&self.value, 1, out);
    }

    fn read_field(
        &mut self,
        number: u32,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        match number {
            1 => Field::<PlainEncoding>::read(&mut self.value, wire, reader),
            _ => reader.skip(number, wire),
        }
    }

    fn write_json_fields(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.value.write_json(out)
    }

    fn read_json_field(&mut self, _: Position, json: &mut JsonReader<'_>) -> Result<(), Fault> {
        self.value = T::read_json(json)?;
        Ok(())
    }

    fn bind_field(&mut self, _: Position, path: &str, text: &str) -> Result<(), Fault> {
        Field::<PlainEncoding>::bind(&mut self.value, path, text)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Wrapped> Element for Wrapper<T> {
    const KIND: Kind = Kind::Message(<Self as Message>::schema);
    const WIRE: WireType = WireType::Length;

    fn absent() -> Result<Self, Fault> {
        Ok(Self::default())
    }

    fn is_absent(&self) -> bool {
        self.is_blank()
    }

    fn write(&self, out: &mut Vec<u8>) {
        let start = wire::begin_nested(out);
        self.write_fields(out);
        wire::end_nested(start, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut message = Self::default();
        fields::read_nested(&mut message, reader)?;
        Ok(message)
    }

    fn merge(slot: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<(), Fault> {
        fields::read_nested(slot.get_or_insert_default(), reader)
    }

    fn merge_present(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        fields::read_nested(self, reader)
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.value.write_json(out)
    }

    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        T::read_json(json).map(Self::from)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        T::parse(text).map(Self::from)
    }
}

impl<T: Wrapped> Singular for Wrapper<T> {}

#[diagnostic::do_not_recommend]
impl<T: Wrapped> Message for Wrapper<T> {
    const NAME: &'static str = <T as Wrapped>::NAME;
    const JSON_IS_BY_HAND: bool = true;

    fn schema() -> &'static MessageSchema {
        const {
            &MessageSchema {
                name: <T as Wrapped>::NAME,
                package: "google.protobuf",
                members: &[Member::Field(FieldSchema {
                    name: "value",
                    json_name: "value",
                    number: 1,
                    label: Label::Implicit,
                    kind: T::KIND,
                    docs: "",
                    deprecated: false,
                    takes_null: false,
                })],
                ..MessageSchema::BLANK
            }
        }
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        self.write_fields(out);
    }

    fn read_body(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut message = Self::default();
        fields::read_fields(&mut message, reader)?;
        Ok(message)
    }

    fn bind_body(&mut self, path: &str, text: &str) -> Result<(), Fault> {
        fields::bind(self, path, text)
    }
}
