//! Strings and bytes as values of a message.

use bytes::Bytes;

use super::element::{Element, MapKey};
use super::fault::Fault;
use super::json::{self, JsonReader};
use super::schema::{Kind, Scalar};
use super::wire::{self, Reader, WireType};

#[diagnostic::do_not_recommend]
impl Element for String {
    const KIND: Kind = Kind::Scalar(Scalar::String);
    const WIRE: WireType = WireType::Length;

    #[inline]
    fn absent() -> Result<Self, Fault> {
        Ok(Self::new())
    }

    #[inline]
    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        wire::write_bytes(self.as_bytes(), out);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        reader.text().map(str::to_owned)
    }

    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        json::write_string(self, out);
        Ok(())
    }

    #[inline]
    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        Ok(json.string()?.into_owned())
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        Ok(text.to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl MapKey for String {
    const SCALAR: Scalar = Scalar::String;

    fn write_json_key(&self, out: &mut Vec<u8>) {
        json::write_string(self, out);
    }
}

macro_rules! bytes {
    ($type:ty, $from:expr) => {
        #[diagnostic::do_not_recommend]
        impl Element for $type {
            const KIND: Kind = Kind::Scalar(Scalar::Bytes);
            const WIRE: WireType = WireType::Length;

            #[inline]
            fn absent() -> Result<Self, Fault> {
                Ok(Self::new())
            }

            #[inline]
            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            #[inline]
            fn write(&self, out: &mut Vec<u8>) {
                wire::write_bytes(self, out);
            }

            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                reader.bytes().map($from)
            }

            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                json::write_base64(self, out);
                Ok(())
            }

            fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
                json::read_base64(&json.string()?).map(Self::from)
            }

            fn parse(text: &str) -> Result<Self, Fault> {
                json::read_base64(text).map(Self::from)
            }
        }
    };
}

bytes!(Vec<u8>, <[u8]>::to_vec);
bytes!(Bytes, Bytes::copy_from_slice);
