//! `google.protobuf.Any`: a message of any type, with its name.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use super::{Duration, ListValue, Struct, Timestamp, Value, Wrapper, message, rpc};
use crate::message::private::{Fault, JsonReader, Reader, json};
use crate::message::{DecodeError, Message};

/// What Google's writers put before the name.
const PREFIX: &str = "type.googleapis.com/";

/// How many `Any` may lie in each other when written as JSON.
const DEPTH: u32 = 32;

/// A message of any type.
///
/// Protobuf passes it on as it is. JSON shows what is in it, so the type must be known to the
/// program: those of [`crate::types`] are, others are told with [`Any::register`].
#[message(package = "google.protobuf", json_by_hand)]
pub struct Any {
    /// The full name of the message after the last slash.
    pub type_url: String,
    /// The message as protobuf.
    pub value: Vec<u8>,
}

impl Any {
    /// Puts a message in.
    #[must_use]
    pub fn pack<M: Message>(message: &M) -> Self {
        let mut value = Vec::new();
        message.write_body(&mut value);
        Self::of_bytes(M::NAME, value)
    }

    /// The message called `name`, which is these bytes in protobuf.
    pub(crate) fn of_bytes(name: &str, value: Vec<u8>) -> Self {
        Self { type_url: format!("{PREFIX}{name}"), value }
    }

    /// Takes the message out, or nothing where it is of another type.
    ///
    /// # Errors
    /// The type is right, but the bytes are no such message.
    pub fn unpack<M: Message>(&self) -> Result<Option<M>, DecodeError> {
        if self.type_name() != M::NAME {
            return Ok(None);
        }
        Ok(Some(M::read_body(&mut Reader::new(&self.value))?))
    }

    /// The full name of the message in it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        name_in(&self.type_url)
    }

    /// Makes a type known to the program, so that an `Any` of it has a form in JSON. A second time
    /// does nothing.
    pub fn register<M: Message>() {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(M::NAME).or_insert(Known::of::<M>());
    }

    const JSON_TAKES_NULL: bool = false;

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.type_url.is_empty() && self.value.is_empty() {
            out.extend_from_slice(b"{}");
            return Ok(());
        }
        let known = known(&self.type_url)?;
        out.extend_from_slice(b"{\"@type\":");
        json::write_string(&self.type_url, out);
        if known.is_value {
            out.extend_from_slice(b",\"value\":");
            one_deeper(|| (known.write_json)(&self.value, out))?;
        } else {
            // The members follow ours instead of standing in an object of their own.
            let start = out.len();
            one_deeper(|| (known.write_json)(&self.value, out))?;
            out[start] = b',';
            out.pop();
            if out.len() == start + 1 {
                out.pop();
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        let Some(mut url) = member(&mut json.clone(), "@type")? else {
            let mut ahead = json.clone();
            ahead.open_object()?;
            if ahead.next_key()?.is_some() {
                return Err(Fault::new("the type is missing, in \"@type\""));
            }
            *json = ahead;
            return Ok(Self::default());
        };
        let type_url = url.string().map_err(|fault| fault.at("@type"))?.into_owned();
        let known = known(&type_url)?;
        let value = if known.is_value {
            let Some(mut value) = member(&mut json.clone(), "value")? else {
                return Err(Fault::new(format!(
                    "the value of {type_url} is missing, in \"value\""
                )));
            };
            let value = (known.read_json)(&mut value).map_err(|fault| fault.at("value"))?;
            json.skip()?;
            value
        } else {
            (known.read_json)(json)?
        };
        Ok(Self { type_url, value })
    }

    fn parse_by_hand(_text: &str) -> Result<Self, Fault> {
        Err(Fault::new("a google.protobuf.Any is not set from a path or a query"))
    }
}

/// What JSON needs to know of a type.
#[derive(Clone, Copy)]
struct Known {
    /// JSON is not an object of the fields, so it stands in a member of its own.
    is_value: bool,
    read_json: fn(&mut JsonReader<'_>) -> Result<Vec<u8>, Fault>,
    write_json: fn(&[u8], &mut Vec<u8>) -> Result<(), Fault>,
}

impl Known {
    fn of<M: Message>() -> Self {
        Self {
            is_value: M::JSON_IS_BY_HAND,
            read_json: |json| {
                let mut value = Vec::new();
                M::read_json(json)?.write_body(&mut value);
                Ok(value)
            },
            write_json: |value, out| M::read_body(&mut Reader::new(value))?.write_json(out),
        }
    }
}

macro_rules! known {
    ($($type:ty),* $(,)?) => {
        BTreeMap::from([$((<$type as Message>::NAME, Known::of::<$type>()),)*])
    };
}

/// Only ever grows, and only by types that the program has.
static KNOWN: LazyLock<RwLock<BTreeMap<&'static str, Known>>> = LazyLock::new(|| {
    RwLock::new(known![
        (),
        Any,
        Duration,
        Timestamp,
        Struct,
        Value,
        ListValue,
        Wrapper<bool>,
        Wrapper<i32>,
        Wrapper<i64>,
        Wrapper<u32>,
        Wrapper<u64>,
        Wrapper<f32>,
        Wrapper<f64>,
        Wrapper<String>,
        Wrapper<Vec<u8>>,
        rpc::Status,
        rpc::ErrorInfo,
        rpc::RetryInfo,
        rpc::BadRequest,
        rpc::FieldViolation,
        rpc::LocalizedMessage,
    ])
});

fn known(type_url: &str) -> Result<Known, Fault> {
    let name = name_in(type_url);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.get(name).copied().ok_or_else(|| {
        let name: String = name.chars().take(80).collect();
        Fault::new(format!(
            "the type `{name}` in a google.protobuf.Any is unknown here: tell it with Any::register"
        ))
    })
}

fn name_in(type_url: &str) -> &str {
    type_url.rsplit_once('/').map_or(type_url, |(_, name)| name)
}

/// A reader before the value of a member, if the object has it.
fn member<'a>(json: &mut JsonReader<'a>, name: &str) -> Result<Option<JsonReader<'a>>, Fault> {
    let mut found = None;
    json.open_object()?;
    while let Some(key) = json.next_key()? {
        if key == name && found.replace(json.clone()).is_some() {
            return Err(Fault::new("the member is there twice").at(name));
        }
        json.skip()?;
    }
    Ok(found)
}

/// An `Any` in an `Any` hides from the reader's limit, since it is bytes there.
fn one_deeper<T>(write: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    thread_local! {
        static DEEP: Cell<u32> = const { Cell::new(0) };
    }
    let deep = DEEP.get();
    if deep == DEPTH {
        return Err(Fault::new(format!(
            "google.protobuf.Any lie in each other deeper than {DEPTH}"
        )));
    }
    DEEP.set(deep + 1);
    let written = write();
    DEEP.set(deep);
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Codec;

    fn json(any: &Any) -> String {
        String::from_utf8(any.encode(Codec::Json).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn json_shows_what_is_in_it() {
        let violation = rpc::FieldViolation { field: "x".into(), ..Default::default() };
        for (any, text) in [
            (
                Any::pack(&violation),
                r#"{"@type":"type.googleapis.com/google.rpc.BadRequest.FieldViolation","field":"x"}"#,
            ),
            (Any::pack(&()), r#"{"@type":"type.googleapis.com/google.protobuf.Empty"}"#),
            (
                Any::pack(&Duration { seconds: 1, nanos: 0 }),
                r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}"#,
            ),
            (
                Any::pack(&Any::pack(&Value::Null)),
                r#"{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"type.googleapis.com/google.protobuf.Value","value":null}}"#,
            ),
            (Any::default(), "{}"),
        ] {
            assert_eq!(json(&any), text);
            assert_eq!(Any::decode(Codec::Json, text.as_bytes()).unwrap(), any);
        }
    }

    #[test]
    fn the_type_may_come_last() {
        let text = br#"{"value":"1.5s","@type":"x/google.protobuf.Duration"}"#;
        let any = Any::decode(Codec::Json, text).unwrap();
        assert_eq!(any.type_url, "x/google.protobuf.Duration");
        let duration = Duration { seconds: 1, nanos: 500_000_000 };
        assert_eq!(any.unpack::<Duration>().unwrap(), Some(duration));
        assert_eq!(any.unpack::<Timestamp>().unwrap(), None);
    }

    #[test]
    fn an_unknown_type_is_named() {
        let any = Any { type_url: "x/shop.v1.Order".into(), value: Vec::new() };
        let error = any.encode(Codec::Json).unwrap_err();
        assert!(error.to_string().contains("`shop.v1.Order`"), "{error}");
        assert!(Any::decode(Codec::Json, br#"{"value":1}"#).is_err());
    }

    #[test]
    fn a_pile_of_them_is_refused() {
        let mut any = Any::pack(&());
        for _ in 0..DEPTH + 1 {
            any = Any::pack(&any);
        }
        assert!(any.encode(Codec::Json).is_err());
        assert!(any.encode(Codec::Protobuf).is_ok());
    }
}
