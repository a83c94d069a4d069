//! Messages: what goes into a method and what comes out, as protobuf and as JSON.
//!
//! A message is a struct or an enum under `#[kitfox::message]`; nothing else need be written. The
//! bytes are those of protobuf, the JSON is proto3's, so every peer of every language agrees.
//!
//! The way of a message: the macro says which field has which number and type; [`Element`] and
//! [`Field`] know how a type is written (and the compiler says where a type is none of them); the
//! loops over tags and names are written once, in `fields`.

mod element;
#[doc(hidden)]
pub mod enumeration;
mod fault;
mod field;
#[doc(hidden)]
pub mod fields;
#[doc(hidden)]
pub mod json;
mod map;
#[doc(hidden)]
pub mod oneof;
#[doc(hidden)]
pub mod private;
mod scalar;
mod schema;
mod scratch;
mod text;
#[doc(hidden)]
pub mod wire;

// Its check for UTF-8 is cheaper on a short text than the standard library's.
use buffa::types::WirePayload;
use bytes::Bytes;

pub use element::{
    Element, FixedEncoding, MapEncoding, MapKey, PlainEncoding, Singular, SintEncoding,
};
pub use enumeration::Enumeration;
pub use fault::{BindError, DecodeError, EncodeError};
pub use field::Field;
pub use schema::{
    EnumSchema, EnumValue, FieldSchema, Kind, Label, Member, MessageSchema, OneofSchema, Position,
    Reserved, Scalar,
};

use fault::Fault;
use json::JsonReader;
use wire::Reader;

/// How many messages a path may lead through. Protects the stack, as the readers' limits do.
const DEPTH: usize = 100;

/// The two forms of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Protobuf's binary form.
    Protobuf,
    /// Proto3's JSON.
    Json,
}

/// What goes into a method and what comes out. Written by `#[kitfox::message]`, not by hand.
///
/// ```
/// # extern crate kitfox_core as kitfox;
/// use kitfox::message::{Codec, Message};
/// # use kitfox_macros::message;
///
/// #[message(package = "strings.v1")]
/// pub struct UppercaseRequest {
///     pub text: String,
/// }
///
/// # fn main() {
/// assert_eq!(UppercaseRequest::NAME, "strings.v1.UppercaseRequest");
/// let request = UppercaseRequest { text: "fox".into() };
/// assert_eq!(request.encode(Codec::Json).unwrap(), r#"{"text":"fox"}"#);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "no message",
    note = "put #[kitfox::message] before the struct or enum; a method without input or output uses `()`"
)]
pub trait Message: Element {
    /// The full protobuf name, such as `strings.v1.UppercaseRequest`.
    const NAME: &'static str;

    /// What [`MessageSchema::members`] of the schema is, where the compiler can look at it.
    #[doc(hidden)]
    const MEMBERS: Option<&'static [Member]> = None;

    /// Fields, numbers, names and docs as data.
    fn schema() -> &'static MessageSchema;

    /// The message as bytes.
    ///
    /// # Errors
    /// Protobuf always succeeds. JSON has no form for some values: an [`Any`](crate::types::Any) of
    /// a type that was not registered, a timestamp after the year 9999.
    fn encode(&self, codec: Codec) -> Result<Bytes, EncodeError> {
        scratch::with(|out| self.encode_into(codec, out))
    }

    /// Appends the message to a buffer; [`Message::encode`] is this into a fresh one.
    ///
    /// # Errors
    /// As for [`Message::encode`]; the buffer then ends in a part of the message.
    fn encode_into(&self, codec: Codec, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match codec {
            Codec::Protobuf => self.write_body(out),
            Codec::Json => self.write_json(out)?,
        }
        Ok(())
    }

    /// The message that the bytes stand for. Unknown fields are passed over.
    ///
    /// # Errors
    /// Says where and why the bytes are not this message. Nesting deeper than 100 is refused.
    fn decode(codec: Codec, bytes: &[u8]) -> Result<Self, DecodeError> {
        match codec {
            Codec::Protobuf => Ok(Self::read_body(&mut Reader::new(bytes))?),
            Codec::Json => {
                let text = WirePayload::borrowed(bytes);
                let text = text.to_str().map_err(|_| not_utf8(bytes))?;
                let mut json = JsonReader::new(text);
                let message = Self::read_json(&mut json)?;
                json.end()?;
                Ok(message)
            }
        }
    }

    /// The message in which nothing is set, to [`bind`](Message::bind) texts to.
    ///
    /// # Errors
    /// An enum whose variants carry data has no such value unless it has an `#[unset]` variant.
    fn empty() -> Result<Self, DecodeError> {
        Ok(Self::absent()?)
    }

    /// Sets one field from the text of a path or a query, already percent-decoded.
    ///
    /// A dotted path leads into nested messages (`address.city`), both names of a field are known,
    /// and each further text for a list is appended.
    ///
    /// # Errors
    /// The message has no such field, or the text is no value of its type. A path deeper than 100 is
    /// refused, as a message is.
    fn bind(&mut self, path: &str, value: &str) -> Result<(), BindError> {
        if path.bytes().filter(|byte| *byte == b'.').count() >= DEPTH {
            return Err(Fault::new(format!("it leads deeper than {DEPTH} messages")).into());
        }
        Ok(self.bind_body(path, value)?)
    }

    /// JSON is not the object of the fields, but something that is only this type's.
    #[doc(hidden)]
    const JSON_IS_BY_HAND: bool = false;
    #[doc(hidden)]
    fn write_body(&self, out: &mut Vec<u8>);
    #[doc(hidden)]
    fn read_body(reader: &mut Reader<'_>) -> Result<Self, Fault>;
    #[doc(hidden)]
    fn bind_body(&mut self, path: &str, value: &str) -> Result<(), Fault>;
}

#[cold]
fn not_utf8(bytes: &[u8]) -> Fault {
    let valid = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
    Fault::new(format!("invalid JSON: byte {valid} is not UTF-8"))
}
