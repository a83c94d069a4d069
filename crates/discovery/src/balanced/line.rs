//! The way to one replica, as whoever knows wires gives it.

use futures_core::future::BoxFuture;
use kitfox_core::message::Codec;
use kitfox_core::{BoxEndpoint, Channel, Error, Method};

use crate::Instance;

/// Makes the way to an instance.
pub trait Connect: Send + Sync + 'static {
    /// The way to `instance`. Nothing need be connected yet: see [`Line::warm`].
    ///
    /// # Errors
    /// Where there can be none: the instance is left out, and the error is logged.
    fn connect(&self, instance: &Instance) -> Result<Box<dyn Line>, Error>;

    /// How messages are encoded on every way.
    fn codec(&self) -> Codec;
}

/// The way to one replica.
pub trait Line: Channel + Send + Sync + 'static {
    /// Whether a call could be sent at once, without connecting first. A replica of which another one
    /// could take the call instead is picked only if it is so.
    fn is_warm(&self) -> bool;

    /// Connects. The future holds nothing that keeps the line open.
    fn warm(&self) -> BoxFuture<'static, Result<(), Error>>;
}

/// A way that is always warm: any channel.
#[derive(Clone, Debug)]
pub struct SteadyLine<C>(pub C);

impl<C: Channel> Channel for SteadyLine<C> {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        self.0.endpoint(method)
    }

    fn codec(&self) -> Codec {
        self.0.codec()
    }
}

impl<C: Channel + Send + Sync + 'static> Line for SteadyLine<C> {
    fn is_warm(&self) -> bool {
        true
    }

    fn warm(&self) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
