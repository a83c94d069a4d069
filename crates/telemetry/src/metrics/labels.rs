//! Labels: what tells the series of a family from each other.

use std::fmt;
use std::marker::PhantomData;

use super::family::Family;
use super::{Counter, Gauge, Histogram};

/// A set of labels: a struct under `#[kitfox::labels]`, or `()` for none.
///
/// Each value makes a series, which stays for as long as the process does: a label is for what has few
/// values (a kind, a region), never for an identifier.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of labels",
    label = "not a set of labels",
    note = "put `#[kitfox::labels]` on a struct whose fields can be displayed, or use `()` for a metric without labels"
)]
pub trait Labels {
    /// Their names: letters, digits, `_` and `.`, a letter first.
    const NAMES: &'static [&'static str];

    /// Gives the value of each label to `value`, in the order of [`Labels::NAMES`].
    fn values(&self, value: &mut dyn FnMut(&dyn fmt::Display));
}

impl Labels for () {
    const NAMES: &'static [&'static str] = &[];

    fn values(&self, _: &mut dyn FnMut(&dyn fmt::Display)) {}
}

/// Names and values, by which a family finds a series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LabelValues(Vec<(String, String)>);

impl LabelValues {
    pub(super) fn of<L: Labels>(labels: &L) -> Self {
        let mut names = L::NAMES.iter();
        let mut pairs = Vec::with_capacity(names.len());
        labels.values(&mut |value| {
            if let Some(name) = names.next() {
                pairs.push(((*name).to_owned(), value.to_string()));
            }
        });
        LabelValues::sorted(pairs)
    }

    pub(super) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        LabelValues::sorted(pairs.collect())
    }

    /// The same labels in another order are the same.
    fn sorted(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_unstable();
        LabelValues(pairs)
    }

    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

macro_rules! bound {
    ($many:ident, $one:ident, $bind:ident, $word:literal) => {
        #[doc = concat!("A ", $word, " for each set of labels.")]
        pub struct $many<L> {
            family: Family,
            labels: PhantomData<fn(&L)>,
        }

        impl<L: Labels> $many<L> {
            pub(super) fn new(family: Family) -> Self {
                $many { family, labels: PhantomData }
            }

            #[doc = concat!("The ", $word, " of these labels. Bind it once and keep it: this takes a lock.")]
            #[must_use]
            pub fn with(&self, labels: &L) -> $one {
                self.family.$bind(LabelValues::of(labels))
            }
        }

        impl<L> Clone for $many<L> {
            fn clone(&self) -> Self {
                $many { family: self.family.clone(), labels: PhantomData }
            }
        }

        impl<L> fmt::Debug for $many<L> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.family.fmt(f)
            }
        }
    };
}

bound!(Counters, Counter, counter_of, "counter");
bound!(Gauges, Gauge, gauge_of, "gauge");
bound!(Histograms, Histogram, histogram_of, "histogram");
