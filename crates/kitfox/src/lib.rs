//! A toolkit for microservices in Rust: one trait, every wire.
//!
//! The business logic is a plain trait and an impl of it. From the trait come a server for every
//! wire (REST, Connect, gRPC on one port), a client that implements the same trait, and the
//! contract as data:
//!
//! ```
//! use kitfox::{Context, Host};
//!
//! /// Things to do with texts.
//! #[kitfox::service(package = "strings.v1")]
//! pub trait Strings {
//!     /// Upper-cases a text.
//!     #[endpoint(post = "/v1/uppercase", idempotent)]
//!     async fn uppercase(&self, cx: &Context, request: UppercaseRequest)
//!         -> Result<UppercaseResponse, StringsError>;
//! }
//!
//! #[kitfox::message]
//! pub struct UppercaseRequest { pub text: String }
//!
//! #[kitfox::message]
//! pub struct UppercaseResponse { pub text: String }
//!
//! #[kitfox::error]
//! pub enum StringsError {
//!     /// nothing to do: the text is empty
//!     #[code(InvalidArgument)]
//!     Empty,
//!     #[call]
//!     Call(kitfox::Error),
//! }
//!
//! struct Shouting;
//!
//! impl Strings for Shouting {
//!     async fn uppercase(&self, _: &Context, request: UppercaseRequest)
//!         -> Result<UppercaseResponse, StringsError>
//!     {
//!         if request.text.is_empty() {
//!             return Err(StringsError::Empty);
//!         }
//!         Ok(UppercaseResponse { text: request.text.to_uppercase() })
//!     }
//! }
//!
//! # async fn main_of_the_service() -> Result<(), kitfox::HostError> {
//! Host::new("strings").serve(StringsServer::new(Shouting)).run().await
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # let client = StringsClient::local(Shouting);
//! # let request = UppercaseRequest { text: "fox".to_owned() };
//! # let answer = client.uppercase(&Context::background(), request).await;
//! # assert!(matches!(answer, Ok(UppercaseResponse { text }) if text == "FOX"));
//! # });
//! ```
//!
//! Where to go on:
//! - [`service`], [`macro@message`], [`macro@error`] and [`labels`] are the macros, [`Context`] is what
//!   travels with a call.
//! - [`Host`] is the process: ports, workers, shutdown; [`config`] is what it runs with.
//! - [`Services`] mounts in an application that you already have.
//! - [`Endpoint`], [`Layer`] and [`layer_fn`] are how to wrap every method at once.
//! - [`contract`] is what others make their clients of: `.proto`, OpenAPI, and the lock that keeps it.
//! - [`health`] and [`reflection`] are gRPC's services that a host has of itself.
//! - [`HttpChannel`] is the way of a client to its service, over Connect or gRPC.
//!
//! Every call leaves one record: its series on `/metrics`, its line in the log, its span
//! ([`telemetry`]). User code logs with [`tracing`]; a host makes lines of that, with the trace of the
//! call they belong to, unless the process has a subscriber of its own ([`telemetry::layer`] is for
//! that).

// Code that the macros write says `::kitfox`, here as everywhere.
extern crate self as kitfox;

pub mod config;
pub mod contract;
pub mod health;
mod host;
mod notice;
pub mod otlp;
pub mod reflection;
mod service_channel;
pub mod stack;

pub use host::{
    Ending, Handle, Host, HostError, Outcome, Phase, ReloadError, Reloaded, Running, Services,
    ServicesError,
};
pub use kitfox_core::*;
pub use kitfox_discovery as discovery;
pub use kitfox_macros::{error, labels, message, service};
pub use kitfox_resilience as resilience;
pub use kitfox_telemetry as telemetry;
pub use kitfox_telemetry::Telemetry;
pub use kitfox_telemetry::metrics::{Counter, Gauge, Histogram, Metrics};
pub use kitfox_transport as transport;
pub use kitfox_transport::Compression;
pub use kitfox_transport::client::{
    B3, ChannelError, ChannelLimits, HttpChannel, HttpChannelBuilder, HttpVersion, Protocol,
};
#[cfg(feature = "tls")]
pub use kitfox_transport::tls;
pub use kitfox_transport::wires::Cors;
pub use service_channel::{ServiceChannel, ServiceChannelBuilder, ServiceChannelError};

/// What the macros' code needs; not for people.
#[doc(hidden)]
pub mod __private {
    pub use crate::contract::check_lock;
    pub use kitfox_core::__private::*;
}
