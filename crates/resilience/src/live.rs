//! Settings that are replaced while calls run.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

/// What nearly all calls need to know of settings, in a word or two, so that they read no more.
pub trait Glance {
    /// The words. What they mean is the layer's own; for one that always looks closer, nothing.
    fn glance(&self) -> [u64; 2] {
        [0; 2]
    }
}

/// A word that says: the settings have to be looked at.
pub(crate) const LOOK: u64 = u64::MAX;

/// Settings that every layer reads and somebody replaces as a whole. Cloning shares them.
///
/// ```
/// use kitfox_resilience::{Live, Mode, RetrySettings};
///
/// let retry = Live::new(RetrySettings::default());
/// let seen_by_a_layer = retry.clone();
/// retry.replace(RetrySettings { mode: Mode::Off, ..RetrySettings::default() });
/// assert_eq!(seen_by_a_layer.load().mode, Mode::Off);
/// ```
pub struct Live<T>(Arc<Inner<T>>);

struct Inner<T> {
    /// Replaced after the whole, apart from it: a call that begins meanwhile may be of either.
    glance: [AtomicU64; 2],
    whole: ArcSwap<T>,
    /// One after the other, so that the last whole has the last glance.
    replacing: Mutex<()>,
}

impl<T: Glance> Live<T> {
    /// The value to begin with.
    #[must_use]
    pub fn new(value: T) -> Self {
        let glance = value.glance().map(AtomicU64::new);
        let (whole, replacing) = (ArcSwap::from_pointee(value), Mutex::default());
        Live(Arc::new(Inner { glance, whole, replacing }))
    }

    /// From now on this one.
    pub fn replace(&self, value: T) {
        let glance = value.glance();
        let _one = self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.whole.store(Arc::new(value));
        for (word, new) in self.0.glance.iter().zip(glance) {
            word.store(new, Ordering::Relaxed);
        }
    }
}

impl<T: Glance + Default> Default for Live<T> {
    fn default() -> Self {
        Live::new(T::default())
    }
}

impl<T> Live<T> {
    /// The value as it is now. Hold it for one decision, not across an await.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.whole.load()
    }

    /// The value as it is now, to keep.
    #[must_use]
    pub fn whole(&self) -> Arc<T> {
        self.0.whole.load_full()
    }

    /// The first word of the [`Glance`].
    pub(crate) fn first(&self) -> u64 {
        self.0.glance[0].load(Ordering::Relaxed)
    }

    /// The second one.
    pub(crate) fn second(&self) -> u64 {
        self.0.glance[1].load(Ordering::Relaxed)
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Live(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.load()).finish()
    }
}
