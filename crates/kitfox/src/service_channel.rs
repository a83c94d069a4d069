//! The way of a client to all replicas of a service.

mod builder;
mod connect;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Method};
use kitfox_discovery::{Balanced, Discovery, RegistryError, ReplicaView, View};
use kitfox_transport::client::ChannelError;

use crate::stack::{Change, ChangeError, ClientStack, MethodEndpoints, Tunable};
pub use builder::ServiceChannelBuilder;

/// A way to all replicas of a service, with the client's whole [stack](crate::stack): deadlines,
/// retries within a budget, hedges, a breaker, a rate limit, and the pick of a healthy replica. Cloning
/// shares it; so do all clients made of it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use kitfox::discovery::StaticList;
/// use kitfox::{Protocol, ServiceChannel};
///
/// # fn main() -> Result<(), kitfox::ServiceChannelError> {
/// let registry = StaticList::new().service("payments", ["10.0.0.7:8080", "10.0.0.8:8080"]);
/// let payments = ServiceChannel::builder("payments", &registry)
///     .http(|replica| replica.protocol(Protocol::Grpc))
///     .set("deadline.total", "2s")
///     .set("retry.attempts", 2)
///     .build()?;
/// // let client = PaymentsClient::new(&payments);
/// // Host::new("orders").client(&payments)     // shows it under /stack, and lets the file set it
/// # Ok(())
/// # }
/// # main().unwrap();
/// # });
/// ```
#[derive(Clone)]
pub struct ServiceChannel(Arc<Inner>);

struct Inner {
    name: String,
    balanced: Balanced,
    stack: ClientStack,
    layers: Vec<Wrap>,
    /// One for each method, however many clients are made: they share its state.
    endpoints: Mutex<Vec<Made>>,
}

type Made = (&'static Method, MethodEndpoints);

/// A layer of the user's, with its type hidden.
type Wrap = Box<dyn Fn(&'static Method, BoxEndpoint) -> BoxEndpoint + Send + Sync>;

/// Why there is no way to a service.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ServiceChannelError {
    /// Its layers cannot be set so.
    #[error("the client `{name}`: {error}")]
    Settings {
        /// The client.
        name: String,
        /// What cannot be.
        error: ChangeError,
    },
    /// The registry can have no such service.
    #[error("the client `{name}`: {error}")]
    Registry {
        /// The client.
        name: String,
        /// What cannot be.
        error: RegistryError,
    },
    /// No channel to a replica can be made so.
    #[error("the client `{name}`: {error}")]
    Channel {
        /// The client.
        name: String,
        /// What cannot be.
        error: ChannelError,
    },
}

impl fmt::Debug for ServiceChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ServiceChannel {
    /// A way to the replicas of the service `name`, which `registry` knows by that name. Needs a
    /// tokio runtime to be built on: it watches the registry in the background.
    pub fn builder<'a>(
        name: impl Into<String>,
        registry: &'a dyn Discovery,
    ) -> ServiceChannelBuilder<'a> {
        ServiceChannelBuilder::new(name.into(), registry)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Every replica, with its health and load.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaView> {
        self.0.balanced.replicas()
    }

    /// The last list of its registry, and for how long and why that has not answered since.
    #[must_use]
    pub fn view(&self) -> View {
        self.0.balanced.view()
    }

    /// Changes what its layers are set to while calls run, all or nothing. It is stronger than what the
    /// file and the environment say, and weaker than the admin port.
    ///
    /// ```
    /// # use kitfox::{ServiceChannel, stack::Change};
    /// # fn change(payments: &ServiceChannel) -> Result<(), kitfox::stack::ChangeError> {
    /// payments.change([Change::new("retry.mode", "off"), Change::new("breaker.mode", "dark")])
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where there is no such layer, key or method, or the whole would make no sense.
    pub fn change(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), ChangeError> {
        self.0.stack.control.change(changes.into_iter().collect())
    }

    /// Says what tells this process from its peers: see [`Balanced::identify`].
    pub(crate) fn identify(&self, who: &str) {
        self.0.balanced.identify(who);
    }

    pub(crate) fn tunable(&self) -> Arc<dyn Tunable> {
        Arc::clone(&self.0.stack.control) as _
    }
}

impl Channel for ServiceChannel {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        match self.made(method) {
            MethodEndpoints::Own(endpoints) => endpoints.bare(),
            MethodEndpoints::Users(endpoint) => endpoint,
        }
    }

    fn client_endpoint(&self, method: &'static Method) -> Option<BoxEndpoint> {
        match self.made(method) {
            MethodEndpoints::Own(endpoints) => Some(endpoints.recorded()),
            MethodEndpoints::Users(_) => None,
        }
    }

    fn codec(&self) -> Codec {
        self.0.balanced.codec()
    }
}

impl ServiceChannel {
    fn made(&self, method: &'static Method) -> MethodEndpoints {
        let Inner { balanced, stack, layers, endpoints, .. } = &*self.0;
        // A layer of the user's that panics leaves the list as it was.
        let mut endpoints = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, made)) = endpoints.iter().find(|(known, _)| std::ptr::eq(*known, method)) {
            return made.clone();
        }
        let users = (!layers.is_empty())
            .then_some(|inner| layers.iter().rev().fold(inner, |inner, wrap| wrap(method, inner)));
        let made = stack.endpoint(method, balanced.bound(method), users);
        endpoints.push((method, made.clone()));
        made
    }
}

impl fmt::Debug for ServiceChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceChannel").field("name", &self.0.name).finish_non_exhaustive()
    }
}
