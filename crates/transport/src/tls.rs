//! TLS on both ends: certificates and keys in PEM, the version of HTTP agreed on by ALPN.
//!
//! It is the whole of a connection, so that everything else is as without it. Rotation, client
//! certificates and principals are not here.

use std::io;
use std::path::Path;
use std::sync::Arc;

use kitfox_core::platform::Connection;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("could not read `{path}`: {cause}")]
    File {
        /// The file.
        path: Box<str>,
        /// Why not.
        cause: io::Error,
    },
    /// There is no such thing in the PEM, or it is none.
    #[error("there is no usable {what}: {why}; PEM is wanted, `-----BEGIN ..` and so on")]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// What is wrong.
        why: Box<str>,
    },
    /// The key is not that of the certificate, or of a kind that nobody can use.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(Box<str>),
}

/// Who a port says it is: its certificate, with those up to the root, and its private key.
///
/// ```no_run
/// # fn identity() -> Result<(), kitfox_transport::tls::TlsError> {
/// use kitfox_transport::tls::Identity;
///
/// let identity = Identity::files("certificate.pem", "key.pem")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    /// From PEM.
    ///
    /// # Errors
    /// When there is no certificate or no key in it, or the two do not belong together.
    pub fn pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates_of(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|why| no_pem("private key", &why))?;
        let unusable = |why: rustls::Error| TlsError::Unusable(why.to_string().into());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
        Ok(Identity(Arc::new(config)))
    }

    /// From two files in PEM.
    ///
    /// # Errors
    /// When one cannot be read, and as [`Identity::pem`].
    pub fn files(certificates: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        Identity::pem(&read(certificates.as_ref())?, &read(key.as_ref())?)
    }

    /// Shakes hands as a server; gives the protocol that was agreed on, if one was.
    pub(crate) async fn accept(
        &self,
        connection: Connection,
    ) -> io::Result<(Connection, Option<Agreed>)> {
        let peer = connection.peer();
        let stream = TlsAcceptor::from(Arc::clone(&self.0)).accept(connection).await?;
        let agreed = Agreed::of(stream.get_ref().1.alpn_protocol());
        Ok((Connection::new(stream, peer), agreed))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// Whom a channel believes: the authorities that may say who a server is.
#[derive(Clone, Debug)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Those of the system. Where it has none, no server is believed.
    #[must_use]
    pub fn system() -> Self {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
        Roots(Arc::new(store))
    }

    /// These alone, in PEM: an authority of one's own.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub fn pem(certificates: &[u8]) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates_of(certificates)? {
            store.add(certificate).map_err(|why| no_pem("certificate", &why))?;
        }
        Ok(Roots(Arc::new(store)))
    }
}

/// What a channel shakes hands with.
#[derive(Clone)]
pub(crate) struct Believer {
    config: Arc<ClientConfig>,
    server: ServerName<'static>,
    agreed: Agreed,
}

impl Believer {
    /// For calls to `host` in one version of HTTP; `None` where no certificate can be for it.
    pub(crate) fn new(roots: &Roots, host: &str, agreed: Agreed) -> Option<Self> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let server = ServerName::try_from(bare.to_owned()).ok()?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has a suite for each of its versions")
            .with_root_certificates(Arc::clone(&roots.0))
            .with_no_client_auth();
        config.alpn_protocols = vec![agreed.name().to_vec()];
        Some(Believer { config: Arc::new(config), server, agreed })
    }

    /// Shakes hands as a client. A server that says nothing of the protocol speaks the one that was
    /// asked for, by prior knowledge.
    pub(crate) async fn connect(&self, connection: Connection) -> io::Result<Connection> {
        let peer = connection.peer();
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.server.clone(), connection).await?;
        let said = stream.get_ref().1.alpn_protocol();
        if said.is_some_and(|said| said != self.agreed.name()) {
            let why = "the server agreed on another protocol than it was asked for (ALPN)";
            return Err(io::Error::other(why));
        }
        Ok(Connection::new(stream, peer))
    }
}

impl std::fmt::Debug for Believer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Believer").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The protocol that both ends agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreed {
    Http1,
    Http2,
}

impl Agreed {
    fn of(name: Option<&[u8]>) -> Option<Self> {
        match name? {
            H2 => Some(Agreed::Http2),
            HTTP1 => Some(Agreed::Http1),
            _ => None,
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            Agreed::Http1 => HTTP1,
            Agreed::Http2 => H2,
        }
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates_of(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let chain = read.map_err(|why| no_pem("certificate", &why))?;
    if chain.is_empty() {
        return Err(no_pem("certificate", &"none is in it"));
    }
    Ok(chain)
}

fn no_pem(what: &'static str, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::Pem { what, why: why.to_string().into() }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|cause| TlsError::File { path: path.display().to_string().into(), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pem_is_named() {
        let error = Identity::pem(b"", b"").unwrap_err().to_string();
        assert!(error.contains("no usable certificate"), "{error}");
        let error = Roots::pem(b"nonsense").unwrap_err().to_string();
        assert!(error.contains("no usable certificate"), "{error}");
        let error = Identity::files("/nowhere.pem", "/nowhere.pem").unwrap_err().to_string();
        assert!(error.contains("/nowhere.pem"), "{error}");
    }
}
