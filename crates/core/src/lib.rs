//! The heart of Kitfox: what a call is, and what wraps it.
//!
//! Everything else lives around this crate: wires turn bytes into a [`Request`] and a [`Reply`]
//! into bytes, layers wrap an [`Endpoint`], macros write the shims between encoded payloads and a
//! user's trait. Users depend on the `kitfox` crate, which shows the same items.

// Code that the macros write says `::kitfox`, here as everywhere.
extern crate self as kitfox;

mod code;
mod context;
pub mod contract;
mod endpoint;
pub mod error;
pub mod layers;
pub mod live;
pub mod message;
mod metadata;
pub mod meter;
pub mod moment;
mod payload;
pub mod platform;
pub mod record;
mod reply;
mod request;
mod secret;
mod service;
pub mod setting;
mod shim;
mod stream;
pub mod types;

pub use code::{Code, UnknownCode};
pub use context::{
    Baggage, CancelGuard, Context, Criticality, Entered, Incoming, LayerName, MethodNumber, Peer,
    Principal, Received, RecordField, Sampling, TraceContext,
};
pub use contract::{Contract, Method};
pub use endpoint::{BoxEndpoint, Endpoint, EndpointFn, Layer, LayerFn, Next, layer_fn};
pub use error::{Detail, DomainError, Error, Origin, Recovery};
pub use metadata::{Metadata, MetadataError, ResponseMetadata};
pub use payload::{Bindings, Body, Payload};
pub use platform::Platform;
pub use reply::Reply;
pub use request::Request;
pub use secret::Secret;
pub use service::{Channel, Client, ClientEndpoint, Service};
pub use stream::{Batch, MessageStream, Sender, Streaming, TooLong, Trailers};

/// What the macros' code needs; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::message::private::*;
    pub use crate::shim::*;
    pub use bytes;
}
