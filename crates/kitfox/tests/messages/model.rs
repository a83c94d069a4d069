//! `everything.proto` in Rust: each kind of field there is.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use kitfox::message;
use kitfox::types::{Any, Duration, ListValue, NullValue, Struct, Timestamp, Value, Wrapper};

#[message(package = "kitfox.test.v1")]
pub(crate) enum Color {
    Red,
    DarkGreen,
    Blue = 7,
    #[value(name = "FARBE")]
    Renamed,
    Negative = -5,
    #[unknown]
    Unknown(i32),
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Scalars {
    pub(crate) double: f64,
    pub(crate) float: f32,
    pub(crate) int32: i32,
    pub(crate) int64: i64,
    pub(crate) uint32: u32,
    pub(crate) uint64: u64,
    #[field(sint)]
    pub(crate) sint32: i32,
    #[field(sint)]
    pub(crate) sint64: i64,
    #[field(fixed)]
    pub(crate) fixed32: u32,
    #[field(fixed)]
    pub(crate) fixed64: u64,
    #[field(fixed)]
    pub(crate) sfixed32: i32,
    #[field(fixed)]
    pub(crate) sfixed64: i64,
    pub(crate) bool: bool,
    pub(crate) string: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) shared_bytes: Bytes,
    pub(crate) color: Color,
    #[field(100, name = "renamed_field", json = "otherName")]
    pub(crate) renamed: String,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Options {
    pub(crate) double: Option<f64>,
    pub(crate) float: Option<f32>,
    pub(crate) int32: Option<i32>,
    pub(crate) int64: Option<i64>,
    pub(crate) uint32: Option<u32>,
    pub(crate) uint64: Option<u64>,
    #[field(sint)]
    pub(crate) sint32: Option<i32>,
    #[field(fixed)]
    pub(crate) fixed64: Option<u64>,
    pub(crate) bool: Option<bool>,
    pub(crate) string: Option<String>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) color: Option<Color>,
    pub(crate) scalars: Option<Scalars>,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Lists {
    pub(crate) double: Vec<f64>,
    pub(crate) float: Vec<f32>,
    pub(crate) int32: Vec<i32>,
    pub(crate) int64: Vec<i64>,
    pub(crate) uint32: Vec<u32>,
    pub(crate) uint64: Vec<u64>,
    #[field(sint)]
    pub(crate) sint32: Vec<i32>,
    #[field(sint)]
    pub(crate) sint64: Vec<i64>,
    #[field(fixed)]
    pub(crate) fixed32: Vec<u32>,
    #[field(fixed)]
    pub(crate) sfixed64: Vec<i64>,
    pub(crate) bool: Vec<bool>,
    pub(crate) string: Vec<String>,
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) color: Vec<Color>,
    pub(crate) scalars: Vec<Scalars>,
    pub(crate) shapes: Vec<Shape>,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Maps {
    pub(crate) strings: HashMap<String, String>,
    pub(crate) numbers: HashMap<i32, i64>,
    pub(crate) flags: BTreeMap<u64, bool>,
    pub(crate) bytes: HashMap<bool, Vec<u8>>,
    pub(crate) messages: HashMap<String, Scalars>,
    pub(crate) colors: HashMap<i64, Color>,
    #[field(key = sint, fixed)]
    pub(crate) encoded: HashMap<i32, u64>,
    #[field(key = fixed)]
    pub(crate) keyed: BTreeMap<u32, f64>,
    pub(crate) shapes: BTreeMap<String, Shape>,
    pub(crate) values: BTreeMap<String, Value>,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Tree {
    pub(crate) label: String,
    pub(crate) left: Option<Box<Tree>>,
    pub(crate) right: Option<Box<Tree>>,
    pub(crate) others: Vec<Tree>,
    /// Without `Option`: absent and empty are the same.
    pub(crate) leaf: Scalars,
}

#[message(package = "kitfox.test.v1")]
pub(crate) enum Shape {
    #[unset]
    Unset,
    Circle(Circle),
    Square(f64),
    Point,
    Color(Color),
    Raw(Vec<u8>),
    #[field(sint)]
    Offset(i32),
    Tree(Box<Tree>),
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Circle {
    pub(crate) radius: f64,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct Choices {
    pub(crate) before: String,
    #[oneof]
    pub(crate) payment: Option<Payment>,
    #[oneof]
    pub(crate) delivery: Option<Delivery>,
    pub(crate) shape: Option<Shape>,
    pub(crate) loose: Shape,
}

#[message(package = "kitfox.test.v1")]
pub(crate) enum Payment {
    #[field(10)]
    Voucher(String),
    #[field(11)]
    Coin(Circle),
    #[field(12)]
    Credit(u64),
    #[field(13)]
    Nothing(NullValue),
}

#[message(package = "kitfox.test.v1")]
pub(crate) enum Delivery {
    #[field(20)]
    PickUp(bool),
    #[field(21)]
    ByMail,
}

#[message(package = "kitfox.test.v1")]
pub(crate) struct WellKnown {
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) duration: Option<Duration>,
    pub(crate) r#struct: Option<Struct>,
    pub(crate) value: Option<Value>,
    pub(crate) list: Option<ListValue>,
    pub(crate) any: Option<Any>,
    pub(crate) empty: Option<()>,
    pub(crate) null: NullValue,
    pub(crate) bool_value: Option<Wrapper<bool>>,
    pub(crate) int32_value: Option<Wrapper<i32>>,
    pub(crate) int64_value: Option<Wrapper<i64>>,
    pub(crate) uint32_value: Option<Wrapper<u32>>,
    pub(crate) uint64_value: Option<Wrapper<u64>>,
    pub(crate) float_value: Option<Wrapper<f32>>,
    pub(crate) double_value: Option<Wrapper<f64>>,
    pub(crate) string_value: Option<Wrapper<String>>,
    pub(crate) bytes_value: Option<Wrapper<Vec<u8>>>,
    pub(crate) anys: Vec<Any>,
    pub(crate) timestamps: Vec<Timestamp>,
    pub(crate) wrapped: Vec<Wrapper<i64>>,
    pub(crate) always: Timestamp,
}
