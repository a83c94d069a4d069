//! Names of headers that no standard crate names, as both ends of a call use them.

use http::HeaderName;

pub(crate) static ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
pub(crate) static GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(crate) static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) static GRPC_STATUS_DETAILS: HeaderName =
    HeaderName::from_static("grpc-status-details-bin");

/// Milliseconds to wait before trying again; 0 is at once, -1 says that nobody above may. From
/// gRPC's retry design (A6), in the trailers there; on the other wires it is a header.
pub(crate) static RETRY_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// How messages are compressed on gRPC, and how the other end may do it.
pub(crate) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(crate) const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// How messages are compressed in Connect's streams, and how the other end may do it.
pub(crate) const CONNECT_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
pub(crate) const CONNECT_ACCEPT_ENCODING: HeaderName =
    HeaderName::from_static("connect-accept-encoding");

/// The version of Connect's protocol, 1.
pub(crate) const CONNECT_VERSION: &str = "connect-protocol-version";

/// How long the caller waits, in gRPC's form.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

/// How long the caller waits, in milliseconds; on Connect and REST.
pub(crate) const CONNECT_TIMEOUT: &str = "connect-timeout-ms";

/// What the call is worth: the name of a `Criticality`.
pub(crate) const CRITICALITY: &str = "kitfox-criticality";

/// How often the call was tried before.
pub(crate) const PREVIOUS_ATTEMPTS: &str = "grpc-previous-rpc-attempts";
