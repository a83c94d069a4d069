//! How one process of the shop finds the others.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kitfox::{Channel, ChannelError, Host, HttpChannel, Protocol};

use crate::role::Role;

/// Who is where.
#[derive(Clone, Debug)]
pub struct Registry {
    folder: PathBuf,
}

/// Why nobody can be reached.
#[derive(Debug, thiserror::Error)]
#[error("there is no way to the {name}: {cause}")]
pub struct NoWay {
    name: &'static str,
    cause: ChannelError,
}

impl Registry {
    /// That of the shop in the folder `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Registry { folder: data.join("registry") }
    }

    /// A host that others find as one of `role`.
    pub fn enlist(&self, _: Role, host: Host) -> Host {
        host
    }

    /// Notes where `role` is.
    pub(crate) fn note(&self, role: Role, address: SocketAddr) {
        let _ = std::fs::create_dir_all(&self.folder);
        let _ = std::fs::write(self.folder.join(role.name()), format!("http://{address}"));
    }

    /// The way to the replicas of `role`.
    ///
    /// # Errors
    /// When there can be none.
    pub fn reach(&self, role: Role) -> Result<impl Channel + use<>, NoWay> {
        let name = role.name();
        let address = std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        let channel = HttpChannel::builder(address.trim()).protocol(Protocol::Grpc).build();
        channel.map_err(|cause| NoWay { name, cause })
    }
}
