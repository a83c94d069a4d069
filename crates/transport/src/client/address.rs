//! Where a channel goes: `http://host:port`, and nothing more.

use http::Uri;
use http::uri::{Authority, Scheme};

use super::ChannelError;

/// A valid address: what to connect to, and what to call it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// As it stands in requests: with a port only where the user wrote one.
    pub(super) authority: Authority,
    /// `host:port`, for the network and for messages.
    pub(super) target: Box<str>,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, ChannelError> {
        let invalid = |why: &'static str| ChannelError::Address { address: text.into(), why };
        if !text.contains("://") {
            return Err(invalid("it needs a scheme: write http://host:port"));
        }
        let uri: Uri = text.parse().map_err(|_| {
            invalid("it is no URL: write http://host:port, an IPv6 address in brackets")
        })?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(ChannelError::Tls { address: text.into() });
        }
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(invalid("its scheme must be http"));
        }
        let authority = uri.authority().ok_or_else(|| invalid("it names no host"))?;
        if authority.host().is_empty() {
            return Err(invalid("it names no host"));
        }
        if authority.as_str().contains('@') {
            return Err(invalid("it holds a user; credentials go into the metadata of a call"));
        }
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(invalid("it must end behind the port: methods have paths of their own"));
        }
        // `Authority::port` is silent about what is no port.
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0),
            None => Some(80_u16),
        };
        let port = port.ok_or_else(|| invalid("its port must be a number from 1 to 65535"))?;
        let target = format!("{}:{port}", authority.host()).into();
        Ok(Address { authority: authority.clone(), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for (text, target) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://strings.internal", "strings.internal:80"),
            ("http://[::1]:9/", "[::1]:9"),
        ] {
            assert_eq!(&*Address::parse(text).unwrap().target, target);
        }
    }

    #[test]
    fn anything_else_says_how_to_mend_it() {
        for (text, hint) in [
            ("127.0.0.1:8080", "http://host:port"),
            ("", "http://host:port"),
            ("http://", "http://host:port"),
            ("http://a b", "http://host:port"),
            ("ftp://a", "scheme must be http"),
            ("http://:80", "host"),
            ("http://a:0", "1 to 65535"),
            ("http://a:70000", "1 to 65535"),
            ("http://a:", "1 to 65535"),
            ("http://me@a", "credentials"),
            ("http://a/v1", "end behind the port"),
            ("http://a?x=1", "end behind the port"),
            ("http://a#x", "end behind the port"),
            ("https://a", "TLS comes with the security crate"),
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
