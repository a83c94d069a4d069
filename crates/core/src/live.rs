//! Settings that are replaced while calls run.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
pub const LOOK: u64 = u64::MAX;

/// Settings of several layers that are replaced together. Cloning shares it.
///
/// Each [`Live`] of it has two places. What comes next is prepared in the one that nobody reads, and then
/// a single store says of all of them that it is the other one from now on.
///
/// ```
/// # use kitfox_core::live::{Glance, Group};
/// # #[derive(Clone, Copy, Debug, PartialEq)]
/// # struct Attempts(u32);
/// # impl Glance for Attempts {}
/// let group = Group::default();
/// let (reads, writes) = (group.live(Attempts(3)), group.live(Attempts(1)));
/// group.replace(|| {
///     reads.prepare(Attempts(5));
///     writes.prepare(Attempts(2));
///     assert_eq!((**reads.load(), **writes.load()), (Attempts(3), Attempts(1)));
/// });
/// assert_eq!((**reads.load(), **writes.load()), (Attempts(5), Attempts(2)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Group(Arc<Turn>);

#[derive(Debug, Default)]
struct Turn {
    /// The place that is read: the lowest bit.
    place: AtomicUsize,
    /// One after the other.
    replacing: Mutex<()>,
}

impl Group {
    /// One of the group, with the value to begin with.
    #[must_use]
    pub fn live<T: Glance>(&self, value: T) -> Live<T> {
        let words = value.glance();
        let value = Arc::new(value);
        let place =
            || Place { words: words.map(AtomicU64::new), whole: ArcSwap::new(Arc::clone(&value)) };
        let (group, places) = (self.clone(), [place(), place()]);
        Live(Arc::new(Inner { group, places, alone: Mutex::default() }))
    }

    /// From now on what `prepare` has prepared: that must be each of the group, by [`Live::prepare`] or
    /// [`Live::keep`]. What it gives is dropped, or goes on, afterwards.
    pub fn replace<R>(&self, prepare: impl FnOnce() -> R) -> R {
        let _one = self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared = prepare();
        self.0.place.fetch_xor(1, Ordering::Release);
        prepared
    }

    fn place(&self) -> usize {
        self.0.place.load(Ordering::Acquire) & 1
    }
}

/// Settings that every layer reads and somebody replaces as a whole. Cloning shares them.
///
/// ```
/// # use kitfox_core::live::{Glance, Live};
/// # #[derive(Debug, PartialEq)]
/// # struct Attempts(u32);
/// # impl Glance for Attempts {}
/// let attempts = Live::new(Attempts(3));
/// let seen_by_a_layer = attempts.clone();
/// attempts.replace(Attempts(1));
/// assert_eq!(**seen_by_a_layer.load(), Attempts(1));
/// ```
pub struct Live<T>(Arc<Inner<T>>);

struct Inner<T> {
    group: Group,
    places: [Place<T>; 2],
    /// Where it is replaced alone, one after the other.
    alone: Mutex<()>,
}

struct Place<T> {
    words: [AtomicU64; 2],
    whole: ArcSwap<T>,
}

impl<T: Glance> Live<T> {
    /// The value to begin with, of a group of its own.
    #[must_use]
    pub fn new(value: T) -> Self {
        Group::default().live(value)
    }

    /// From now on this one, whatever the others of its group are. Where its group is replaced meanwhile,
    /// not after it was prepared for that.
    pub fn replace(&self, value: T) {
        let value = Arc::new(value);
        let _one = self.0.alone.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.places.iter().for_each(|place| place.set(&value));
    }

    /// The value that [`Group::replace`] puts in force.
    pub fn prepare(&self, value: T) {
        self.unread().set(&Arc::new(value));
    }

    /// It stays as it is when [`Group::replace`] puts others in force.
    pub fn keep(&self) {
        self.unread().set(&self.whole());
    }

    fn unread(&self) -> &Place<T> {
        &self.0.places[self.0.group.place() ^ 1]
    }
}

impl<T: Glance> Place<T> {
    fn set(&self, value: &Arc<T>) {
        self.whole.store(Arc::clone(value));
        for (word, new) in self.words.iter().zip(value.glance()) {
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
    #[inline]
    pub fn load(&self) -> Guard<Arc<T>> {
        self.read().whole.load()
    }

    /// The value as it is now, to keep.
    #[must_use]
    pub fn whole(&self) -> Arc<T> {
        self.read().whole.load_full()
    }

    /// The words of the [`Glance`].
    #[must_use]
    #[inline]
    pub fn words(&self) -> [u64; 2] {
        let words = &self.read().words;
        [words[0].load(Ordering::Relaxed), words[1].load(Ordering::Relaxed)]
    }

    /// The first of them.
    #[must_use]
    #[inline]
    pub fn word(&self) -> u64 {
        self.read().words[0].load(Ordering::Relaxed)
    }

    #[inline]
    fn read(&self) -> &Place<T> {
        &self.0.places[self.0.group.place()]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Number(u64);

    impl Glance for Number {
        fn glance(&self) -> [u64; 2] {
            [self.0, self.0 + 1]
        }
    }

    fn seen(live: &Live<Number>) -> (u64, u64, u64) {
        let [one, other] = live.words();
        assert_eq!(live.word(), one);
        (live.load().0, one, other)
    }

    #[test]
    fn those_of_a_group_are_replaced_at_once_and_one_alone_whenever_it_is() {
        let group = Group::default();
        let (one, other) = (group.live(Number(1)), group.live(Number(10)));
        for round in 2..5 {
            group.replace(|| {
                one.prepare(Number(round));
                other.keep();
                assert_eq!(
                    (seen(&one), seen(&other)),
                    ((round - 1, round - 1, round), (10, 10, 11))
                );
            });
            assert_eq!((seen(&one), seen(&other)), ((round, round, round + 1), (10, 10, 11)));
        }
        other.replace(Number(20));
        assert_eq!(seen(&other), (20, 20, 21));
        group.replace(|| [&one, &other].map(Live::keep));
        assert_eq!((seen(&one), seen(&other)), ((4, 4, 5), (20, 20, 21)));
    }
}
