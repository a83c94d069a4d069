//! Numbers and booleans as values of a message.

use super::element::{Element, FixedEncoding, MapKey, PlainEncoding, Singular, SintEncoding};
use super::fault::Fault;
use super::json::{self, JsonReader};
use super::schema::{Kind, Scalar};
use super::wire::{self, Reader, WireType};

/// The parts of an [`Element`] that are the same for each integer, whatever its encoding.
macro_rules! integer {
    (
        $type:ty, $encoding:ty, $scalar:ident, $wire:ident, $json:path,
        |$value:ident, $out:ident| $write:expr, |$reader:ident| $read:expr
    ) => {
        #[diagnostic::do_not_recommend]
        impl Element<$encoding> for $type {
            const KIND: Kind = Kind::Scalar(Scalar::$scalar);
            const WIRE: WireType = WireType::$wire;

            #[inline]
            fn absent() -> Result<Self, Fault> {
                Ok(0)
            }

            #[inline]
            fn is_absent(&self) -> bool {
                *self == 0
            }

            #[inline]
            fn write(&self, $out: &mut Vec<u8>) {
                let $value = *self;
                $write;
            }

            #[inline]
            fn read($reader: &mut Reader<'_>) -> Result<Self, Fault> {
                Ok($read)
            }

            #[inline]
            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                $json(*self, out);
                Ok(())
            }

            #[inline]
            fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
                in_range(json.integer()?, stringify!($type))
            }

            fn parse(text: &str) -> Result<Self, Fault> {
                in_range(json::parse_integer(text)?, stringify!($type))
            }
        }

        impl Singular<$encoding> for $type {}

        #[diagnostic::do_not_recommend]
        impl MapKey<$encoding> for $type {
            const SCALAR: Scalar = Scalar::$scalar;

            fn write_json_key(&self, out: &mut Vec<u8>) {
                json::write_quoted_integer(*self, out);
            }
        }
    };
}

fn in_range<T: TryFrom<i128>>(value: i128, rust_name: &str) -> Result<T, Fault> {
    T::try_from(value).map_err(|_| out_of_range(value, rust_name))
}

#[cold]
fn out_of_range(value: i128, rust_name: &str) -> Fault {
    let name = match rust_name {
        "i32" => "int32",
        "i64" => "int64",
        "u32" => "uint32",
        _ => "uint64",
    };
    Fault::new(format!("{value} is out of range for {name}"))
}

integer!(
    i32,
    PlainEncoding,
    Int32,
    Varint,
    json::write_integer,
    |value, out| wire::write_varint(i64::from(value).cast_unsigned(), out),
    |reader| low_half(reader.varint()?).cast_signed()
);
integer!(
    i64,
    PlainEncoding,
    Int64,
    Varint,
    json::write_quoted_integer,
    |value, out| wire::write_varint(value.cast_unsigned(), out),
    |reader| reader.varint()?.cast_signed()
);
integer!(
    u32,
    PlainEncoding,
    Uint32,
    Varint,
    json::write_integer,
    |value, out| wire::write_varint(u64::from(value), out),
    |reader| low_half(reader.varint()?)
);
integer!(
    u64,
    PlainEncoding,
    Uint64,
    Varint,
    json::write_quoted_integer,
    |value, out| wire::write_varint(value, out),
    |reader| reader.varint()?
);

integer!(
    i32,
    SintEncoding,
    Sint32,
    Varint,
    json::write_integer,
    |value, out| wire::write_varint(u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()), out),
    |reader| {
        let zigzag = low_half(reader.varint()?);
        (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
    }
);
integer!(
    i64,
    SintEncoding,
    Sint64,
    Varint,
    json::write_quoted_integer,
    |value, out| wire::write_varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out),
    |reader| {
        let zigzag = reader.varint()?;
        (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
    }
);

integer!(
    i32,
    FixedEncoding,
    Sfixed32,
    Fixed32,
    json::write_integer,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |reader| i32::from_le_bytes(reader.fixed()?)
);
integer!(
    i64,
    FixedEncoding,
    Sfixed64,
    Fixed64,
    json::write_quoted_integer,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |reader| i64::from_le_bytes(reader.fixed()?)
);
integer!(
    u32,
    FixedEncoding,
    Fixed32,
    Fixed32,
    json::write_integer,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |reader| u32::from_le_bytes(reader.fixed()?)
);
integer!(
    u64,
    FixedEncoding,
    Fixed64,
    Fixed64,
    json::write_quoted_integer,
    |value, out| out.extend_from_slice(&value.to_le_bytes()),
    |reader| u64::from_le_bytes(reader.fixed()?)
);

/// Protobuf lets writers send more bits than a type has, and readers drop them.
#[expect(clippy::cast_possible_truncation, reason = "the specification says so")]
#[inline]
pub(super) const fn low_half(value: u64) -> u32 {
    value as u32
}

macro_rules! float {
    ($type:ty, $scalar:ident, $wire:ident, $write_json:path, $narrow:expr) => {
        #[diagnostic::do_not_recommend]
        impl Element for $type {
            const KIND: Kind = Kind::Scalar(Scalar::$scalar);
            const WIRE: WireType = WireType::$wire;

            #[inline]
            fn absent() -> Result<Self, Fault> {
                Ok(0.0)
            }

            /// By its bits: minus zero is a value of its own.
            #[inline]
            fn is_absent(&self) -> bool {
                self.to_bits() == 0
            }

            #[inline]
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[inline]
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                Ok(Self::from_le_bytes(reader.fixed()?))
            }

            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                $write_json(*self, out);
                Ok(())
            }

            fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
                json.float().and_then($narrow)
            }

            fn parse(text: &str) -> Result<Self, Fault> {
                json::parse_float(text).and_then($narrow)
            }
        }
    };
}

float!(f64, Double, Fixed64, json::write_f64, whole);
float!(f32, Float, Fixed32, json::write_f32, narrow);

fn whole(value: f64) -> Result<f64, Fault> {
    Ok(value)
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is meant, overflow is looked for")]
fn narrow(value: f64) -> Result<f32, Fault> {
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err(Fault::new(format!("{value:e} is out of range for float")));
    }
    Ok(narrow)
}

#[diagnostic::do_not_recommend]
impl Element for bool {
    const KIND: Kind = Kind::Scalar(Scalar::Bool);
    const WIRE: WireType = WireType::Varint;

    #[inline]
    fn absent() -> Result<Self, Fault> {
        Ok(false)
    }

    #[inline]
    fn is_absent(&self) -> bool {
        !*self
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(reader.varint()? != 0)
    }

    fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        json::write_bool(*self, out);
        Ok(())
    }

    fn read_json(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        json.boolean()
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::new("expected true or false")),
        }
    }
}

#[diagnostic::do_not_recommend]
impl MapKey for bool {
    const SCALAR: Scalar = Scalar::Bool;

    fn write_json_key(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        json::write_bool(*self, out);
        out.push(b'"');
    }
}

macro_rules! singular {
    ($($type:ty),*) => { $(impl Singular for $type {})* };
}
singular!(f32, f64, bool, String, Vec<u8>, bytes::Bytes);
