//! What layers count, and how it gets to whoever shows it.
//!
//! A layer owns its counters and reads or changes them without knowing who else does; the
//! [`Observer`](crate::record::Observer) of the platform where its calls run is given them once.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::{Context, Method};

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

/// What a layer belongs to: a stack, and where a method has a layer of its own in it, that method. Its
/// labels tell what the layer counts from what others of its kind count in the same host.
///
/// ```
/// use kitfox_core::meter::Owner;
///
/// let payments = Owner::stack("clients.payments");
/// assert_eq!(payments.labels(), [("stack", "clients.payments".to_owned())]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(Vec<(&'static str, String)>);

impl Owner {
    /// A stack, by the name by which it is shown and set: `server`, `clients.payments`.
    #[must_use]
    pub fn stack(name: impl Into<String>) -> Self {
        Owner(vec![("stack", name.into())])
    }

    /// What `method` has of its own there.
    #[must_use]
    pub fn method(&self, method: &Method) -> Self {
        // As the record of its calls names it.
        self.and("rpc.method", method.path.trim_start_matches('/'))
    }

    /// The layer at this place there, where there are several of a kind.
    #[must_use]
    pub fn layer(&self, place: &str) -> Self {
        self.and("layer", place)
    }

    fn and(&self, name: &'static str, value: &str) -> Self {
        let mut labels = self.0.clone();
        labels.push((name, value.to_owned()));
        Owner(labels)
    }

    /// What each measure of the layer is labelled with.
    #[must_use]
    pub fn labels(&self) -> &[(&'static str, String)] {
        &self.0
    }
}

/// The measures of a layer, which are told to the first observer that sees a call of it.
#[derive(Debug, Default)]
pub struct Measures {
    all: Vec<Measure>,
    owner: OnceLock<Owner>,
    told: AtomicBool,
}

impl Measures {
    /// These.
    #[must_use]
    pub fn new(all: Vec<Measure>) -> Self {
        Measures { all, ..Measures::default() }
    }

    /// Says what they belong to; who says so first is right. In time before the first call.
    pub fn belong(&self, owner: &Owner) {
        let _first = self.owner.set(owner.clone());
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
            let owner = self.owner.get().map_or(&[][..], Owner::labels);
            for measure in &self.all {
                let mut measure = measure.clone();
                measure.labels.extend_from_slice(owner);
                observer.measure(measure);
            }
        }
    }
}
