//! What a family is, and what it takes to be one.

use std::fmt;
use std::sync::Arc;

use super::snapshot::Kind;
use super::{MetricError, names, naming};

/// What a family is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Description {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) help: String,
    pub(super) unit: &'static str,
    pub(super) boundaries: Arc<[f64]>,
    /// Of users, whose families have one set of labels.
    labels: Option<&'static [&'static str]>,
}

impl Description {
    /// One of a user's.
    pub(super) fn new(
        kind: Kind,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
    ) -> Result<Self, MetricError> {
        if !naming::is_name(name) {
            return Err(MetricError::BadName(name.to_owned()));
        }
        for (index, label) in labels.iter().enumerate() {
            let twin = |other: &&str| naming::label(kind, other) == naming::label(kind, label);
            if !naming::is_name(label) || *label == "le" || labels[..index].iter().any(twin) {
                let (metric, label) = (name.to_owned(), (*label).to_owned());
                return Err(MetricError::BadLabel { metric, label });
            }
        }
        let (name, help, boundaries) = (name.to_owned(), help.to_owned(), Arc::default());
        Ok(Description { kind, name, help, unit: "", boundaries, labels: Some(labels) })
    }

    /// The same, of values in `unit` and in buckets up to `boundaries`.
    pub(super) fn in_buckets(self, unit: &'static str, boundaries: &[f64]) -> Self {
        let mut boundaries = boundaries.to_vec();
        boundaries.retain(|boundary| boundary.is_finite());
        boundaries.sort_by(f64::total_cmp);
        boundaries.dedup();
        Description { unit, boundaries: boundaries.into(), ..self }
    }

    /// One of Kitfox's own.
    pub(super) fn own(name: &names::Name<'_>) -> Self {
        let names::Name { kind, name, help, unit } = *name;
        let boundaries = if kind == Kind::Histogram { names::DURATIONS } else { &[] };
        let (name, help, boundaries) = (name.to_owned(), help.to_owned(), boundaries.into());
        Description { kind, name, help, unit, boundaries, labels: None }
    }

    /// The name that readers of texts see.
    pub(super) fn shown(&self) -> String {
        naming::family(self.kind, &self.name, self.unit)
    }

    /// Whether `other`, of the same name, is the same.
    pub(super) fn fits(&self, other: &Description) -> bool {
        (self.kind, self.unit, &self.boundaries, self.labels)
            == (other.kind, other.unit, &other.boundaries, other.labels)
    }
}

/// `histogram in s, of kind, region`.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if !self.unit.is_empty() {
            write!(f, " in {}", self.unit)?;
        }
        if self.kind == Kind::Histogram {
            write!(f, " up to {:?}", self.boundaries)?;
        }
        match self.labels {
            None => Ok(()),
            Some([]) => write!(f, " without labels"),
            Some(labels) => write!(f, " by {}", labels.join(", ")),
        }
    }
}
