//! Addresses of channels.

use kitfox::HttpChannel;

use crate::outcome;

pub(super) const WORDS: &[&str] = &[
    "http://",
    "https://",
    "HTTP://",
    "127.0.0.1",
    "[::1]",
    ":8080",
    ":0",
    ":65536",
    "localhost",
    "user@",
    "user:secret@",
    "/",
    "?q",
    "#f",
    ":",
    "[",
    "]",
    "%41",
    "xn--",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    match HttpChannel::new(text) {
        Ok(_) => {
            let uri: http::Uri = text.parse().expect("an address is a URL");
            let authority = uri.authority().expect("an address has a host");
            assert!(!authority.host().is_empty() && !authority.as_str().contains('@'));
            assert_eq!((uri.path(), uri.query()), ("/", None));
            1 + u64::from(authority.port_u16().is_some())
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains(text), "`{said}` does not name `{text}`");
            outcome::of(&said.replace(text, ""))
        }
    }
}
