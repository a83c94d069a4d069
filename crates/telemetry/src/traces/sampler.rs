//! Which traces are recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kitfox_core::platform::Random;
use kitfox_core::{Sampling, TraceContext};

/// Decides at the head of a trace whether it is recorded; who is called goes along with what its
/// caller decided. Cloning shares it.
///
/// The share is taken of the trace's identifier, as OpenTelemetry's `TraceIdRatioBased` does, so that
/// every service with the same share takes the same traces.
#[derive(Clone, Debug)]
pub struct Sampler(Arc<AtomicU64>);

impl Sampler {
    /// Records this share of the traces that begin here, from 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Sampler(Arc::new(AtomicU64::new(bound(share))))
    }

    /// From now on this share.
    pub fn set_share(&self, share: f64) {
        self.0.store(bound(share), Ordering::Relaxed);
    }

    /// The span of a call whose caller is in `parent`: a child of it, or the first of a new trace.
    #[must_use]
    pub fn begin(&self, parent: Option<&TraceContext>, random: &Random) -> TraceContext {
        let span_id = identifier(random).to_be_bytes();
        if let Some(parent) = parent {
            return TraceContext { span_id, ..parent.clone() };
        }
        let (high, low) = (random.next_u64(), identifier(random));
        let trace_id = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        TraceContext { trace_id, span_id, flags: u8::from(self.records(low)), state: None }
    }

    /// [`Sampler::begin`], as the caller wants it.
    #[must_use]
    pub fn begin_as(
        &self,
        wanted: Sampling,
        parent: Option<&TraceContext>,
        random: &Random,
    ) -> TraceContext {
        let mut span = self.begin(parent, random);
        let [.., a, b, c, d, e, f, g, h] = span.trace_id;
        let sampled = match wanted {
            Sampling::ByTrace => return span,
            Sampling::Open => self.records(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            Sampling::Wanted => true,
            Sampling::Unwanted => false,
        };
        span.flags = span.flags & !1 | u8::from(sampled);
        span
    }

    /// Whether a trace is in the share, the lower half of whose identifier this is.
    fn records(&self, low: u64) -> bool {
        low >> 1 < self.0.load(Ordering::Relaxed)
    }
}

/// For a span that has a trace already.
pub(super) fn span_id(random: &Random) -> [u8; 8] {
    identifier(random).to_be_bytes()
}

/// Never zero, which would be none.
fn identifier(random: &Random) -> u64 {
    random.next_u64().max(1)
}

/// Of 63 bits, those below it are in the share.
fn bound(share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float saturates where it is out of bounds"
    )]
    let bound = (share * 2_f64.powi(63)) as u64;
    bound.min(1 << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(share: f64) -> usize {
        let (sampler, random) = (Sampler::new(share), Random::seeded(1));
        (0..10_000).filter(|_| sampler.begin(None, &random).sampled()).count()
    }

    #[test]
    fn the_share_is_kept() {
        assert_eq!((sampled(0.0), sampled(1.0), sampled(f64::NAN)), (0, 10_000, 0));
        let some = sampled(0.1);
        assert!((900..1100).contains(&some), "{some}");
    }

    #[test]
    fn a_child_does_as_its_parent() {
        let (never, always, random) = (Sampler::new(0.0), Sampler::new(1.0), Random::seeded(1));
        let (recorded, unrecorded) = (always.begin(None, &random), never.begin(None, &random));
        let child = never.begin(Some(&recorded), &random);
        assert!(child.sampled() && child.trace_id == recorded.trace_id);
        assert_ne!(child.span_id, recorded.span_id);
        assert!(!always.begin(Some(&unrecorded), &random).sampled());
    }

    #[test]
    fn what_a_caller_wants_counts_and_what_it_leaves_open_is_decided_by_the_trace() {
        let (never, always, random) = (Sampler::new(0.0), Sampler::new(1.0), Random::seeded(1));
        assert!(never.begin_as(Sampling::Wanted, None, &random).sampled());
        assert!(!always.begin_as(Sampling::Unwanted, None, &random).sampled());
        let open = never.begin(None, &random);
        assert!(always.begin_as(Sampling::Open, Some(&open), &random).sampled());
        assert!(!never.begin_as(Sampling::Open, Some(&open), &random).sampled());
        assert!(!always.begin_as(Sampling::ByTrace, Some(&open), &random).sampled());
    }
}
