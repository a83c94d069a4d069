//! `google.protobuf.Struct`, `Value`, `ListValue` and `NullValue`: JSON of any shape.

use std::collections::BTreeMap;

use super::message;
use crate::message::private::{Element, Fault, JsonReader, json};

/// A JSON object.
#[message(package = "google.protobuf", json_by_hand)]
pub struct Struct {
    /// The members, in the order of their names.
    pub fields: BTreeMap<String, Value>,
}

/// A JSON array.
#[message(package = "google.protobuf", json_by_hand)]
pub struct ListValue {
    /// The elements.
    pub values: Vec<Value>,
}

/// Anything that JSON can say.
#[message(package = "google.protobuf", json_by_hand)]
pub enum Value {
    /// `null`, and what a `Value` is before it is anything else.
    #[unset]
    #[field(1, name = "null_value", via = NullValue)]
    Null,
    /// A number. JSON has no form for NaN and the infinities.
    #[field(2, name = "number_value")]
    Number(f64),
    /// A string.
    #[field(3, name = "string_value")]
    String(String),
    /// `true` or `false`.
    #[field(4, name = "bool_value")]
    Bool(bool),
    /// An object.
    #[field(5, name = "struct_value")]
    Struct(Struct),
    /// An array.
    #[field(6, name = "list_value")]
    List(ListValue),
}

/// JSON's `null` as an enum of one value.
#[message(package = "google.protobuf", json_by_hand)]
pub enum NullValue {
    /// `null`.
    #[value(name = "NULL_VALUE")]
    Null,
    /// A number that is not 0, which other writers may have left.
    #[unknown]
    Unknown(i32),
}

impl Struct {
    const JSON_TAKES_NULL: bool = false;

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.push(b'{');
        for (index, (name, value)) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::write_string(name, out);
            out.push(b':');
            Element::write_json(value, out).map_err(|fault| fault.at_key(name))?;
        }
        out.push(b'}');
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        let mut fields = BTreeMap::new();
        json.open_object()?;
        while let Some(name) = json.next_key()? {
            let value = Value::read_json(json).map_err(|fault| fault.at_key(&name))?;
            if fields.insert(name.clone().into_owned(), value).is_some() {
                return Err(Fault::new("the key is there twice").at_key(&name));
            }
        }
        Ok(Self { fields })
    }

    fn parse_by_hand(text: &str) -> Result<Self, Fault> {
        whole(text)
    }
}

impl ListValue {
    const JSON_TAKES_NULL: bool = false;

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.push(b'[');
        for (index, value) in self.values.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            Element::write_json(value, out).map_err(|fault| fault.at_index(index))?;
        }
        out.push(b']');
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        let mut values = Vec::new();
        json.open_array()?;
        while json.next_item()? {
            values.push(Value::read_json(json).map_err(|fault| fault.at_index(values.len()))?);
        }
        Ok(Self { values })
    }

    fn parse_by_hand(text: &str) -> Result<Self, Fault> {
        whole(text)
    }
}

impl Value {
    const JSON_TAKES_NULL: bool = true;

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self {
            Self::Null => json::write_null(out),
            Self::Number(number) if !number.is_finite() => {
                return Err(Fault::new(format!("JSON has no number {number}")));
            }
            Self::Number(number) => json::write_f64(*number, out),
            Self::String(text) => json::write_string(text, out),
            Self::Bool(value) => json::write_bool(*value, out),
            Self::Struct(object) => return Element::write_json(object, out),
            Self::List(list) => return Element::write_json(list, out),
        }
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        Ok(match json.peek()? {
            b'n' if json.null()? => Self::Null,
            b't' | b'f' => Self::Bool(json.boolean()?),
            b'"' => Self::String(json.string()?.into_owned()),
            b'{' => Self::Struct(Struct::read_json(json)?),
            b'[' => Self::List(ListValue::read_json(json)?),
            _ => Self::Number(json.float()?),
        })
    }

    fn parse_by_hand(text: &str) -> Result<Self, Fault> {
        whole(text)
    }
}

impl NullValue {
    const JSON_TAKES_NULL: bool = true;

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        json::write_null(out);
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        match json.peek()? {
            b'"' => Self::parse_by_hand(&json.string()?),
            b'0' => Self::from_integer(json.integer()?),
            _ if json.null()? => Ok(Self::Null),
            _ => Err(json.expected("null")),
        }
    }

    fn parse_by_hand(text: &str) -> Result<Self, Fault> {
        match text {
            "NULL_VALUE" | "null" => Ok(Self::Null),
            _ => Err(Fault::new("expected null")),
        }
    }

    fn from_integer(number: i128) -> Result<Self, Fault> {
        match number {
            0 => Ok(Self::Null),
            _ => Err(Fault::new("expected null")),
        }
    }
}

/// In a query, JSON is written as it stands.
fn whole<T: Element>(text: &str) -> Result<T, Fault> {
    let mut json = JsonReader::new(text);
    let value = T::read_json(&mut json)?;
    json.end()?;
    Ok(value)
}
