//! What the record of a call says of it when it begins: its method and its own span.
//!
//! Written once and read often, by any thread. It is numbers in atomics, since each call writes it
//! and a lock or a `OnceLock` costs as much as the whole span.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::{Context, TraceContext};
use crate::contract::Method;

/// The methods of all records, each known by its place. As many as the code has: none is given back.
static METHODS: RwLock<Vec<&'static Method>> = RwLock::new(Vec::new());

/// A method as a call can carry it: its place among all of them, and one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodNumber(u32);

impl MethodNumber {
    /// The number of `method`, for whoever records its calls: asked once, before the first call.
    #[must_use]
    pub fn of(method: &'static Method) -> Self {
        let mut methods = METHODS.write().unwrap_or_else(PoisonError::into_inner);
        let known = methods.iter().position(|known| std::ptr::eq(*known, method));
        let place = known.unwrap_or_else(|| {
            methods.push(method);
            methods.len() - 1
        });
        MethodNumber(u32::try_from(place + 1).unwrap_or(0))
    }

    fn method(self) -> Option<&'static Method> {
        let place = usize::try_from(self.0).ok()?.checked_sub(1)?;
        METHODS.read().unwrap_or_else(PoisonError::into_inner).get(place).copied()
    }
}

/// A call's own method and span.
#[derive(Default)]
pub(super) struct Own {
    method: AtomicU32,
    state: AtomicU8,
    flags: AtomicU8,
    trace_id: [AtomicU64; 2],
    span_id: AtomicU64,
    /// What the span is part of, where that is not the caller's; zero is none.
    within: AtomicU64,
    /// Where it is another one than the caller's.
    trace_state: OnceLock<Option<Arc<str>>>,
}

const WRITTEN: u8 = 1;
const BEING_WRITTEN: u8 = 2;

impl Own {
    fn is_written(&self) -> bool {
        self.state.load(Ordering::Acquire) == WRITTEN
    }

    /// The first one counts.
    #[inline]
    fn write(&self, span: TraceContext, within: Option<[u8; 8]>, caller: Option<&TraceContext>) {
        let order = Ordering::Relaxed;
        if self.state.compare_exchange(0, BEING_WRITTEN, order, order).is_err() {
            return;
        }
        let TraceContext { trace_id, span_id, flags, state } = span;
        let trace = u128::from_be_bytes(trace_id);
        #[expect(clippy::cast_possible_truncation, reason = "one half after the other")]
        let halves = [(trace >> 64) as u64, trace as u64];
        for (word, half) in self.trace_id.iter().zip(halves) {
            word.store(half, order);
        }
        self.span_id.store(u64::from_be_bytes(span_id), order);
        self.flags.store(flags, order);
        if let Some(within) = within {
            self.within.store(u64::from_be_bytes(within), order);
        }
        if state.is_some() || caller.is_some_and(|caller| caller.state.is_some()) {
            self.keep_state(state, caller);
        }
        self.state.store(WRITTEN, Ordering::Release);
    }

    #[cold]
    fn keep_state(&self, state: Option<Arc<str>>, caller: Option<&TraceContext>) {
        if caller.is_none_or(|caller| caller.state != state) {
            let _ = self.trace_state.set(state);
        }
    }

    fn trace(&self, caller: Option<&TraceContext>) -> Option<TraceContext> {
        if !self.is_written() {
            return None;
        }
        let [high, low] = self.trace_id.each_ref().map(|word| word.load(Ordering::Relaxed));
        Some(TraceContext {
            trace_id: (u128::from(high) << 64 | u128::from(low)).to_be_bytes(),
            span_id: self.span_id(),
            flags: self.flags.load(Ordering::Relaxed),
            state: match self.trace_state.get() {
                Some(own) => own.clone(),
                None => caller.and_then(|caller| caller.state.clone()),
            },
        })
    }

    fn span_id(&self) -> [u8; 8] {
        self.span_id.load(Ordering::Relaxed).to_be_bytes()
    }
}

impl Context {
    /// The span of what is being done: the one that [`Context::with_trace`] set, else that of the
    /// call, and where calls are not recorded, that of the caller.
    #[must_use]
    pub fn trace(&self) -> Option<TraceContext> {
        let travel = &self.0.travel;
        let own = if travel.traced { None } else { self.own_trace() };
        own.or_else(|| travel.trace.clone())
    }

    /// Whether that span is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        let (travel, own) = (&self.0.travel, &self.call().own);
        if !travel.traced && own.is_written() {
            return own.flags.load(Ordering::Relaxed) & 1 == 1;
        }
        travel.trace.as_ref().is_some_and(TraceContext::sampled)
    }

    fn own_trace(&self) -> Option<TraceContext> {
        self.call().own.trace(self.parent_trace())
    }

    /// What the span of [`Context::trace`] is part of; `None` where it begins its trace, or belongs to
    /// somebody else.
    #[must_use]
    pub fn parent_span(&self) -> Option<[u8; 8]> {
        let own = &self.call().own;
        if !own.is_written() {
            return None;
        }
        if self.0.travel.traced {
            return Some(own.span_id());
        }
        match own.within.load(Ordering::Relaxed) {
            0 => self.parent_trace().map(|caller| caller.span_id),
            within => Some(within.to_be_bytes()),
        }
    }

    /// Begins the span of the call itself, for whoever records it: as part of the span `within`, where
    /// that is not the caller's, but one by which the caller told the work apart. Only the first one
    /// counts.
    #[inline]
    pub fn begin_span(&self, span: TraceContext, within: Option<[u8; 8]>) {
        self.call().own.write(span, within, self.parent_trace());
    }

    /// The method that is called, where calls are recorded.
    #[must_use]
    pub fn method(&self) -> Option<&'static Method> {
        MethodNumber(self.call().own.method.load(Ordering::Relaxed)).method()
    }

    /// Says which method is called, for its record. The first one counts.
    pub fn enter_method(&self, method: MethodNumber) {
        let own = &self.call().own.method;
        if own.load(Ordering::Relaxed) == 0 {
            own.store(method.0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Incoming;

    fn span(last: u8) -> TraceContext {
        let span_id = [0, 0, 0, 0, 0, 0, 0, last];
        TraceContext { trace_id: [1; 16], span_id, flags: 1, state: None }
    }

    #[test]
    fn a_span_knows_what_it_is_part_of() {
        let id = |last: u8| Some(span(last).span_id);
        let caller = Incoming { trace: Some(span(1)), ..Incoming::default() };
        let call = Context::incoming(caller);
        assert_eq!(call.parent_span(), None, "the caller's span is not this call's");
        call.begin_span(span(2), None);
        assert_eq!(call.parent_span(), id(1));
        assert_eq!(
            call.with_trace(span(3)).parent_span(),
            id(2),
            "as an attempt is part of its call"
        );

        let out = call.outgoing();
        out.begin_span(span(4), None);
        assert_eq!(out.parent_span(), id(2));
        let told_apart = call.outgoing();
        told_apart.begin_span(span(5), id(6));
        assert_eq!((told_apart.trace(), told_apart.parent_span()), (Some(span(5)), id(6)));

        let first = Context::background();
        first.begin_span(span(7), None);
        assert_eq!(first.parent_span(), None);
        first.begin_span(span(8), None);
        assert_eq!(first.trace(), Some(span(7)), "the first one counts");
    }

    #[test]
    fn the_state_of_vendors_goes_along_or_is_the_spans_own() {
        let with = |state: Option<&str>| TraceContext { state: state.map(Arc::from), ..span(1) };
        let call = |caller| Context::incoming(Incoming { trace: caller, ..Incoming::default() });
        for (caller, own) in [
            (None, None),
            (None, Some("a=1")),
            (Some(None), Some("a=1")),
            (Some(Some("a=1")), Some("a=1")),
            (Some(Some("a=1")), Some("b=2")),
            (Some(Some("a=1")), None),
        ] {
            let context = call(caller.map(with));
            context.begin_span(with(own), None);
            assert_eq!(context.trace(), Some(with(own)), "called with {caller:?}");
        }
    }

    #[test]
    fn a_call_is_sampled_as_its_span_is() {
        let context = Context::background();
        assert!(!context.is_sampled());
        context.begin_span(TraceContext { flags: 0, ..span(1) }, None);
        assert!(!context.is_sampled());
        assert!(context.with_trace(span(2)).is_sampled());
        let other = Context::background();
        other.begin_span(span(1), None);
        assert!(other.is_sampled());
    }
}
