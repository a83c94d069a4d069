//! Where a channel goes: `http://host:port`, or `https://host:port`, and nothing more.

use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use kitfox_core::Platform;
use kitfox_core::platform::Connection;
use tokio::time::timeout;

use super::ChannelError;
use super::failure::Refused;

/// A valid address: what to connect to, and what to call it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// As it stands in requests: with a port only where the user wrote one.
    pub(super) authority: Authority,
    /// `host:port`, for the network and for messages.
    pub(super) target: Box<str>,
    /// Whether it is reached over TLS.
    secure: bool,
    /// How hands are shaken there, once that is known.
    #[cfg(feature = "tls")]
    believer: Option<crate::tls::Believer>,
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
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        if secure && !cfg!(feature = "tls") {
            return Err(ChannelError::Tls { address: text.into() });
        }
        if !secure && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(invalid("its scheme must be http or https"));
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
            None => Some(if secure { 443 } else { 80_u16 }),
        };
        let port = port.ok_or_else(|| invalid("its port must be a number from 1 to 65535"))?;
        let target = format!("{}:{port}", authority.host()).into();
        Ok(Address {
            authority: authority.clone(),
            target,
            secure,
            #[cfg(feature = "tls")]
            believer: None,
        })
    }

    /// As `:scheme` says it.
    pub(super) fn scheme(&self) -> Scheme {
        if self.secure { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// Where hands are shaken, with servers that `roots` vouch for, in one version of HTTP.
    #[cfg(feature = "tls")]
    pub(super) fn believing(
        mut self,
        roots: Option<crate::tls::Roots>,
        http: super::HttpVersion,
    ) -> Result<Self, ChannelError> {
        use crate::tls::{Agreed, Believer, Roots};

        if !self.secure {
            return Ok(self);
        }
        let agreed = match http {
            super::HttpVersion::Http1 => Agreed::Http1,
            super::HttpVersion::Http2 => Agreed::Http2,
        };
        let host = self.authority.host();
        let believer = Believer::new(&roots.unwrap_or_else(Roots::system), host, agreed);
        self.believer = Some(believer.ok_or_else(|| ChannelError::Address {
            address: self.target.clone(),
            why: "its host is no name that a certificate can be for",
        })?);
        Ok(self)
    }

    /// A connection to it, after the handshake if there is one, within `limit`.
    pub(super) async fn connect(
        &self,
        platform: &Platform,
        limit: Duration,
    ) -> Result<Connection, Refused> {
        let peer = &self.target;
        let connect = async {
            let connection = platform.net().connect(peer).await;
            let connection = connection.map_err(|cause| Refused::by(peer, &cause))?;
            #[cfg(feature = "tls")]
            if let Some(believer) = &self.believer {
                let shaken = believer.connect(connection).await;
                return shaken.map_err(|cause| Refused::unbelieved(peer, &cause));
            }
            Ok(connection)
        };
        timeout(limit, connect).await.map_err(|_| Refused::silent(peer, limit))?
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
            ("ftp://a", "scheme must be http or https"),
            ("http://:80", "host"),
            ("http://a:0", "1 to 65535"),
            ("http://a:70000", "1 to 65535"),
            ("http://a:", "1 to 65535"),
            ("http://me@a", "credentials"),
            ("http://a/v1", "end behind the port"),
            ("http://a?x=1", "end behind the port"),
            ("http://a#x", "end behind the port"),
            #[cfg(not(feature = "tls"))]
            ("https://a", "feature `tls`"),
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
