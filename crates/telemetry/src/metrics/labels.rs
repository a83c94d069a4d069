//! Labels: what tells the series of a family from each other.

use std::fmt;
use std::marker::PhantomData;

use super::family::Family;
use super::{Counter, Gauge, Histogram};

/// A set of labels with their values: a struct under `#[kitfox::labels]`, or `()` for none.
///
/// Each value makes a series, which stays for as long as the process does: a label is for what has few
/// values (a kind, a region), never for an identifier.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of labels",
    note = "put `#[kitfox::labels]` on a struct whose fields can be displayed, or use `()` for a metric without labels"
)]
pub trait Labels {
    /// Gives each label's name and value to `label`, in the order of the fields.
    fn visit(&self, label: &mut dyn FnMut(&'static str, &dyn fmt::Display));
}

impl Labels for () {
    fn visit(&self, _: &mut dyn FnMut(&'static str, &dyn fmt::Display)) {}
}

/// Names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelValues(Vec<(String, String)>);

impl LabelValues {
    /// Those of `labels`.
    pub fn of(labels: &impl Labels) -> Self {
        let mut pairs = Vec::new();
        labels.visit(&mut |name, value| pairs.push((name.to_owned(), value.to_string())));
        LabelValues(pairs)
    }

    pub(super) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        LabelValues(pairs.collect())
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
