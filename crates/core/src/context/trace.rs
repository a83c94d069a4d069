//! The trace that a call is part of, in W3C's `traceparent` form.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The caller's place in a trace: W3C Trace Context, level 1.
///
/// ```
/// use kitfox_core::TraceContext;
///
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceContext = text.parse().unwrap();
/// assert!(trace.sampled());
/// assert_eq!(trace.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace; never all zero.
    pub trace_id: [u8; 16],
    /// The span of the caller; never all zero.
    pub span_id: [u8; 8],
    /// Bit 0 says that the trace is sampled.
    pub flags: u8,
    /// What vendors pass along, as it came (`tracestate`).
    pub state: Option<Arc<str>>,
}

/// Who decides whether a trace is recorded, where that is not said in the caller's span alone: callers
/// that speak b3 may leave the decision open, or decide without a span of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// The caller did, in its span. Without one, whoever is called.
    #[default]
    ByTrace,
    /// Whoever is called, though the caller has a span.
    Open,
    /// The caller wants it recorded, and has no span.
    Wanted,
    /// The caller wants it not recorded, and has no span.
    Unwanted,
}

/// The text is no `traceparent`. W3C says: then there is no trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent: it must be 00-<32 hex>-<16 hex>-<2 hex>, identifiers not zero")]
pub struct InvalidTrace;

impl TraceContext {
    /// Whether the caller records this trace.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTrace;

    fn from_str(text: &str) -> Result<Self, InvalidTrace> {
        let bytes = text.as_bytes();
        let dashes = |at: usize| bytes.get(at) == Some(&b'-');
        if bytes.len() < 55 || !dashes(2) || !dashes(35) || !dashes(52) {
            return Err(InvalidTrace);
        }
        let [version]: [u8; 1] = hex(&bytes[..2])?;
        let whole = bytes.len() == 55;
        // A later version may be longer, behind another dash; 255 is forbidden.
        if version == 0xff || (version == 0 && !whole) || (!whole && !dashes(55)) {
            return Err(InvalidTrace);
        }
        let trace_id: [u8; 16] = hex(&bytes[3..35])?;
        let span_id: [u8; 8] = hex(&bytes[36..52])?;
        let [flags] = hex(&bytes[53..55])?;
        if trace_id == [0; 16] || span_id == [0; 8] {
            return Err(InvalidTrace);
        }
        Ok(TraceContext { trace_id, span_id, flags, state: None })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace_id), u64::from_be_bytes(self.span_id));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", self.flags & 1)
    }
}

fn hex<const N: usize>(text: &[u8]) -> Result<[u8; N], InvalidTrace> {
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(out)
}

/// Lower case only, as the specification says.
fn digit(byte: u8) -> Result<u8, InvalidTrace> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidTrace),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn only_what_the_specification_allows_is_a_trace() {
        assert!(!GOOD.parse::<TraceContext>().unwrap().sampled());
        assert!(format!("01{}-more", &GOOD[2..]).parse::<TraceContext>().is_ok());
        for bad in [
            String::new(),
            GOOD[1..].to_owned(),
            format!("{GOOD}-more"),
            format!("01{}more", &GOOD[2..]),
            format!("ff{}", &GOOD[2..]),
            GOOD.to_uppercase(),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace('-', "_"),
            "é".repeat(28),
        ] {
            assert_eq!(bad.parse::<TraceContext>(), Err(InvalidTrace), "{bad}");
        }
    }
}
