//! How long the caller waits, as each wire says it, and the deadline that follows.
//!
//! `grpc-timeout` has at most 8 digits and one of `H M S m u n`; `connect-timeout-ms` has at most
//! 10 digits. What is not of that form is refused: a caller who means a deadline and gets none
//! would never learn of it.

use std::time::Duration;

use http::HeaderMap;
use kitfox_core::{Code, Error};
use tokio::time::Instant;

use super::refusal::{WIRE, shown};
use crate::names::{CONNECT_TIMEOUT, GRPC_TIMEOUT};

/// What a caller says of its patience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Patience {
    /// Nothing.
    #[default]
    Unsaid,
    /// This long.
    For(Duration),
    /// Something that is no duration.
    Malformed,
}

impl Patience {
    /// Of `connect-timeout-ms`.
    pub(super) fn from_connect(value: &[u8]) -> Self {
        match digits(value, 10) {
            Some(milliseconds) => Patience::For(Duration::from_millis(milliseconds)),
            None => Patience::Malformed,
        }
    }

    /// Of `grpc-timeout`.
    pub(super) fn from_grpc(value: &[u8]) -> Self {
        let Some((unit, number)) = value.split_last() else { return Patience::Malformed };
        let Some(number) = digits(number, 8) else { return Patience::Malformed };
        Patience::For(match unit {
            b'H' => Duration::from_secs(number * 3600),
            b'M' => Duration::from_secs(number * 60),
            b'S' => Duration::from_secs(number),
            b'm' => Duration::from_millis(number),
            b'u' => Duration::from_micros(number),
            b'n' => Duration::from_nanos(number),
            _ => return Patience::Malformed,
        })
    }

    /// When the call that came at `now` must be answered: what the caller says, at most `cap`.
    /// `None` where that is further than the clock reaches.
    ///
    /// # Errors
    /// `InvalidArgument` where the header is no duration, `DeadlineExceeded` where it is none left.
    pub(super) fn deadline(
        self,
        now: Instant,
        cap: Duration,
        headers: &HeaderMap,
    ) -> Result<Option<Instant>, Error> {
        let timeout = match self {
            Patience::Unsaid => cap,
            Patience::For(Duration::ZERO) => return Err(over()),
            Patience::For(timeout) => timeout.min(cap),
            Patience::Malformed => return Err(malformed(headers)),
        };
        Ok(now.checked_add(timeout))
    }
}

/// Decimal digits, at least one and at most `most`.
fn digits(text: &[u8], most: usize) -> Option<u64> {
    if text.is_empty() || text.len() > most {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

#[cold]
fn over() -> Error {
    let why = "the deadline had passed when the call arrived";
    Error::by_layer("deadline", Code::DeadlineExceeded, why)
}

#[cold]
fn malformed(headers: &HeaderMap) -> Error {
    let (name, form, value) = match headers.get(GRPC_TIMEOUT) {
        Some(value) if Patience::from_grpc(value.as_bytes()) == Patience::Malformed => {
            (GRPC_TIMEOUT, "at most 8 digits and one of H, M, S, m, u, n", Some(value))
        }
        _ => (CONNECT_TIMEOUT, "milliseconds in at most 10 digits", headers.get(CONNECT_TIMEOUT)),
    };
    let value = value.map(|value| shown(value.as_bytes())).unwrap_or_default();
    let message = format!("the header `{name}` says `{value}`: it must be {form}");
    Error::by_layer(WIRE, Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_grpc_counts() {
        for (text, expected) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("5m", Duration::from_millis(5)),
            ("6u", Duration::from_micros(6)),
            ("7n", Duration::from_nanos(7)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(Patience::from_grpc(text.as_bytes()), Patience::For(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_malformed() {
        for bad in ["", "S", "5", "123456789S", "-1S", "+1S", "1 S", "1.5S", "1s", "1SS", "٣S"] {
            assert_eq!(Patience::from_grpc(bad.as_bytes()), Patience::Malformed, "{bad}");
        }
        for bad in ["", "12345678901", "-1", "+1", "1.5", "1s", " 1", "x"] {
            assert_eq!(Patience::from_connect(bad.as_bytes()), Patience::Malformed, "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_cap_is_the_default_and_the_most() {
        let (now, none) = (Instant::now(), HeaderMap::new());
        let cap = Duration::from_secs(60);
        let deadline = |patience: Patience| patience.deadline(now, cap, &none).unwrap();
        assert_eq!(deadline(Patience::Unsaid), Some(now + cap));
        assert_eq!(deadline(Patience::from_connect(b"9999999999")), Some(now + cap));
        let short = Duration::from_millis(7);
        assert_eq!(deadline(Patience::from_connect(b"7")), Some(now + short));
        let far = Patience::Unsaid.deadline(now, Duration::MAX, &none).unwrap();
        assert_eq!(far, None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_time_left_is_a_past_deadline_and_nonsense_names_its_header() {
        let cap = Duration::from_secs(60);
        let mut headers = HeaderMap::new();
        headers.insert(CONNECT_TIMEOUT, "soon".parse().unwrap());
        let error = Patience::Malformed.deadline(Instant::now(), cap, &headers).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("`connect-timeout-ms` says `soon`"), "{error}");
        let zero = Patience::from_grpc(b"0n").deadline(Instant::now(), cap, &headers);
        assert_eq!(zero.unwrap_err().code(), Code::DeadlineExceeded);
    }
}
