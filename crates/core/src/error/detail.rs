//! A typed detail of an error, as `google.rpc.Status` carries them.

use bytes::Bytes;

use crate::message::{Codec, Message};
use crate::types::Any;

/// One typed detail of an error: the name of a message and its protobuf bytes.
///
/// ```
/// use kitfox_core::error::Detail;
/// use kitfox_core::types::rpc::ErrorInfo;
///
/// let info = ErrorInfo { reason: "EMPTY".into(), ..Default::default() };
/// let detail = Detail::new(&info);
/// assert_eq!(detail.type_name(), "google.rpc.ErrorInfo");
/// assert_eq!(detail.decode::<ErrorInfo>(), Some(info));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    type_name: Box<str>,
    value: Bytes,
    json: Option<Box<str>>,
}

impl Detail {
    /// The detail that `message` is.
    #[must_use]
    pub fn new<M: Message>(message: &M) -> Self {
        let json = message.encode(Codec::Json).ok();
        Detail {
            type_name: M::NAME.into(),
            value: message.encode(Codec::Protobuf).unwrap_or_default(),
            json: json.and_then(|json| String::from_utf8(json.into()).ok()).map(Into::into),
        }
    }

    /// A detail from a wire: the full name of its message, with or without the prefix of a type
    /// URL (`type.googleapis.com/`), and its protobuf bytes.
    #[must_use]
    pub fn from_wire(type_url: &str, value: Bytes) -> Self {
        let name = type_url.rsplit_once('/').map_or(type_url, |(_, name)| name);
        Detail { type_name: name.into(), value, json: None }
    }

    /// The full protobuf name of the message.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Its protobuf bytes.
    #[must_use]
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// The message in JSON, where it was made here; for people (Connect's `debug`).
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        self.json.as_deref()
    }

    /// The message, if it is an `M` and its bytes are whole.
    #[must_use]
    pub fn decode<M: Message>(&self) -> Option<M> {
        if *self.type_name != *M::NAME {
            return None;
        }
        M::decode(Codec::Protobuf, &self.value).ok()
    }
}

impl From<Any> for Detail {
    fn from(any: Any) -> Self {
        Detail::from_wire(&any.type_url, any.value.into())
    }
}

impl From<&Detail> for Any {
    fn from(detail: &Detail) -> Self {
        Any::of_bytes(detail.type_name(), detail.value().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::rpc::ErrorInfo;

    #[test]
    fn a_detail_is_the_any_that_holds_its_message() {
        let info = ErrorInfo { reason: "EMPTY".into(), ..Default::default() };
        let detail = Detail::from(Any::pack(&info));
        assert_eq!(detail.decode::<ErrorInfo>(), Some(info.clone()));
        assert_eq!(Any::from(&detail), Any::pack(&info));
    }
}
