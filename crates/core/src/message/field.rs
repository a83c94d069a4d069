//! One field: an [`Element`], an `Option` or a list of them. (Maps are next door.)

use super::element::{Element, FixedEncoding, PlainEncoding, Singular, SintEncoding};
use super::fault::Fault;
use super::json::{self, JsonReader};
use super::schema::{Kind, Label};
use super::wire::{self, Reader, WireType};

/// What a field of a message can be, in the encoding `E`.
///
/// Implemented for every [`Element`], for `Option` and `Vec` of one, and for `HashMap` and
/// `BTreeMap`. Users do not implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a message",
    label = "no field that protobuf knows, in the encoding `{E}`",
    note = "a field is a value, or Option, Vec, HashMap or BTreeMap of values; values are i32, i64, u32, u64, f32, f64, bool, String, Vec<u8>, Bytes, and types under #[kitfox::message]",
    note = "for usize, u16 and u8 take u32 or u64, for i16 and i8 i32, for char and &str String; a list of lists and the like need a message in between",
    note = "a Box goes into an Option, Option<Box<Tree>>; so does an enum whose variants carry data, unless one of them is #[unset]",
    note = "#[field(sint)] is for i32 and i64, #[field(fixed)] for i32, i64, u32 and u64, key = ... for maps, whose keys are integers, bool or String"
)]
pub trait Field<E = PlainEncoding>: Sized {
    /// How often it occurs.
    const LABEL: Label;
    /// What it holds.
    const KIND: Kind;
    /// Whether JSON's `null` is a value of this field.
    const TAKES_NULL: bool = false;

    /// The field before anything was read.
    fn initial() -> Self;
    /// Whether nothing need be written.
    fn is_absent(&self) -> bool;
    /// Writes the field with its key, or nothing.
    fn write(&self, number: u32, out: &mut Vec<u8>);
    /// Reads one occurrence.
    fn read(&mut self, wire: WireType, reader: &mut Reader<'_>) -> Result<(), Fault>;
    /// Writes the field as JSON, without its name.
    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault>;
    /// Reads the field from JSON.
    fn read_json(&mut self, json: &mut JsonReader<'_>) -> Result<(), Fault>;
    /// Sets the field, or what `path` leads to within it, from text.
    fn bind(&mut self, path: &str, text: &str) -> Result<(), Fault>;

    /// Writes the field as a member of the JSON object that is open, or nothing.
    #[inline]
    fn write_json_member(&self, key: &'static str, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.is_absent() {
            return Ok(());
        }
        json::write_key(key, out);
        self.write_json(out).map_err(|fault| fault.at(json::name_of_key(key)))
    }
}

// One impl for each encoding: with the encoding as a parameter, the impls would overlap in the
// eyes of the compiler, since another crate could add an encoding of its own.
macro_rules! fields {
    ($encoding:ty) => {
        #[diagnostic::do_not_recommend]
        impl<T: Singular<$encoding>> Field<$encoding> for T {
            const LABEL: Label = match T::KIND {
                Kind::Message(_) => Label::Optional,
                _ => Label::Implicit,
            };
            const KIND: Kind = T::KIND;
            const TAKES_NULL: bool = T::TAKES_NULL;

            fn initial() -> Self {
                T::absent().expect("a singular value exists before anything was read")
            }

            #[inline]
            fn is_absent(&self) -> bool {
                Element::is_absent(self)
            }

            #[inline]
            fn write(&self, number: u32, out: &mut Vec<u8>) {
                if !Element::is_absent(self) {
                    wire::write_tag(number, T::WIRE, out);
                    Element::write(self, out);
                }
            }

            #[inline]
            fn read(&mut self, wire: WireType, reader: &mut Reader<'_>) -> Result<(), Fault> {
                wire.expect(T::WIRE)?;
                self.merge_present(reader)
            }

            #[inline]
            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                Element::write_json(self, out)
            }

            #[inline]
            fn read_json(&mut self, json: &mut JsonReader<'_>) -> Result<(), Fault> {
                *self = Element::read_json(json)?;
                Ok(())
            }

            fn bind(&mut self, path: &str, text: &str) -> Result<(), Fault> {
                let mut slot = Some(std::mem::replace(self, Field::initial()));
                let bound = Element::bind(&mut slot, path, text);
                if let Some(value) = slot {
                    *self = value;
                }
                bound
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Element<$encoding>> Field<$encoding> for Option<T> {
            const LABEL: Label = Label::Optional;
            const KIND: Kind = T::KIND;
            const TAKES_NULL: bool = T::TAKES_NULL;

            fn initial() -> Self {
                None
            }

            #[inline]
            fn is_absent(&self) -> bool {
                self.is_none()
            }

            #[inline]
            fn write(&self, number: u32, out: &mut Vec<u8>) {
                if let Some(value) = self {
                    wire::write_tag(number, T::WIRE, out);
                    value.write(out);
                }
            }

            #[inline]
            fn read(&mut self, wire: WireType, reader: &mut Reader<'_>) -> Result<(), Fault> {
                wire.expect(T::WIRE)?;
                T::merge(self, reader)
            }

            #[inline]
            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                match self {
                    Some(value) => value.write_json(out),
                    None => {
                        json::write_null(out);
                        Ok(())
                    }
                }
            }

            #[inline]
            fn read_json(&mut self, json: &mut JsonReader<'_>) -> Result<(), Fault> {
                *self = Some(T::read_json(json)?);
                Ok(())
            }

            fn bind(&mut self, path: &str, text: &str) -> Result<(), Fault> {
                T::bind(self, path, text)
            }
        }

        #[diagnostic::do_not_recommend]
        impl<T: Element<$encoding>> Field<$encoding> for Vec<T> {
            const LABEL: Label = Label::Repeated;
            const KIND: Kind = T::KIND;

            fn initial() -> Self {
                Vec::new()
            }

            #[inline]
            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            fn write(&self, number: u32, out: &mut Vec<u8>) {
                write_list(self, number, out);
            }

            fn read(&mut self, wire: WireType, reader: &mut Reader<'_>) -> Result<(), Fault> {
                read_list(self, wire, reader)
            }

            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                write_json_list(self, out)
            }

            fn read_json(&mut self, json: &mut JsonReader<'_>) -> Result<(), Fault> {
                read_json_list(self, json)
            }

            fn bind(&mut self, path: &str, text: &str) -> Result<(), Fault> {
                if !path.is_empty() {
                    return Err(Fault::new(format!("a list has no field `{path}`")));
                }
                self.push(T::parse(text)?);
                Ok(())
            }
        }
    };
}

fields!(PlainEncoding);
fields!(SintEncoding);
fields!(FixedEncoding);

fn write_list<T: Element<E>, E>(list: &[T], number: u32, out: &mut Vec<u8>) {
    if T::WIRE == WireType::Length {
        for value in list {
            wire::write_tag(number, WireType::Length, out);
            value.write(out);
        }
        return;
    }
    if !list.is_empty() {
        wire::write_tag(number, WireType::Length, out);
        let start = wire::begin_nested(out);
        for value in list {
            value.write(out);
        }
        wire::end_nested(start, out);
    }
}

fn read_list<T: Element<E>, E>(
    list: &mut Vec<T>,
    wire: WireType,
    reader: &mut Reader<'_>,
) -> Result<(), Fault> {
    if wire == T::WIRE {
        list.push(T::read(reader).map_err(|fault| fault.at_index(list.len()))?);
        return Ok(());
    }
    wire.expect(WireType::Length)?;
    if T::WIRE == WireType::Length {
        return Err(Fault::new("expected a length-delimited value"));
    }
    let mut packed = Reader::new(reader.bytes()?);
    while !packed.is_empty() {
        list.push(T::read(&mut packed).map_err(|fault| fault.at_index(list.len()))?);
    }
    Ok(())
}

fn write_json_list<T: Element<E>, E>(list: &[T], out: &mut Vec<u8>) -> Result<(), Fault> {
    out.push(b'[');
    for (index, value) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value.write_json(out).map_err(|fault| fault.at_index(index))?;
    }
    out.push(b']');
    Ok(())
}

fn read_json_list<T: Element<E>, E>(
    list: &mut Vec<T>,
    json: &mut JsonReader<'_>,
) -> Result<(), Fault> {
    json.open_array()?;
    while json.next_item()? {
        list.push(T::read_json(json).map_err(|fault| fault.at_index(list.len()))?);
    }
    Ok(())
}
