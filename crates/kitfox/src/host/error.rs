//! Why a host does not run.

use std::net::SocketAddr;
use std::{fmt, io};

use kitfox_discovery::RegistryError;
use kitfox_transport::client::ChannelError;
use kitfox_transport::wires::RouteError;

use super::Phase;
use crate::config::ConfigError;
use crate::stack::ChangeError;

/// Why a host did not start, or did not end as it should.
///
/// It is debugged as it is displayed, since that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Two methods want the same route, or a route is none.
    #[error("the services cannot be served together: {0}")]
    Route(#[from] RouteError),
    /// What code says of the layers around methods makes no sense.
    #[error("what protects the services: {0}")]
    Settings(#[from] ChangeError),
    /// Two clients or two guards have one name, by which nobody could say which is meant.
    #[error(
        "there are two `{name}` in this host (`-`, `_` and capitals make no difference), and a key would \
         be of either: clone one client or guard for all that use it"
    )]
    Name {
        /// What their keys begin with.
        name: String,
    },
    /// Something else than a host decides what a guard is set to.
    #[error(
        "the guard `{name}` is set by a control of its own, and cannot be set by a host as well"
    )]
    Guard {
        /// The guard.
        name: &'static str,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}. The variable {variable} (or the key `{key}`) names \
         another address; port 0 takes a free one"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The key that sets it.
        key: &'static str,
        /// The environment variable that sets it.
        variable: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Telemetry cannot be sent where the key `otlp.endpoint` says.
    #[error("cannot export telemetry: {0}")]
    Export(#[source] ChannelError),
    /// The host is to be registered, and nobody could call it where it says that it is.
    #[error(
        "a host that listens on {listen}, which is every address, cannot be registered as such: \
         name the host (and the port, if others see another one) by which it is reached in the \
         variable KITFOX_REGISTER_ADDRESS (or the key `register.address`)"
    )]
    NoAddress {
        /// Where it listens.
        listen: SocketAddr,
    },
    /// A registry that it is to be registered in can never take it.
    #[error(
        "the {registry} can never take this host: {error}. Its name is what `Host::new` is given, its \
         address what the variable KITFOX_REGISTER_ADDRESS (or the key `register.address`) says"
    )]
    Unregistrable {
        /// The registry.
        registry: String,
        /// Why not.
        error: RegistryError,
    },
    /// Nobody would hear a signal.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    /// A second signal came while the host was shutting down.
    #[error("a second signal ({signal}) ended the host at once, while it was {phase}")]
    Interrupted {
        /// The second signal.
        signal: &'static str,
        /// How far the shutdown was.
        phase: Phase,
    },
    /// Nobody reads standard output, where the log goes.
    #[error("{lines} lines of the log are lost: nobody reads standard output")]
    Unread {
        /// How many lines.
        lines: u64,
    },
    /// Something blocks its thread, so that it cannot be dropped.
    #[error(
        "the drain deadline is over and {tasks} tasks cannot be dropped: they block their thread. \
         Blocking code belongs in `tokio::task::spawn_blocking`"
    )]
    Stuck {
        /// How many tasks.
        tasks: usize,
    },
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
