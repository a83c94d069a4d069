//! Calls of methods that change nothing as GET, whose answers a cache may keep: the message is in
//! the query, the same for the same message.

use base64::Engine as _;
use http::Uri;
use http::uri::PathAndQuery;
use kitfox_core::message::Codec;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::binary::BASE64_URL;

/// The longest path with its query. Whatever stands on the way to a server takes this much; a
/// longer message goes as POST.
const LONGEST: usize = 4096;

/// What RFC 3986 leaves as it is in a query, and means nothing in a form.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `method`'s address with `message` in it; `None` where that is too long.
pub(super) fn uri(method: &Uri, codec: Codec, message: &[u8]) -> Option<Uri> {
    if message.len() > LONGEST {
        return None;
    }
    let path = method.path();
    let target = match (codec, std::str::from_utf8(message)) {
        (Codec::Json, Ok(text)) => {
            let text = utf8_percent_encode(text, QUERY);
            format!("{path}?connect=v1&encoding=json&message={text}")
        }
        _ => {
            let text = BASE64_URL.encode(message);
            format!("{path}?connect=v1&base64=1&encoding=proto&message={text}")
        }
    };
    if target.len() > LONGEST {
        return None;
    }
    let mut parts = method.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_the_query() {
        let method: Uri = "http://a:1/b.C/D".parse().unwrap();
        assert_eq!(
            uri(&method, Codec::Json, b"{\"a\":\"b c\"}").unwrap(),
            "http://a:1/b.C/D?connect=v1&encoding=json&message=%7B%22a%22%3A%22b%20c%22%7D"
        );
        let method: Uri = "/b.C/D".parse().unwrap();
        assert_eq!(
            uri(&method, Codec::Protobuf, b"\xfb\xff\n").unwrap(),
            "/b.C/D?connect=v1&base64=1&encoding=proto&message=-_8K"
        );
    }

    #[test]
    fn what_is_too_long_for_an_address_is_none() {
        let method: Uri = "/b.C/D".parse().unwrap();
        assert!(uri(&method, Codec::Protobuf, &[7; 3000]).is_some());
        assert!(uri(&method, Codec::Protobuf, &[7; 3100]).is_none());
        assert!(uri(&method, Codec::Json, &[b'{'; 2000]).is_none());
    }
}
