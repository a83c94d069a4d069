//! The services that a host has of itself: health and reflection.

use std::sync::Arc;

use kitfox_core::Contract;

use super::health::HostHealth;
use super::readiness::Readiness;
use super::services::Services;
use crate::health::{HealthClient, HealthServer};
use crate::reflection::{Reflection, v1, v1alpha};

/// Adds them, but for those that are there already. A user's layers are around them as around
/// any other.
pub(super) fn add(services: Services, readiness: &Arc<Readiness>, reflection: bool) -> Services {
    let mut contracts = services.contracts();
    let mut services = services;
    let mut is_free = |contract: &'static Contract| {
        let same =
            |known: &&Contract| (known.package, known.name) == (contract.package, contract.name);
        let free = !contracts.iter().any(same);
        if free {
            contracts.push(contract);
        }
        free
    };
    let health = is_free(HealthClient::CONTRACT);
    let newer = reflection && is_free(v1::ServerReflectionClient::CONTRACT);
    let older = reflection && is_free(v1alpha::ServerReflectionClient::CONTRACT);
    if health {
        let names = contracts.iter().map(|it| format!("{}.{}", it.package, it.name)).collect();
        services = services.serve(HealthServer::new(HostHealth::new(Arc::clone(readiness), names)));
    }
    if !newer && !older {
        return services;
    }
    match Reflection::of(&contracts) {
        Ok(reflection) => {
            if newer {
                services = services.serve(v1::ServerReflectionServer::new(reflection.clone()));
            }
            if older {
                services = services.serve(v1alpha::ServerReflectionServer::new(reflection));
            }
        }
        // It can be called as it is, only not described.
        Err(error) => tracing::warn!("there is no reflection, since {error}"),
    }
    services
}
