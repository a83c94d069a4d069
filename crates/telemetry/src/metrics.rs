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

mod description;
mod family;
mod instruments;
mod labels;
pub mod names;
mod naming;
mod openmetrics;
mod pool;
mod prometheus;
mod snapshot;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::meter::{Measure, Reading};
use tokio::time::Instant;

pub use instruments::{Counter, Distribution, Exemplar, Gauge, Histogram};
pub use labels::{Counters, Gauges, Histograms, Labels};
pub use snapshot::{FamilySnapshot, Kind, Series, Snapshot, Value};

use description::Description;
pub(crate) use family::Family;
use labels::LabelValues;

/// Every metric of a host; a cheap clone of the same.
#[derive(Clone)]
pub struct Metrics(Arc<Registry>);

struct Registry {
    families: Mutex<Families>,
    series_limit: usize,
    overflowed: Counter,
    since: Instant,
}

#[derive(Default)]
struct Families {
    by_name: BTreeMap<String, Family>,
    /// The names that readers of texts see, and the families that have them.
    shown: BTreeMap<String, String>,
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
    /// The name of a label is none.
    #[error(
        "`{label}` cannot be a label of `{metric}`: begin with a letter, go on with letters, digits, `_` and `.`; each label once, and none of them `le`"
    )]
    BadLabel {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
    },
    /// There is another of this name.
    #[error(
        "there is a metric `{name}` already, a {is}, and this is a {wanted}: make the two alike, or give one of them another name"
    )]
    Taken {
        /// The name of both.
        name: String,
        /// What it is.
        is: String,
        /// What was wanted.
        wanted: String,
    },
    /// There is another that reads the same.
    #[error(
        "Prometheus would read `{name}` and `{other}` both as `{shown}`: give one of them another name"
    )]
    ReadsTheSame {
        /// The name.
        name: String,
        /// That of the one that is there already.
        other: String,
        /// What a reader sees.
        shown: String,
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
        let (families, overflowed) = (Mutex::default(), Counter::default());
        let since = Instant::now();
        let metrics = Metrics(Arc::new(Registry { families, series_limit, overflowed, since }));
        // Whoever wants one of Kitfox's own names is told so.
        for name in names::ALL {
            metrics.family(name);
        }
        metrics.family(&names::OVERFLOWED).show(&metrics.0.overflowed);
        metrics
    }

    /// A counter for each value of `L`; its name in a form such as `shop.orders`.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn counter<L: Labels>(&self, name: &str, help: &str) -> Result<Counters<L>, MetricError> {
        let description = Description::new(Kind::Counter, name, help, L::NAMES)?;
        Ok(Counters::new(self.register(description)?))
    }

    /// A gauge for each value of `L`.
    ///
    /// # Errors
    /// When the name is none, or something else has it.
    pub fn gauge<L: Labels>(&self, name: &str, help: &str) -> Result<Gauges<L>, MetricError> {
        let description = Description::new(Kind::Gauge, name, help, L::NAMES)?;
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
        let description = Description::new(Kind::Histogram, name, help, L::NAMES)?;
        Ok(Histograms::new(self.register(description.in_buckets(unit, boundaries))?))
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
        let family = self.register(Description::new(Kind::Gauge, name, help, L::NAMES)?)?;
        family.watch(LabelValues::of(labels), move || Value::Gauge(read()));
        Ok(())
    }

    /// One of Kitfox's own families.
    pub(crate) fn family(&self, name: &names::Name<'_>) -> Family {
        let description = Description::own(name);
        self.register(description.clone()).unwrap_or_else(|error| {
            // Of a layer that came when somebody had its name already.
            tracing::error!(%error, "a metric of Kitfox's is not shown");
            Family::new(description, self.0.series_limit, Counter::default())
        })
    }

    /// Shows one of Kitfox's own numbers, read by `read` whenever somebody looks.
    pub(crate) fn watch(
        &self,
        name: &names::Name<'_>,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let counts = name.kind == Kind::Counter;
        #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
        let value = move |number| {
            if counts { Value::Counter(number) } else { Value::Gauge(number as f64) }
        };
        self.family(name).watch(LabelValues::from_pairs(&[]), move || value(read()));
    }

    /// Adds what a layer counts.
    pub(crate) fn measure(&self, measure: &Measure) {
        let Measure { name, help, labels, reading } = measure;
        let kind = match reading {
            Reading::Tally(_) => Kind::Counter,
            Reading::Level(_) => Kind::Gauge,
        };
        let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let family = self.family(&names::Name { kind, name, help, unit: "" });
        family.measure(LabelValues::from_pairs(&labels), reading);
    }

    fn register(&self, description: Description) -> Result<Family, MetricError> {
        let families = &mut *lock(&self.0.families);
        if let Some(family) = families.by_name.get(&description.name) {
            if family.description().fits(&description) {
                return Ok(family.clone());
            }
            let (is, wanted) = (family.description().to_string(), description.to_string());
            return Err(MetricError::Taken { name: description.name, is, wanted });
        }
        let taken = naming::taken(description.kind, &description.shown());
        for shown in &taken {
            if let Some(other) = families.shown.get(shown) {
                let (name, other, shown) = (description.name, other.clone(), shown.clone());
                return Err(MetricError::ReadsTheSame { name, other, shown });
            }
        }
        let name = description.name.clone();
        families.shown.extend(taken.into_iter().map(|shown| (shown, name.clone())));
        let family = Family::new(description, self.0.series_limit, self.0.overflowed.clone());
        families.by_name.insert(name, family.clone());
        Ok(family)
    }

    /// Every metric as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        // Read without the registry's lock: what a gauge reads may take a while.
        let families: Vec<Family> = lock(&self.0.families).by_name.values().cloned().collect();
        let families = families.iter().map(Family::snapshot).collect();
        Snapshot { since: self.0.since, at: Instant::now(), families }
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
        f.debug_struct("Metrics").field("families", &lock(&self.0.families).by_name.len()).finish()
    }
}

#[cfg(test)]
mod tests;
