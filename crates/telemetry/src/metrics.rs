//! Metrics: instruments that are bound before they are used, and one snapshot for every reader.
//!
//! A family is a name, a kind and a unit; a series is one set of labels in it. Binding a series takes
//! a lock and happens at start, or when something happens for the first time; using it takes none.
//!
//! ```
//! use kitfox_telemetry::metrics::Metrics;
//!
//! # fn main() -> Result<(), kitfox_telemetry::metrics::MetricError> {
//! let metrics = Metrics::new();
//! let orders = metrics.counter::<()>("shop.orders", "Orders that were placed.")?.with(&());
//! orders.increment();
//! assert!(metrics.prometheus().contains("shop_orders_total 1"));
//! # Ok(())
//! # }
//! ```

mod family;
mod instruments;
mod labels;
pub mod names;
mod openmetrics;
mod prometheus;
mod snapshot;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::meter::{Measure, Reading};

pub use family::Family;
pub use instruments::{Counter, Distribution, Exemplar, Gauge, Histogram};
pub use labels::{Counters, Gauges, Histograms, LabelValues, Labels};
pub use snapshot::{FamilySnapshot, Kind, Series, Snapshot, Value};

use family::{Description, Instrument};

/// Every metric of a host; a cheap clone of the same.
#[derive(Clone)]
pub struct Metrics(Arc<Registry>);

struct Registry {
    families: Mutex<BTreeMap<String, Family>>,
    series_limit: usize,
    overflowed: Counter,
}

/// A metric that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The name is none.
    #[error(
        "`{0}` is no name of a metric: begin with a letter, go on with letters, digits, `_` and `.`"
    )]
    BadName(String),
    /// There is another of this name.
    #[error(
        "there is a metric `{name}` already, and it is a {is} with another meaning than this {wanted}: give one of the two another name"
    )]
    Taken {
        /// The name of both.
        name: String,
        /// What it is.
        is: &'static str,
        /// What was wanted.
        wanted: &'static str,
    },
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// How many series a family has at most, unless [`Metrics::with_series_limit`] says otherwise.
    pub const SERIES_LIMIT: usize = 1000;

    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Metrics::with_series_limit(Metrics::SERIES_LIMIT)
    }

    /// None yet, and at most so many series in a family. What would be another one is counted in a
    /// series with the label `otel.metric.overflow`, as OpenTelemetry says, and in
    /// `kitfox.metrics.overflowed`.
    #[must_use]
    pub fn with_series_limit(series_limit: usize) -> Self {
        let families = Mutex::new(BTreeMap::new());
        let overflowed = Counter::default();
        let metrics = Metrics(Arc::new(Registry { families, series_limit, overflowed }));
        let family = metrics.family(Kind::Counter, &names::OVERFLOWED);
        family.add(&[], Instrument::Counter(metrics.0.overflowed.clone()));
        metrics
    }

    /// A counter for each value of `L`; its name in a form such as `shop.orders`.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn counter<L: Labels>(&self, name: &str, help: &str) -> Result<Counters<L>, MetricError> {
        let description = Description::new(Kind::Counter, name, help, "", None)?;
        Ok(Counters::new(self.register(description)?))
    }

    /// A gauge for each value of `L`.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn gauge<L: Labels>(&self, name: &str, help: &str) -> Result<Gauges<L>, MetricError> {
        let description = Description::new(Kind::Gauge, name, help, "", None)?;
        Ok(Gauges::new(self.register(description)?))
    }

    /// A histogram for each value of `L`, in `unit` (`s`, `By`, or nothing), with the upper
    /// boundaries of its buckets.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn histogram<L: Labels>(
        &self,
        name: &str,
        help: &str,
        unit: &'static str,
        boundaries: &[f64],
    ) -> Result<Histograms<L>, MetricError> {
        let boundaries = Some(boundaries);
        let description = Description::new(Kind::Histogram, name, help, unit, boundaries)?;
        Ok(Histograms::new(self.register(description)?))
    }

    /// A gauge that is read by `read` whenever somebody looks.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn observe<L: Labels>(
        &self,
        name: &str,
        help: &str,
        labels: &L,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), MetricError> {
        let description = Description::new(Kind::Gauge, name, help, "", None)?;
        let family = self.register(description)?;
        family.add_owned(LabelValues::of(labels), Instrument::Read(Arc::new(read)));
        Ok(())
    }

    /// One of Kitfox's own families.
    pub(crate) fn family(&self, kind: Kind, name: &names::Name<'_>) -> Family {
        let names::Name { name, help, unit } = *name;
        let boundaries = (kind == Kind::Histogram).then_some(names::DURATIONS);
        let description = Description::new(kind, name, help, unit, boundaries);
        let family = description.and_then(|description| self.register(description));
        // A user who takes one of Kitfox's names is told when it matters: at start.
        family.unwrap_or_else(|error| Family::apart(kind, name, &error))
    }

    /// Shows one of Kitfox's own numbers, read by `read` whenever somebody looks.
    pub(crate) fn watch(
        &self,
        name: &names::Name<'_>,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.family(Kind::Gauge, name).add(&[], Instrument::Read(Arc::new(read)));
    }

    /// What a layer counts.
    pub(crate) fn measure(&self, measure: &Measure) {
        let Measure { name, help, labels, reading } = measure;
        let (kind, instrument) = match reading {
            Reading::Tally(tally) => (Kind::Counter, Instrument::Counter(Counter(tally.clone()))),
            Reading::Level(level) => (Kind::Gauge, Instrument::Gauge(Gauge(level.clone()))),
        };
        let family = self.family(kind, &names::Name { name, help, unit: "" });
        let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        family.add(&labels, instrument);
    }

    fn register(&self, description: Description) -> Result<Family, MetricError> {
        let mut families = lock(&self.0.families);
        if let Some(family) = families.get(&description.name) {
            family.fits(&description)?;
            return Ok(family.clone());
        }
        let name = description.name.clone();
        let family = Family::new(description, self.0.series_limit, self.0.overflowed.clone());
        families.insert(name, family.clone());
        Ok(family)
    }

    /// Every metric as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        // Read without the registry's lock: what a gauge reads may take a while.
        let families: Vec<Family> = lock(&self.0.families).values().cloned().collect();
        Snapshot { families: families.iter().map(Family::snapshot).collect() }
    }

    /// Every metric as Prometheus reads it: the text format, version 0.0.4.
    #[must_use]
    pub fn prometheus(&self) -> String {
        prometheus::text(&self.snapshot())
    }

    /// Every metric as OpenMetrics 1.0, which has exemplars.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        openmetrics::text(&self.snapshot())
    }
}

impl Snapshot {
    /// As Prometheus reads it: the text format, version 0.0.4.
    #[must_use]
    pub fn prometheus(&self) -> String {
        prometheus::text(self)
    }

    /// As OpenMetrics 1.0.
    #[must_use]
    pub fn openmetrics(&self) -> String {
        openmetrics::text(self)
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds it can panic halfway.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("families", &lock(&self.0.families).len()).finish()
    }
}

#[cfg(test)]
mod tests;
