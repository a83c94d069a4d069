//! The host's own answer to gRPC's health service.

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::{Code, Context, Error, Streaming};
use tokio::time::sleep;

use super::phase::Phase;
use super::readiness::Readiness;
use crate::health::{
    Health, HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
    ServingStatus,
};

/// How often checks are asked for those who watch. A change of phase is told at once.
const INTERVAL: Duration = Duration::from_secs(5);

/// Every service is as ready as the host.
pub(super) struct HostHealth {
    readiness: Arc<Readiness>,
    services: Arc<[String]>,
}

impl HostHealth {
    /// Speaks for `services`, by their full names.
    pub(super) fn new(readiness: Arc<Readiness>, services: Vec<String>) -> Self {
        HostHealth { readiness, services: services.into() }
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.iter().any(|known| known == service)
    }
}

impl Health for HostHealth {
    async fn check(
        &self,
        _: &Context,
        request: HealthCheckRequest,
    ) -> Result<HealthCheckResponse, Error> {
        if !self.knows(&request.service) {
            let why = format!("there is no service `{}` here", request.service);
            return Err(Error::new(Code::NotFound, why));
        }
        Ok(HealthCheckResponse { status: status(&self.readiness).await })
    }

    async fn list(&self, _: &Context, _: HealthListRequest) -> Result<HealthListResponse, Error> {
        let status = status(&self.readiness).await;
        let names = self.services.iter().cloned().chain([String::new()]);
        let statuses = names.map(|name| (name, HealthCheckResponse { status }));
        Ok(HealthListResponse { statuses: statuses.collect() })
    }

    async fn watch(
        &self,
        _: &Context,
        request: HealthCheckRequest,
    ) -> Result<Streaming<HealthCheckResponse>, Error> {
        let readiness = Arc::clone(&self.readiness);
        let is_known = self.knows(&request.service);
        Ok(Streaming::produce(async move |answer| {
            let mut phases = readiness.progress.watch();
            let mut told = None;
            loop {
                let phase = *phases.borrow_and_update();
                let status = match is_known {
                    true => status(&readiness).await,
                    false => ServingStatus::ServiceUnknown,
                };
                if told.replace(status) != Some(status) {
                    answer.send(HealthCheckResponse { status }).await?;
                }
                if phase >= Phase::Finishing {
                    // Whoever watches would keep the host from its end.
                    return Err(Error::new(Code::Unavailable, "the host shuts down"));
                }
                tokio::select! {
                    biased;
                    _ = phases.changed() => {}
                    () = sleep(INTERVAL), if !readiness.checks.is_empty() => {}
                }
            }
        }))
    }
}

async fn status(readiness: &Readiness) -> ServingStatus {
    match readiness.verdict().await.refusal() {
        None => ServingStatus::Serving,
        Some(_) => ServingStatus::NotServing,
    }
}
