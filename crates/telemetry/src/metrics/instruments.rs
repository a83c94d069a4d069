//! Counters, gauges and histograms: handles on atomics, without a lock on their way.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kitfox_core::meter::{Level, Tally};
use kitfox_core::{Context, TraceContext};
use tokio::time::Instant;

/// A number that only grows: `requests`, `bytes sent`. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Counter(pub(super) Tally);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.0.increment();
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.add(number);
    }

    /// How many so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.value()
    }
}

/// A number that grows and shrinks: `calls in flight`, `length of a queue`. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Gauge(pub(super) Level);

impl Gauge {
    /// So many more.
    pub fn add(&self, number: i64) {
        self.0.add(number);
    }

    /// So many fewer.
    pub fn subtract(&self, number: i64) {
        self.0.add(-number);
    }

    /// So many now.
    pub fn set(&self, number: i64) {
        self.0.set(number);
    }

    /// How many now.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.value()
    }
}

/// How values are distributed: durations, sizes. Cloning shares it.
#[derive(Clone)]
pub struct Histogram(Arc<Buckets>);

struct Buckets {
    boundaries: Arc<[f64]>,
    /// Where to look for a value, by its exponent: how many boundaries have a smaller one.
    below: Box<[u16; EXPONENTS + 1]>,
    /// One more than there are boundaries.
    counts: Box<[AtomicU64]>,
    /// The bits of a float.
    sum: AtomicU64,
    exemplars: Mutex<Vec<Option<Exemplar>>>,
}

/// A call that is an example of a histogram's bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// Its span.
    pub span_id: [u8; 8],
    /// What was recorded.
    pub value: f64,
    /// When, in nanoseconds since the beginning of 1970.
    pub unix_nanos: u64,
}

/// What a histogram holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The upper boundaries of the buckets, inclusive; the last bucket has none.
    pub boundaries: Arc<[f64]>,
    /// How many values each bucket has: one number more than there are boundaries.
    pub counts: Vec<u64>,
    /// The values together.
    pub sum: f64,
    /// An example for each bucket that has one, in the order of the buckets.
    pub exemplars: Vec<Option<Exemplar>>,
}

/// How many exponents are told apart: from 2^-31 up to 2^31, and what is below and above.
const EXPONENTS: usize = 64;

/// The place of a value's power of two among the exponents. What is not positive comes first.
#[inline]
fn exponent(value: f64) -> usize {
    // The bits of a float: sign, 11 for the exponent, 52. As a number, negative ones are below.
    #[expect(clippy::cast_possible_wrap, reason = "the sign is the sign")]
    let exponent = (value.to_bits() as i64 >> 52) - 1023;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 63")]
    let place = (exponent + 32).clamp(0, EXPONENTS as i64 - 1) as usize;
    place
}

/// For each exponent, how many boundaries have a smaller one.
fn below(boundaries: &[f64]) -> Box<[u16; EXPONENTS + 1]> {
    let mut below = Box::new([0_u16; EXPONENTS + 1]);
    for (place, number) in below.iter_mut().enumerate() {
        let smaller = boundaries.partition_point(|boundary| exponent(*boundary) < place);
        *number = u16::try_from(smaller).unwrap_or(u16::MAX);
    }
    below
}

impl Histogram {
    pub(super) fn new(boundaries: Arc<[f64]>) -> Self {
        let buckets = boundaries.len() + 1;
        Histogram(Arc::new(Buckets {
            below: below(&boundaries),
            boundaries,
            counts: std::iter::repeat_with(AtomicU64::default).take(buckets).collect(),
            sum: AtomicU64::new(0.0_f64.to_bits()),
            exemplars: Mutex::new(vec![None; buckets]),
        }))
    }

    /// Adds a value. One that is no number is passed over; of an infinite one the sum knows nothing, as
    /// OpenTelemetry says, for it would be infinite ever after.
    pub fn record(&self, value: f64) {
        self.add(value);
    }

    /// Adds a value that was measured in a call. Where the call's trace is recorded it becomes the
    /// example of its bucket, by which a reader of the histogram finds the trace.
    pub fn record_in(&self, context: &Context, value: f64) {
        match context.trace() {
            Some(trace) if trace.sampled() => {
                self.record_with(value, &trace, context.clock().unix_nanos(Instant::now()));
            }
            _ => self.record(value),
        }
    }

    /// Adds a duration, in seconds.
    pub fn record_duration(&self, duration: Duration) {
        self.add(duration.as_secs_f64());
    }

    /// Adds a value whose call is traced, as the example of its bucket. Where somebody reads the
    /// examples at the moment, the older one stays.
    pub fn record_with(&self, value: f64, trace: &TraceContext, unix_nanos: u64) {
        let Some(bucket) = self.add(value) else { return };
        let TraceContext { trace_id, span_id, .. } = *trace;
        if let Ok(mut exemplars) = self.0.exemplars.try_lock() {
            exemplars[bucket] = Some(Exemplar { trace_id, span_id, value, unix_nanos });
        }
    }

    #[inline]
    fn add(&self, value: f64) -> Option<usize> {
        if !value.is_finite() {
            return self.add_infinite(value);
        }
        let Buckets { boundaries, below, counts, sum, .. } = &*self.0;
        let place = exponent(value);
        let (from, to) = (usize::from(below[place]), usize::from(below[place + 1]));
        let bucket = from + boundaries[from..to].partition_point(|boundary| *boundary < value);
        counts[bucket].fetch_add(1, Ordering::Relaxed);
        let mut old = sum.load(Ordering::Relaxed);
        loop {
            let new = (f64::from_bits(old) + value).to_bits();
            match sum.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(bucket),
                Err(newer) => old = newer,
            }
        }
    }

    #[cold]
    fn add_infinite(&self, value: f64) -> Option<usize> {
        let Buckets { boundaries, counts, .. } = &*self.0;
        let bucket = boundaries.partition_point(|boundary| *boundary < value);
        (!value.is_nan()).then(|| {
            counts[bucket].fetch_add(1, Ordering::Relaxed);
            bucket
        })
    }

    /// What it holds now.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        let Buckets { boundaries, counts, sum, exemplars, .. } = &*self.0;
        Distribution {
            boundaries: Arc::clone(boundaries),
            counts: counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: f64::from_bits(sum.load(Ordering::Relaxed)),
            // Nothing that holds it can panic halfway.
            exemplars: exemplars.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Distribution {
    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("count", &self.distribution().count()).finish()
    }
}
