//! What each context of a call may have its own version of.

use std::sync::Arc;

use tokio::time::Instant;

use super::values::Values;
use super::{Context, Principal, Received, Sampling, TraceContext};
use crate::Metadata;

#[derive(Clone)]
pub(super) struct Travel {
    pub(super) deadline: Option<Instant>,
    pub(super) trace: Option<TraceContext>,
    /// Whether the trace was set within the call, and counts more than the call's own span.
    pub(super) traced: bool,
    pub(super) baggage: Option<Baggage>,
    pub(super) principal: Option<Principal>,
    pub(super) attempt: u32,
    pub(super) criticality: Criticality,
    pub(super) values: Values,
    /// Headers of the next call that goes out.
    pub(super) outgoing: Option<Arc<Metadata>>,
    /// Idempotency key of the next call that goes out.
    pub(super) next_key: Option<Arc<str>>,
    /// Where the answer's metadata of that call are kept.
    pub(super) received: Option<Received>,
}

/// Names and values that go with a call to everybody it calls (W3C Baggage): at most 64 members
/// and 8,192 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage(Arc<Vec<(String, String)>>);

impl Baggage {
    /// The most members that travel.
    pub const MAX_MEMBERS: usize = 64;
    /// The most bytes that travel.
    pub const MAX_BYTES: usize = 8192;

    /// The baggage of these members. Those past a limit stay behind.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut left = Self::MAX_BYTES;
        let fits = members.into_iter().take(Self::MAX_MEMBERS).take_while(|(name, value)| {
            let size = name.len() + value.len() + 2;
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        });
        Baggage(Arc::new(fits.collect()))
    }

    /// The value of `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What a call is worth when not all can be served; the lowest is shed first. From Google's SRE
/// book, "Handling Overload".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criticality {
    /// Often unavailable, and that is fine: batch work.
    Sheddable,
    /// Partly unavailable at times: work that is tried again later.
    SheddablePlus,
    /// What users see. The default.
    #[default]
    Critical,
    /// What users notice most when it fails.
    CriticalPlus,
}

impl Criticality {
    /// All of them; what is shed first comes first.
    pub const ALL: [Criticality; 4] = [
        Criticality::Sheddable,
        Criticality::SheddablePlus,
        Criticality::Critical,
        Criticality::CriticalPlus,
    ];

    /// The name on the wires, in `kebab-case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Criticality::Sheddable => "sheddable",
            Criticality::SheddablePlus => "sheddable-plus",
            Criticality::Critical => "critical",
            Criticality::CriticalPlus => "critical-plus",
        }
    }

    /// The one that `name` names, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Criticality::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl Context {
    /// The caller's span: the parent of the call's own.
    #[must_use]
    pub fn parent_trace(&self) -> Option<&TraceContext> {
        self.first().1.trace.as_ref()
    }

    /// Who decides whether the call's trace is recorded.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        self.call().sampling
    }

    /// With another span as the parent of what follows.
    #[must_use]
    pub fn with_trace(&self, trace: TraceContext) -> Self {
        self.travelling(|travel| {
            travel.trace = Some(trace);
            travel.traced = true;
        })
    }

    /// The baggage of the call.
    #[must_use]
    pub fn baggage(&self) -> Option<&Baggage> {
        self.0.travel.baggage.as_ref()
    }

    /// With other baggage.
    #[must_use]
    pub fn with_baggage(&self, baggage: Baggage) -> Self {
        self.travelling(|travel| travel.baggage = Some(baggage))
    }

    /// Who is calling, once authentication found out. The record of the call knows it then, too, and
    /// so does whoever else stands outside of authentication.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.travel.principal.as_ref().or_else(|| self.call().principal.get())
    }

    /// With the principal that authentication found. Outside of it the first one counts: whoever
    /// acts for another later is still who came.
    #[must_use]
    pub fn with_principal(&self, principal: Principal) -> Self {
        let _ = self.call().principal.set(principal.clone());
        self.travelling(|travel| travel.principal = Some(principal))
    }

    /// Which attempt at the call this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.travel.attempt
    }

    /// As another attempt.
    #[must_use]
    pub fn with_attempt(&self, attempt: u32) -> Self {
        self.travelling(|travel| travel.attempt = attempt)
    }

    /// What the call is worth.
    #[must_use]
    pub fn criticality(&self) -> Criticality {
        self.0.travel.criticality
    }

    /// Worth something else.
    #[must_use]
    pub fn with_criticality(&self, criticality: Criticality) -> Self {
        self.travelling(|travel| travel.criticality = criticality)
    }

    /// The key by which a repeated call is recognised.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.call().idempotency_key.get().map(AsRef::as_ref)
    }

    /// Gives the call itself a key, for the layer that makes one where the caller gave none. Only
    /// the first one counts, so that all attempts at the call have the same.
    pub fn begin_idempotency_key(&self, key: impl Into<Arc<str>>) {
        let _ = self.call().idempotency_key.set(key.into());
    }

    /// With a key for the next call that this context makes.
    #[must_use]
    pub fn with_idempotency_key(&self, key: impl Into<Arc<str>>) -> Self {
        self.travelling(|travel| travel.next_key = Some(key.into()))
    }

    fn travelling(&self, change: impl FnOnce(&mut Travel)) -> Self {
        let mut travel = self.0.travel.clone();
        change(&mut travel);
        self.link(travel, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_criticality_is_known_by_its_name() {
        for known in Criticality::ALL {
            assert_eq!(Criticality::from_name(known.name()), Some(known));
        }
        assert!(Criticality::ALL.is_sorted(), "the lowest is shed first");
        assert_eq!(Criticality::from_name("Critical"), None);
    }

    #[test]
    fn baggage_stays_within_its_limits() {
        let many = Baggage::new((0..100).map(|n| (n.to_string(), String::new())));
        assert_eq!(many.iter().count(), Baggage::MAX_MEMBERS);
        let heavy = Baggage::new((0..3).map(|n| (n.to_string(), "x".repeat(4000))));
        assert_eq!(heavy.iter().count(), 2);
        assert_eq!(heavy.value("1").map(str::len), Some(4000));
        assert_eq!(heavy.value("2"), None);
    }
}
