//! `everything.proto` in Rust: each kind of field there is.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use kitfox::message;
use kitfox::types::{Any, Duration, ListValue, NullValue, Struct, Timestamp, Value, Wrapper};

#[message(package = "kitfox.test.v1")]
pub(super) enum Color {
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
pub(super) struct Scalars {
    pub(super) double: f64,
    pub(super) float: f32,
    pub(super) int32: i32,
    pub(super) int64: i64,
    pub(super) uint32: u32,
    pub(super) uint64: u64,
    #[field(sint)]
    pub(super) sint32: i32,
    #[field(sint)]
    pub(super) sint64: i64,
    #[field(fixed)]
    pub(super) fixed32: u32,
    #[field(fixed)]
    pub(super) fixed64: u64,
    #[field(fixed)]
    pub(super) sfixed32: i32,
    #[field(fixed)]
    pub(super) sfixed64: i64,
    pub(super) bool: bool,
    pub(super) string: String,
    pub(super) bytes: Vec<u8>,
    pub(super) shared_bytes: Bytes,
    pub(super) color: Color,
    #[field(100, name = "renamed_field", json = "otherName")]
    pub(super) renamed: String,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct Options {
    pub(super) double: Option<f64>,
    pub(super) float: Option<f32>,
    pub(super) int32: Option<i32>,
    pub(super) int64: Option<i64>,
    pub(super) uint32: Option<u32>,
    pub(super) uint64: Option<u64>,
    #[field(sint)]
    pub(super) sint32: Option<i32>,
    #[field(fixed)]
    pub(super) fixed64: Option<u64>,
    pub(super) bool: Option<bool>,
    pub(super) string: Option<String>,
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) color: Option<Color>,
    pub(super) scalars: Option<Scalars>,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct Lists {
    pub(super) double: Vec<f64>,
    pub(super) float: Vec<f32>,
    pub(super) int32: Vec<i32>,
    pub(super) int64: Vec<i64>,
    pub(super) uint32: Vec<u32>,
    pub(super) uint64: Vec<u64>,
    #[field(sint)]
    pub(super) sint32: Vec<i32>,
    #[field(sint)]
    pub(super) sint64: Vec<i64>,
    #[field(fixed)]
    pub(super) fixed32: Vec<u32>,
    #[field(fixed)]
    pub(super) sfixed64: Vec<i64>,
    pub(super) bool: Vec<bool>,
    pub(super) string: Vec<String>,
    pub(super) bytes: Vec<Vec<u8>>,
    pub(super) color: Vec<Color>,
    pub(super) scalars: Vec<Scalars>,
    pub(super) shapes: Vec<Shape>,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct Maps {
    pub(super) strings: HashMap<String, String>,
    pub(super) numbers: HashMap<i32, i64>,
    pub(super) flags: BTreeMap<u64, bool>,
    pub(super) bytes: HashMap<bool, Vec<u8>>,
    pub(super) messages: HashMap<String, Scalars>,
    pub(super) colors: HashMap<i64, Color>,
    #[field(key = sint, fixed)]
    pub(super) encoded: HashMap<i32, u64>,
    #[field(key = fixed)]
    pub(super) keyed: BTreeMap<u32, f64>,
    pub(super) shapes: BTreeMap<String, Shape>,
    pub(super) values: BTreeMap<String, Value>,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct Tree {
    pub(super) label: String,
    pub(super) left: Option<Box<Tree>>,
    pub(super) right: Option<Box<Tree>>,
    pub(super) others: Vec<Tree>,
    /// Without `Option`: absent and empty are the same.
    pub(super) leaf: Scalars,
}

#[message(package = "kitfox.test.v1")]
pub(super) enum Shape {
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
pub(super) struct Circle {
    pub(super) radius: f64,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct Choices {
    pub(super) before: String,
    #[oneof]
    pub(super) payment: Option<Payment>,
    #[oneof]
    pub(super) delivery: Option<Delivery>,
    pub(super) shape: Option<Shape>,
    pub(super) loose: Shape,
}

#[message(package = "kitfox.test.v1")]
pub(super) enum Payment {
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
pub(super) enum Delivery {
    #[field(20)]
    PickUp(bool),
    #[field(21)]
    ByMail,
}

#[message(package = "kitfox.test.v1")]
pub(super) struct WellKnown {
    pub(super) timestamp: Option<Timestamp>,
    pub(super) duration: Option<Duration>,
    pub(super) r#struct: Option<Struct>,
    pub(super) value: Option<Value>,
    pub(super) list: Option<ListValue>,
    pub(super) any: Option<Any>,
    pub(super) empty: Option<()>,
    pub(super) null: NullValue,
    pub(super) bool_value: Option<Wrapper<bool>>,
    pub(super) int32_value: Option<Wrapper<i32>>,
    pub(super) int64_value: Option<Wrapper<i64>>,
    pub(super) uint32_value: Option<Wrapper<u32>>,
    pub(super) uint64_value: Option<Wrapper<u64>>,
    pub(super) float_value: Option<Wrapper<f32>>,
    pub(super) double_value: Option<Wrapper<f64>>,
    pub(super) string_value: Option<Wrapper<String>>,
    pub(super) bytes_value: Option<Wrapper<Vec<u8>>>,
    pub(super) anys: Vec<Any>,
    pub(super) timestamps: Vec<Timestamp>,
    pub(super) wrapped: Vec<Wrapper<i64>>,
    pub(super) always: Timestamp,
}
