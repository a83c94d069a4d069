//! Settings that are replaced while calls run.

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// A value that everybody reads and somebody replaces as a whole. Cloning shares it.
///
/// ```
/// use kitfox_resilience::Live;
///
/// let limit = Live::new(50);
/// let seen_by_a_layer = limit.clone();
/// limit.replace(100);
/// assert_eq!(**seen_by_a_layer.load(), 100);
/// ```
pub struct Live<T>(Arc<ArcSwap<T>>);

impl<T> Live<T> {
    /// The value to begin with.
    #[must_use]
    pub fn new(value: T) -> Self {
        Live(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// The value as it is now. Hold it for one decision, not across an await.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }

    /// The value as it is now, to keep.
    #[must_use]
    pub fn whole(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// From now on this one.
    pub fn replace(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Live(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.0.load()).finish()
    }
}
