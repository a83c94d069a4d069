//! A family of series: a name, a kind, a unit, and what is bound so far.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::labels::LabelValues;
use super::snapshot::{FamilySnapshot, Kind, Series, Value};
use super::{Counter, Gauge, Histogram, MetricError, lock};

/// The label of the series that has what does not fit.
const OVERFLOW: (&str, &str) = ("otel.metric.overflow", "true");

/// What a family is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) help: String,
    pub(super) unit: &'static str,
    boundaries: Arc<[f64]>,
}

/// The series of one name; a cheap clone of the same.
#[derive(Clone)]
pub struct Family(Arc<Inner>);

struct Inner {
    description: Description,
    limit: usize,
    overflowed: Counter,
    series: Mutex<BTreeMap<LabelValues, Instrument>>,
}

/// What a series is read from.
#[derive(Clone)]
pub(super) enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Histogram(Histogram),
    Read(Arc<dyn Fn() -> f64 + Send + Sync>),
}

impl Description {
    pub(super) fn new(
        kind: Kind,
        name: &str,
        help: &str,
        unit: &'static str,
        boundaries: Option<&[f64]>,
    ) -> Result<Self, MetricError> {
        let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if !begins || !name.bytes().all(goes_on) {
            return Err(MetricError::BadName(name.to_owned()));
        }
        let mut boundaries: Vec<f64> = boundaries.unwrap_or_default().to_vec();
        boundaries.retain(|boundary| boundary.is_finite());
        boundaries.sort_by(f64::total_cmp);
        boundaries.dedup();
        let (name, help) = (name.to_owned(), help.to_owned());
        Ok(Description { kind, name, help, unit, boundaries: boundaries.into() })
    }
}

impl Family {
    pub(super) fn new(description: Description, limit: usize, overflowed: Counter) -> Self {
        let series = Mutex::default();
        Family(Arc::new(Inner { description, limit, overflowed, series }))
    }

    /// A family that nobody reads, since something else has its name.
    #[cold]
    pub(super) fn apart(kind: Kind, name: &str, error: &MetricError) -> Self {
        tracing::error!(%error, "a metric of Kitfox's is not shown");
        let (name, help) = (name.to_owned(), String::new());
        let boundaries = super::names::DURATIONS.into();
        let description = Description { kind, name, help, unit: "", boundaries };
        Family::new(description, usize::MAX, Counter::default())
    }

    pub(super) fn fits(&self, wanted: &Description) -> Result<(), MetricError> {
        let is = &self.0.description;
        if (is.kind, is.unit, &is.boundaries) == (wanted.kind, wanted.unit, &wanted.boundaries) {
            return Ok(());
        }
        let (is, wanted, name) = (is.kind.name(), wanted.kind.name(), is.name.clone());
        Err(MetricError::Taken { name, is, wanted })
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

    pub(super) fn counter_of(&self, labels: LabelValues) -> Counter {
        match self.bind(labels, || Instrument::Counter(Counter::default())) {
            Instrument::Counter(counter) => counter,
            _ => unreachable!("a family has one kind"),
        }
    }

    pub(super) fn gauge_of(&self, labels: LabelValues) -> Gauge {
        match self.bind(labels, || Instrument::Gauge(Gauge::default())) {
            Instrument::Gauge(gauge) => gauge,
            // Something is read there, and what is set is not seen.
            _ => Gauge::default(),
        }
    }

    pub(super) fn histogram_of(&self, labels: LabelValues) -> Histogram {
        let boundaries = || Arc::clone(&self.0.description.boundaries);
        match self.bind(labels, || Instrument::Histogram(Histogram::new(boundaries()))) {
            Instrument::Histogram(histogram) => histogram,
            _ => unreachable!("a family has one kind"),
        }
    }

    /// Shows an instrument that is there already.
    pub(super) fn add(&self, labels: &[(&str, &str)], instrument: Instrument) {
        self.add_owned(LabelValues::from_pairs(labels), instrument);
    }

    pub(super) fn add_owned(&self, labels: LabelValues, instrument: Instrument) {
        lock(&self.0.series).insert(labels, instrument);
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
        let series = lock(&self.0.series).clone();
        let series = series.into_iter().map(|(labels, instrument)| Series {
            labels: labels.into_pairs(),
            value: match instrument {
                Instrument::Counter(counter) => Value::Counter(counter.value()),
                #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
                Instrument::Gauge(gauge) => Value::Gauge(gauge.value() as f64),
                Instrument::Histogram(histogram) => Value::Histogram(histogram.distribution()),
                Instrument::Read(read) => Value::Gauge(read()),
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
