//! Headers and trailers of a call, on any wire.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Names and values that travel beside a message: HTTP headers or trailers, gRPC metadata.
///
/// Names are lower case; a name may stand more than once. Binary values have names that end in
/// `-bin` and travel in base64, as gRPC and Connect say.
///
/// ```
/// use kitfox_core::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("x-tenant", "blue").unwrap();
/// assert_eq!(metadata.text("X-Tenant"), Some("blue"));
/// ```
///
/// Its `Debug` form has the names only: values may hold secrets.
#[derive(Clone, Default, PartialEq)]
pub struct Metadata(HeaderMap);

/// A name or a value that no header can hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A name may have letters, digits and `-_.` only.
    #[error("`{0}` is no header name: use letters, digits and `-`")]
    Name(String),
    /// A value may have visible ASCII, space and tab only.
    #[error(
        "the value of `{0}` holds a byte that no header can carry: use a `-bin` name for binary values"
    )]
    Value(String),
}

impl Metadata {
    /// Whether a header can have this name.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        HeaderName::try_from(name).is_ok()
    }

    /// Without entries; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` to `value`, in place of whatever it held.
    ///
    /// # Errors
    /// When no header can have that name or that value.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        let (name, value) = parse(name, value)?;
        self.0.insert(name, value);
        Ok(())
    }

    /// Adds a value to `name`, beside those it has.
    ///
    /// # Errors
    /// When no header can have that name or that value.
    pub fn append(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        let (name, value) = parse(name, value)?;
        self.0.append(name, value);
        Ok(())
    }

    /// The first value of `name`, where it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every value of `name` that is text, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
    }

    /// Takes every value of `name` out.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every name with each of its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// As the `http` crate has them, for transports.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0
    }

    /// As the `http` crate has them, to change, for transports.
    #[must_use]
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.0
    }

    /// Adds `other`; where both have a name, its values stand instead.
    pub(crate) fn extend(&mut self, other: Metadata) {
        self.0.extend(other.0);
    }

    /// As the `http` crate has them, for transports.
    #[must_use]
    pub fn into_headers(self) -> HeaderMap {
        self.0
    }
}

impl From<HeaderMap> for Metadata {
    fn from(headers: HeaderMap) -> Self {
        Metadata(headers)
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(HeaderName::as_str)).finish()
    }
}

fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), MetadataError> {
    let parsed: HeaderName = name.parse().map_err(|_| MetadataError::Name(name.to_owned()))?;
    let value = HeaderValue::from_str(value).map_err(|_| MetadataError::Value(name.to_owned()))?;
    Ok((parsed, value))
}

/// What an answer carries beside its message: headers, trailers, and over REST its status.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseMetadata {
    /// Sent before the message. Over REST this is where a `Location` or a cookie goes.
    pub headers: Metadata,
    /// Sent after the last message; over Connect unary as `trailer-` headers.
    pub trailers: Metadata,
    /// The HTTP status of a REST answer instead of 200; other wires ignore it.
    pub status: Option<u16>,
}

impl ResponseMetadata {
    /// Adds `other`, which has the last word.
    pub(crate) fn extend(&mut self, other: ResponseMetadata) {
        self.headers.extend(other.headers);
        self.trailers.extend(other.trailers);
        self.status = other.status.or(self.status);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::message::Codec;
    use crate::{Incoming, Payload, Reply};

    #[test]
    fn a_bad_name_and_a_bad_value_are_told_apart() {
        let mut metadata = Metadata::new();
        assert!(matches!(metadata.insert("no name", "x"), Err(MetadataError::Name(_))));
        assert!(matches!(metadata.insert("name", "a\nb"), Err(MetadataError::Value(_))));
        assert!(metadata.is_empty());
    }

    #[test]
    fn no_formatter_prints_a_value() {
        let mut metadata = Metadata::new();
        metadata.insert("authorization", "Bearer secret").unwrap();
        metadata.insert("x-tenant", "blue").unwrap();
        assert_eq!(format!("{metadata:?}"), r#"["authorization", "x-tenant"]"#);
        let mut reply = Reply::new(Payload::unary(Codec::Json, Bytes::new()));
        reply.metadata_mut().headers.insert("set-cookie", "session=secret").unwrap();
        let incoming = Incoming { metadata, ..Incoming::default() };
        let printed = format!("{reply:?} {incoming:#?}");
        assert!(!printed.contains("secret"), "{printed}");
    }

    #[test]
    fn values_of_one_name_keep_their_order() {
        let mut metadata = Metadata::new();
        metadata.append("a", "1").unwrap();
        metadata.append("A", "2").unwrap();
        assert_eq!(metadata.all("a").collect::<Vec<_>>(), ["1", "2"]);
        metadata.insert("a", "3").unwrap();
        assert_eq!(metadata.all("a").collect::<Vec<_>>(), ["3"]);
    }
}
