//! `google.protobuf.Empty` is Rust's `()`.

use crate::message::Message;
use crate::message::private::{
    Element, Fault, Fields, JsonReader, Kind, MessageSchema, Position, Reader, Singular, WireType,
    fields,
};

static SCHEMA: MessageSchema = MessageSchema {
    name: "google.protobuf.Empty",
    package: "google.protobuf",
    ..MessageSchema::BLANK
};

impl Fields for () {
    fn fields_schema(&self) -> &'static MessageSchema {
        &SCHEMA
    }

    fn is_blank(&self) -> bool {
        true
    }

    fn write_fields(&self, _out: &mut Vec<u8>) {}

    fn read_field(
        &mut self,
        number: u32,
        wire: WireType,
        reader: &mut Reader<'_>,
    ) -> Result<(), Fault> {
        reader.skip(number, wire)
    }

    fn write_json_fields(&self, _out: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }

    fn read_json_field(
        &mut self,
        _position: Position,
        json: &mut JsonReader<'_>,
    ) -> Result<(), Fault> {
        json.skip()
    }

    fn bind_field(&mut self, _position: Position, path: &str, _text: &str) -> Result<(), Fault> {
        Err(Fault::unknown_field(&SCHEMA, path))
    }
}

#[diagnostic::do_not_recommend]
impl Element for () {
    const KIND: Kind = Kind::Message(<() as Message>::schema);
    const WIRE: WireType = WireType::Length;

    fn absent() -> Result<Self, Fault> {
        Ok(())
    }

    fn is_absent(&self) -> bool {
        true
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        fields::read_nested(&mut (), reader)
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.extend_from_slice(b"{}");
        Ok(())
    }

    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        fields::read_json(&mut (), json)
    }

    fn parse(_text: &str) -> Result<Self, Fault> {
        Err(fields::no_text(&SCHEMA))
    }
}

impl Singular for () {}

#[diagnostic::do_not_recommend]
impl Message for () {
    const NAME: &'static str = "google.protobuf.Empty";

    fn schema() -> &'static MessageSchema {
        &SCHEMA
    }

    fn write_body(&self, _out: &mut Vec<u8>) {}

    fn read_body(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        fields::read_fields(&mut (), reader)
    }

    fn bind_body(&mut self, path: &str, text: &str) -> Result<(), Fault> {
        fields::bind(self, path, text)
    }
}
