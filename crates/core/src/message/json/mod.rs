//! JSON as proto3 wants it: a reader over text, a writer into bytes, numbers, base64.
//!
//! Written for this purpose instead of going through serde's data model: a message is read and
//! written by code that is not generic, so that each message adds little to a build, and a call
//! over JSON costs no more than with serde's derive.

mod base64;
mod number;
mod reader;
mod writer;

pub use base64::{read_base64, write_base64};
pub use number::{parse_float, parse_integer};
pub use reader::{JsonReader, Key};
pub use writer::{
    name_of_key, write_bool, write_f32, write_f64, write_integer, write_key, write_null,
    write_quoted_integer, write_string,
};
