//! What Kitfox promises beside its peers, and whether it holds.

use std::fmt;

use crate::failure::Failure;

/// JSON instructions beside bare axum's, at most, in each profile.
pub(crate) const JSON_INSTRUCTIONS: Bound = Bound::AtMost(0.80);
/// gRPC instructions beside bare tonic's, at most, in each profile.
pub(crate) const GRPC_INSTRUCTIONS: Bound = Bound::AtMost(0.85);
/// Instructions of a text of any size, beside bare axum's (JSON) and bare tonic's (gRPC), at most.
pub(crate) const SIZE_INSTRUCTIONS: Bound = Bound::AtMost(1.0);
/// Instructions of a message in a stream of gRPC, beside bare tonic's, at most.
pub(crate) const STREAM_INSTRUCTIONS: Bound = Bound::AtMost(1.0);
/// gRPC write system calls beside bare tonic's, at most, on tokio's default runtime.
pub(crate) const GRPC_WRITES: Bound = Bound::AtMost(0.2);
/// gRPC requests per second beside bare tonic's, at least, on tokio's default runtime.
pub(crate) const GRPC_THROUGHPUT: Bound = Bound::AtLeast(1.5);

/// JSON instructions of a call that is recorded, beside bare axum's, at most.
pub(crate) const RECORD_JSON: Bound = Bound::AtMost(0.95);
/// The same beside axum's with the usual crates around it, at most.
pub(crate) const RECORD_JSON_GLUED: Bound = Bound::AtMost(0.25);
/// gRPC instructions of a call that is recorded, beside bare tonic's, at most.
pub(crate) const RECORD_GRPC: Bound = Bound::AtMost(0.90);
/// JSON instructions of a call that is traced, beside bare axum's, at most.
pub(crate) const TRACED_JSON: Bound = Bound::AtMost(1.15);
/// JSON instructions of a call that is recorded and that every layer decides about, beside bare
/// axum's, at most.
pub(crate) const PROTECTED_JSON: Bound = Bound::AtMost(1.0);
/// Instructions of the line of a call, at most.
pub(crate) const LINE: Bound = Bound::AtMost(1_500.0);
/// Instructions of one more in a counter, at most.
pub(crate) const COUNTER: Bound = Bound::AtMost(60.0);
/// Instructions of one more value in a histogram, at most.
pub(crate) const HISTOGRAM: Bound = Bound::AtMost(120.0);
/// Instructions of a span that is not recorded, at most.
pub(crate) const UNSAMPLED: Bound = Bound::AtMost(300.0);
/// What the client's onion may add to a call.
pub(crate) const CLIENT: Bound = Bound::AtMost(2_500.0);
/// What it costs over a thousand replicas, of what it costs over ten.
pub(crate) const THOUSAND: Bound = Bound::AtMost(1.02);

/// Where a ratio, or a number of instructions, must lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// Of a count, which repeats.
    AtMost(f64),
    /// Of a speed, which depends on what else the machine does.
    AtLeast(f64),
    /// Of a speed, too.
    Below(f64),
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::AtLeast(limit) => ratio >= limit,
            Self::Below(limit) => ratio <= limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(formatter, "at most {limit:.2}"),
            Self::AtLeast(limit) => write!(formatter, "at least {limit:.2}"),
            Self::Below(limit) => write!(formatter, "below {limit:.2}"),
        }
    }
}

/// The aims of one run with what was measured.
#[derive(Debug, Default)]
pub(crate) struct Aims(Vec<Aim>);

#[derive(Debug)]
struct Aim {
    name: String,
    bound: Bound,
    ratio: Option<f64>,
}

impl Aims {
    /// Adds an aim; a ratio that could not be measured counts as missed.
    pub(crate) fn add(&mut self, name: String, bound: Bound, ratio: Option<f64>) {
        self.0.push(Aim { name, bound, ratio });
    }

    /// Fails, with their names, where aims are missed.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.check_those(|_| true)
    }

    /// The same for the aims that are counted and not timed, for a gate that may share its machine.
    pub(crate) fn check_counts(&self) -> Result<(), Failure> {
        self.check_those(|bound| matches!(bound, Bound::AtMost(_)))
    }

    fn check_those(&self, these: impl Fn(Bound) -> bool) -> Result<(), Failure> {
        let missed = self.0.iter().filter(|aim| these(aim.bound) && !aim.holds());
        let missed: Vec<&str> = missed.map(|aim| aim.name.as_str()).collect();
        if missed.is_empty() {
            return Ok(());
        }
        Err(Failure::new("checking the aims", format!("missed: {}", missed.join("; "))))
    }
}

impl Aim {
    fn holds(&self) -> bool {
        self.ratio.is_some_and(|ratio| self.bound.holds(ratio))
    }
}

impl fmt::Display for Aims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for aim in &self.0 {
            let verdict = if aim.holds() { "ok    " } else { "MISSED" };
            let ratio = aim.ratio.map_or("not measured".to_owned(), |ratio| format!("{ratio:.3}"));
            writeln!(formatter, "{verdict} {}: {ratio}, {}", aim.name, aim.bound)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_that_was_missed_or_not_measured_fails_the_check() {
        let check = |bound, ratio| {
            let mut aims = Aims::default();
            aims.add("price".to_owned(), bound, ratio);
            aims.check().is_ok()
        };
        assert!(check(Bound::AtMost(0.8), Some(0.8)));
        assert!(!check(Bound::AtMost(0.8), Some(0.81)));
        assert!(check(Bound::AtLeast(1.5), Some(1.5)));
        assert!(!check(Bound::AtLeast(1.5), Some(1.49)));
        assert!(!check(Bound::AtLeast(1.5), None));
        assert!(!check(Bound::AtMost(0.8), Some(f64::NAN)));
    }
}
