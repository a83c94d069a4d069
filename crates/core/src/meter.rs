//! What layers count, and how it gets to whoever shows it.
//!
//! A layer owns its counters and reads or changes them without knowing who else does; the
//! [`Observer`](crate::record::Observer) of the platform where its calls run is given them once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::Context;

/// A number that only grows. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether nobody else shares it: it changes no more.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// A number that grows and shrinks. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Level(Arc<AtomicI64>);

impl Level {
    /// More, or less.
    pub fn add(&self, number: i64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// So many.
    pub fn set(&self, number: i64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// How many now.
    #[must_use]
    pub fn value(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether nobody else shares it: it changes no more.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

/// Something that a layer counts.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Its name, dotted, in lower case: `kitfox.retry.attempts`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What tells it from others of its name: the method, the decision.
    pub labels: Vec<(&'static str, String)>,
    /// The number itself.
    pub reading: Reading,
}

/// The number of a [`Measure`].
#[derive(Clone, Debug)]
pub enum Reading {
    /// It only grows.
    Tally(Tally),
    /// It grows and shrinks.
    Level(Level),
}

/// The measures of a layer, which are told to the first observer that sees a call of it.
#[derive(Debug, Default)]
pub struct Measures {
    all: Vec<Measure>,
    told: AtomicBool,
}

impl Measures {
    /// These.
    #[must_use]
    pub fn new(all: Vec<Measure>) -> Self {
        Measures { all, told: AtomicBool::new(false) }
    }

    /// Tells them to whoever observes the call, if that did not happen yet. For each call: it costs
    /// a look.
    pub fn tell(&self, context: &Context) {
        if !self.told.load(Ordering::Relaxed) {
            self.tell_first(context);
        }
    }

    #[cold]
    fn tell_first(&self, context: &Context) {
        let Some(observer) = context.observer() else { return };
        if !self.told.swap(true, Ordering::Relaxed) {
            for measure in &self.all {
                observer.measure(measure.clone());
            }
        }
    }
}
