//! The `baggage` header (W3C Baggage).

use http::HeaderMap;
use kitfox_core::Baggage;
use percent_encoding::percent_decode;

/// The baggage that came with a request. What is no member is left out, as the specification
/// says; properties of members do not travel on.
pub(super) fn baggage(headers: &HeaderMap) -> Option<Baggage> {
    let lists = headers.get_all("baggage").into_iter();
    let members = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    let mut members = members.filter_map(member).peekable();
    members.peek()?;
    Some(Baggage::new(members))
}

fn member(text: &[u8]) -> Option<(String, String)> {
    let text = text.split(|byte| *byte == b';').next()?;
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (text[..at].trim_ascii(), text[at + 1..].trim_ascii());
    if name.is_empty() {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    let value = percent_decode(value).decode_utf8_lossy();
    Some((name.to_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_all_headers_are_read_and_nonsense_is_left_out() {
        let mut headers = HeaderMap::new();
        assert_eq!(baggage(&headers), None);
        headers.append("baggage", "user = ann%20b ;ttl=3, nonsense,=x".parse().unwrap());
        headers.append("baggage", "tier=gold".parse().unwrap());
        let read = baggage(&headers).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [("user", "ann b"), ("tier", "gold")]);
    }
}
