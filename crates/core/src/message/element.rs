//! One value: a number, a string, bytes, an enum, a message, or one of them in a box.

use super::fault::Fault;
use super::json::JsonReader;
use super::schema::{Kind, Scalar};
use super::wire::{Reader, WireType};

/// The encoding that protobuf gives a Rust type by default: `i32` is `int32`.
#[derive(Clone, Copy, Debug)]
pub enum PlainEncoding {}

/// `#[field(sint)]`: signed numbers that are often negative, `sint32` and `sint64`.
#[derive(Clone, Copy, Debug)]
pub enum SintEncoding {}

/// `#[field(fixed)]`: numbers that are often large, `fixed32`, `sfixed64` and so on.
#[derive(Clone, Copy, Debug)]
pub enum FixedEncoding {}

/// `#[field(key = sint)]`: a map whose keys have an encoding of their own.
#[derive(Clone, Copy, Debug)]
pub struct MapEncoding<K, V>(std::marker::PhantomData<(K, V)>);

/// One value of a message, in the encoding `E`.
///
/// Implemented for the scalars, `String`, `Vec<u8>`, `Bytes`, everything under
/// `#[kitfox::message]`, the types of [`crate::types`], and a `Box` of each. Users do not
/// implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a value in a message",
    label = "no value that protobuf knows, in the encoding `{E}`",
    note = "values are i32, i64, u32, u64, f32, f64, bool, String, Vec<u8>, Bytes, and types under #[kitfox::message]",
    note = "for usize, u16 and u8 take u32 or u64, for i16 and i8 i32, for char and &str String; a list or a map needs a message around it",
    note = "#[field(sint)] is for i32 and i64, #[field(fixed)] for i32, i64, u32 and u64"
)]
pub trait Element<E = PlainEncoding>: Sized + Send + Sync + 'static {
    /// What it is, for the schema.
    const KIND: Kind;
    /// How it lies on the wire. All but length-delimited values are packed in lists.
    const WIRE: WireType;
    /// Whether JSON's `null` is a value of this type.
    const TAKES_NULL: bool = false;

    /// The value of what is not on the wire.
    fn absent() -> Result<Self, Fault>;
    /// Whether a field with this value need not be written.
    fn is_absent(&self) -> bool;
    /// Writes the value, with its length where it is length-delimited.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the value, with its length where it is length-delimited.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault>;
    /// Reads a further occurrence of the same field: the last one wins, but messages merge.
    #[inline]
    fn merge(slot: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<(), Fault> {
        *slot = Some(Self::read(reader)?);
        Ok(())
    }
    /// The same for a field that is always there.
    #[inline]
    fn merge_present(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        *self = Self::read(reader)?;
        Ok(())
    }
    /// Writes the value as JSON.
    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault>;
    /// Reads the value from JSON.
    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault>;
    /// Reads the value from the text of a path or a query.
    fn parse(text: &str) -> Result<Self, Fault>;
    /// Sets what `path` leads to within the value, or the value itself where it is empty.
    fn bind(slot: &mut Option<Self>, path: &str, text: &str) -> Result<(), Fault> {
        if !path.is_empty() {
            return Err(Fault::new(format!("this is no message, it has no field `{path}`")));
        }
        *slot = Some(Self::parse(text)?);
        Ok(())
    }
}

/// A value that may be the key of a map.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a map in a message",
    label = "no key that protobuf knows, in the encoding `{E}`",
    note = "keys are i32, i64, u32, u64, bool and String"
)]
pub trait MapKey<E = PlainEncoding>: Element<E> + Eq + Ord + std::hash::Hash {
    /// What it is, for the schema.
    const SCALAR: Scalar;
    /// Writes the key as the name of a JSON member, quotes and all.
    fn write_json_key(&self, out: &mut Vec<u8>);
}

/// A value that can be a field without `Option`: one that exists before anything was read.
///
/// A `Box` is none, because a message that holds itself for certain has no end.
pub trait Singular<E = PlainEncoding>: Element<E> {}

#[diagnostic::do_not_recommend]
impl<E, T: Element<E>> Element<E> for Box<T> {
    const KIND: Kind = T::KIND;
    const WIRE: WireType = T::WIRE;
    const TAKES_NULL: bool = T::TAKES_NULL;

    fn absent() -> Result<Self, Fault> {
        T::absent().map(Self::new)
    }

    fn is_absent(&self) -> bool {
        (**self).is_absent()
    }

    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        T::read(reader).map(Self::new)
    }

    fn merge(slot: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let mut inner = slot.take().map(|boxed| *boxed);
        let merged = T::merge(&mut inner, reader);
        *slot = inner.map(Self::new);
        merged
    }

    fn merge_present(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        (**self).merge_present(reader)
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        (**self).write_json(out)
    }

    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        T::read_json(json).map(Self::new)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        T::parse(text).map(Self::new)
    }

    fn bind(slot: &mut Option<Self>, path: &str, text: &str) -> Result<(), Fault> {
        let mut inner = slot.take().map(|boxed| *boxed);
        let bound = T::bind(&mut inner, path, text);
        *slot = inner.map(Self::new);
        bound
    }
}
