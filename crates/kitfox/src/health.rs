//! gRPC's health service, `grpc.health.v1.Health`: what load balancers and probes ask.
//!
//! A [`Host`](crate::Host) serves it by itself, with what `/readyz` on the admin port says: every
//! service of the host is `SERVING` while the host is ready, and `NOT_SERVING` while it starts,
//! while a check fails, and from the moment it is told to shut down. A host that serves an
//! implementation of yours ([`HealthServer`]) leaves it at that.

use std::collections::BTreeMap;

use kitfox_core::{Context, Error, Streaming};

/// Whether services want calls.
#[kitfox::service(package = "grpc.health.v1")]
pub trait Health {
    /// Whether a service wants calls now. One that is not here is `NOT_FOUND`.
    #[endpoint(safe)]
    async fn check(
        &self,
        cx: &Context,
        request: HealthCheckRequest,
    ) -> Result<HealthCheckResponse, Error>;

    /// The same for every service here.
    #[endpoint(safe)]
    async fn list(
        &self,
        cx: &Context,
        request: HealthListRequest,
    ) -> Result<HealthListResponse, Error>;

    /// Whether a service wants calls: now, and each time that changes. One that is not here is
    /// `SERVICE_UNKNOWN`.
    #[endpoint(safe)]
    async fn watch(
        &self,
        cx: &Context,
        request: HealthCheckRequest,
    ) -> Result<Streaming<HealthCheckResponse>, Error>;
}

/// Which service is meant.
#[kitfox::message(package = "grpc.health.v1")]
pub struct HealthCheckRequest {
    /// Its full name, `strings.v1.Strings`; empty for all of them together.
    pub service: String,
}

/// How it is.
#[kitfox::message(package = "grpc.health.v1")]
pub struct HealthCheckResponse {
    /// Whether it wants calls.
    pub status: ServingStatus,
}

/// Nothing to say.
#[kitfox::message(package = "grpc.health.v1")]
pub struct HealthListRequest {}

/// How all are.
#[kitfox::message(package = "grpc.health.v1")]
pub struct HealthListResponse {
    /// By full name; the empty name is all of them together.
    pub statuses: BTreeMap<String, HealthCheckResponse>,
}

/// Whether a service wants calls.
#[kitfox::message(package = "grpc.health.v1", name = "HealthCheckResponse.ServingStatus")]
pub enum ServingStatus {
    /// Nobody knows.
    #[value(name = "UNKNOWN")]
    Undetermined,
    /// It does.
    #[value(name = "SERVING")]
    Serving,
    /// It does not.
    #[value(name = "NOT_SERVING")]
    NotServing,
    /// It is not here.
    #[value(name = "SERVICE_UNKNOWN")]
    ServiceUnknown,
    /// A status of a newer peer.
    #[unknown]
    Unknown(i32),
}
