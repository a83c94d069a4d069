//! What the code that `#[kitfox::message]` writes refers to.

pub use super::element::{
    Element, FixedEncoding, MapEncoding, MapKey, PlainEncoding, Singular, SintEncoding,
};
pub use super::enumeration::{self, Enumeration};
pub use super::fault::Fault;
pub use super::field::Field;
pub use super::fields::{self, Fields};
pub use super::json::{self, JsonReader};
pub use super::oneof::{self, Oneof, OneofField};
pub use super::schema::{
    EnumSchema, EnumValue, FieldSchema, Kind, Label, Member, MessageSchema, OneofSchema, Position,
    Reserved,
};
pub use super::wire::{self, Reader, WireType};
