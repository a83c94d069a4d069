//! A family of series: a name, a kind, a unit, and what is bound so far.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use kitfox_core::meter::Reading;

use super::description::Description;
use super::labels::LabelValues;
use super::pool::Pool;
use super::snapshot::{FamilySnapshot, Series, Value};
use super::{Counter, Gauge, Histogram, lock};

/// The label of the series that has what does not fit.
const OVERFLOW: (&str, &str) = ("otel.metric.overflow", "true");

/// The series of one name; a cheap clone of the same.
#[derive(Clone)]
pub(crate) struct Family(Arc<Inner>);

struct Inner {
    description: Description,
    limit: usize,
    overflowed: Counter,
    series: Mutex<BTreeMap<LabelValues, Instrument>>,
}

/// What a series is read from.
#[derive(Clone)]
enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
    /// Something else tells.
    Read(Arc<dyn Fn() -> Value + Send + Sync>),
    /// Several layers count, each for itself.
    Pool(Arc<Mutex<Pool>>),
}

impl Family {
    pub(super) fn new(description: Description, limit: usize, overflowed: Counter) -> Self {
        let series = Mutex::default();
        Family(Arc::new(Inner { description, limit, overflowed, series }))
    }

    pub(super) fn description(&self) -> &Description {
        &self.0.description
    }

    /// The counter with these labels.
    pub(crate) fn counter(&self, labels: &[(&str, &str)]) -> Counter {
        self.counter_of(LabelValues::from_pairs(labels))
    }

    /// The gauge with these labels.
    pub(crate) fn gauge(&self, labels: &[(&str, &str)]) -> Gauge {
        self.gauge_of(LabelValues::from_pairs(labels))
    }

    /// The histogram with these labels.
    pub(crate) fn histogram(&self, labels: &[(&str, &str)]) -> Histogram {
        self.histogram_of(LabelValues::from_pairs(labels))
    }

    // What is bound where something else is read is a handle that nobody sees.

    pub(super) fn counter_of(&self, labels: LabelValues) -> Counter {
        match self.bind(labels, || Instrument::Counter(Counter::default())) {
            Instrument::Counter(counter) => counter,
            _ => Counter::default(),
        }
    }

    pub(super) fn gauge_of(&self, labels: LabelValues) -> Gauge {
        match self.bind(labels, || Instrument::Gauge(Gauge::default())) {
            Instrument::Gauge(gauge) => gauge,
            _ => Gauge::default(),
        }
    }

    pub(super) fn histogram_of(&self, labels: LabelValues) -> Histogram {
        let make = || Histogram::new(Arc::clone(&self.0.description.boundaries));
        match self.bind(labels, || Instrument::Histogram(make())) {
            Instrument::Histogram(histogram) => histogram,
            _ => make(),
        }
    }

    /// Shows a counter that is there already.
    pub(super) fn show(&self, counter: &Counter) {
        let labels = LabelValues::from_pairs(&[]);
        self.bind(labels, || Instrument::Counter(counter.clone()));
    }

    /// Shows what `read` says. Where there is a series of these labels it has its place; where there
    /// is no room for another it is not shown, and counted.
    pub(super) fn watch(
        &self,
        labels: LabelValues,
        read: impl Fn() -> Value + Send + Sync + 'static,
    ) {
        let read = Instrument::Read(Arc::new(read));
        let mut series = lock(&self.0.series);
        if series.len() < self.0.limit || series.contains_key(&labels) {
            series.insert(labels, read);
        } else {
            self.0.overflowed.increment();
        }
    }

    /// Adds what a layer counts to the others of its labels.
    pub(super) fn measure(&self, labels: LabelValues, reading: &Reading) {
        if let Instrument::Pool(pool) = self.bind(labels, || Instrument::Pool(Arc::default())) {
            lock(&pool).add(reading.clone());
        }
    }

    fn bind(&self, labels: LabelValues, make: impl FnOnce() -> Instrument) -> Instrument {
        let mut series = lock(&self.0.series);
        if let Some(instrument) = series.get(&labels) {
            return instrument.clone();
        }
        let mut labels = labels;
        if series.len() >= self.0.limit {
            self.0.overflowed.increment();
            labels = LabelValues::from_pairs(&[OVERFLOW]);
        }
        series.entry(labels).or_insert_with(make).clone()
    }

    pub(super) fn snapshot(&self) -> FamilySnapshot {
        let Description { kind, name, help, unit, .. } = &self.0.description;
        // Read without the lock: what is read may take a while.
        let series = lock(&self.0.series).clone();
        let series = series.into_iter().map(|(labels, instrument)| Series {
            labels: labels.into_pairs(),
            value: match instrument {
                Instrument::Counter(counter) => Value::Counter(counter.value()),
                #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
                Instrument::Gauge(gauge) => Value::Gauge(gauge.value() as f64),
                Instrument::Histogram(histogram) => Value::Histogram(histogram.distribution()),
                Instrument::Read(read) => read(),
                Instrument::Pool(pool) => lock(&pool).value(*kind),
            },
        });
        let series = series.collect();
        FamilySnapshot { kind: *kind, name: name.clone(), help: help.clone(), unit, series }
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.0.description.name).finish_non_exhaustive()
    }
}
