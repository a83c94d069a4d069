//! Telemetry as it leaves: what a collector gets to see of calls, of their log and of their metrics.

mod attempts;
mod b3;
pub(crate) mod collector;
mod export;
mod layers;
pub(crate) mod model;
mod tree;

use kitfox::telemetry::otlp::{Export, ExportSettings, Resource};
use kitfox::telemetry::{Telemetry, TelemetrySettings};
use kitfox::{Context, Incoming, Platform};

use collector::Collected;

/// Telemetry of the service `name` that goes to `collected`, and records this share of the traces that
/// begin there.
fn telemetry(name: &str, sample: f64, platform: &Platform, collected: &Collected) -> Telemetry {
    let settings = ExportSettings::new(Resource::new(name, platform.random()));
    let telemetry = Telemetry::new(TelemetrySettings {
        sample,
        export: Some(Export::new(settings, collected.clone())),
        ..TelemetrySettings::default()
    });
    telemetry.logs().listen();
    telemetry
}

/// The context of work on `platform`.
pub(crate) fn work(platform: &Platform) -> Context {
    Context::incoming(Incoming { platform: Some(platform.clone()), ..Incoming::default() })
}
