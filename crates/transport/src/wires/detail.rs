//! Typed details of an error in JSON, as Connect has them and problems here do too.

use base64::Engine;
use kitfox_core::{Detail, Error};
use serde_json::{Map, Value};

use crate::binary::BASE64;

/// `[{"type", "value", "debug"}]`
pub(super) fn array(error: &Error) -> Value {
    Value::Array(error.details().iter().map(object).collect())
}

fn object(detail: &Detail) -> Value {
    let mut object = Map::new();
    object.insert("type".into(), detail.type_name().into());
    object.insert("value".into(), BASE64.encode(detail.value()).into());
    if let Some(debug) = detail.json().and_then(|json| serde_json::from_str(json).ok()) {
        object.insert("debug".into(), debug);
    }
    Value::Object(object)
}
