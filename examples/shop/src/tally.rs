//! What customers see, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox::Code;
use shop_storefront::StorefrontError;

/// What the columns of a [`Second`] mean.
pub const HEADER: &str =
    "second   ended by REST      ok refused  failed   again     p50     p99  why";

/// How a visitor comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// As services call each other.
    Grpc,
    /// As browsers do.
    Rest,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the customer wanted.
    Ok,
    /// With an answer that is none of their liking: sold out, declined, no such order.
    Refused,
    /// Without an answer: what was wanted, and the code.
    Failed(&'static str, Code),
}

impl Outcome {
    /// What a call came to that was to do `what`.
    pub fn of<T>(what: &'static str, outcome: &Result<T, StorefrontError>) -> Self {
        match outcome {
            Ok(_) => Outcome::Ok,
            Err(StorefrontError::Call(error)) => Outcome::Failed(what, error.code()),
            Err(StorefrontError::NotNow { .. }) => Outcome::Failed(what, Code::Unavailable),
            Err(_) => Outcome::Refused,
        }
    }
}

/// Counts what happens, until somebody takes it.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Second>);

/// What happened since the last time somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Second {
    /// Visits that came by REST.
    pub by_rest: u64,
    /// Visits that ended as the customer wanted.
    pub ok: u64,
    /// Visits that ended with an answer of another kind.
    pub refused: u64,
    /// Visits that got none, by what was wanted and the code.
    pub failed: BTreeMap<(&'static str, &'static str), u64>,
    /// Attempts that were made since the first one failed.
    pub again: u64,
    /// Visits that did not take place, since too many wait already.
    pub turned_away: u64,
    /// How long the others took.
    pub took: Vec<Duration>,
}

impl Tally {
    /// Counts a visit.
    pub fn add(&self, by: By, outcome: Outcome, took: Duration) {
        let mut second = self.second();
        second.by_rest += u64::from(by == By::Rest);
        match outcome {
            Outcome::Ok => second.ok += 1,
            Outcome::Refused => second.refused += 1,
            Outcome::Failed(what, code) => {
                *second.failed.entry((what, code.name())).or_default() += 1;
            }
        }
        second.took.push(took);
    }

    /// Counts an attempt that is not the first.
    pub fn again(&self) {
        self.second().again += 1;
    }

    /// Counts a visit that did not take place.
    pub fn turned_away(&self) {
        self.second().turned_away += 1;
    }

    /// What happened since the last time.
    pub fn take(&self) -> Second {
        std::mem::take(&mut *self.second())
    }

    fn second(&self) -> MutexGuard<'_, Second> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Second {
    /// How many got no answer.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Adds another second.
    pub fn absorb(&mut self, other: Second) {
        self.by_rest += other.by_rest;
        self.ok += other.ok;
        self.refused += other.refused;
        self.again += other.again;
        self.turned_away += other.turned_away;
        for (what, count) in other.failed {
            *self.failed.entry(what).or_default() += count;
        }
        self.took.extend(other.took);
    }

    /// How long at most all visits took, but for one in `left_out`.
    #[must_use]
    pub fn all_but_one_in(&self, left_out: usize) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let rank = took.len() - took.len() / left_out.max(1);
        took.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// A line of the table under [`HEADER`].
impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |left_out| self.all_but_one_in(left_out).as_secs_f64() * 1e3;
        let (ended, failed) = (self.took.len(), self.failures());
        write!(f, "{ended:7} {:7} {:7} {:7}", self.by_rest, self.ok, self.refused)?;
        write!(f, " {failed:7} {:7}", self.again)?;
        write!(f, " {:5.1}ms {:5.1}ms ", millis(2), millis(100))?;
        for ((what, code), count) in &self.failed {
            write!(f, " {what}: {code} {count}")?;
        }
        if self.turned_away > 0 {
            write!(f, " (too many in the shop: {} stayed away)", self.turned_away)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_counts_and_quantiles_and_begins_anew() {
        let tally = Tally::default();
        for millis in 1..=98 {
            tally.add(By::Grpc, Outcome::Ok, Duration::from_millis(millis));
        }
        tally.add(By::Rest, Outcome::Refused, Duration::from_millis(99));
        let failed = Outcome::Failed("buy", Code::Unavailable);
        tally.add(By::Rest, failed, Duration::from_millis(100));
        tally.again();
        tally.turned_away();
        let line = tally.take().to_string();
        let words: Vec<_> = line.split_whitespace().take(11).collect();
        assert_eq!(
            words,
            ["100", "2", "98", "1", "1", "1", "50.0ms", "99.0ms", "buy:", "unavailable", "1"]
        );
        assert!(line.ends_with("(too many in the shop: 1 stayed away)"), "{line}");
        assert_eq!(tally.take().took.len(), 0);
    }
}
