//! Deadlines on the wire: the time that is left, rounded up, so that the callee never gives up
//! before its caller does.

use std::time::Duration;

use http::HeaderValue;

/// The most a `grpc-timeout` can count: eight digits.
const GRPC_MOST: u128 = 99_999_999;
/// The most a `connect-timeout-ms` can count: ten digits.
const CONNECT_MOST: u128 = 9_999_999_999;

/// `grpc-timeout`: the finest unit in which the time has at most eight digits.
pub(super) fn grpc(left: Duration) -> HeaderValue {
    const UNITS: [(u128, u8); 6] = [
        (1, b'n'),
        (1_000, b'u'),
        (1_000_000, b'm'),
        (1_000_000_000, b'S'),
        (60 * 1_000_000_000, b'M'),
        (3600 * 1_000_000_000, b'H'),
    ];
    let nanos = left.as_nanos();
    let (count, unit) = UNITS
        .into_iter()
        .map(|(length, unit)| (nanos.div_ceil(length), unit))
        .find(|(count, _)| *count <= GRPC_MOST)
        .unwrap_or((GRPC_MOST, b'H'));
    digits(count, Some(unit))
}

/// `connect-timeout-ms`.
pub(super) fn connect(left: Duration) -> HeaderValue {
    digits(left.as_nanos().div_ceil(1_000_000).min(CONNECT_MOST), None)
}

fn digits(mut count: u128, unit: Option<u8>) -> HeaderValue {
    // Ten digits and a unit, written from the end.
    let mut text = [0; 11];
    let mut start = text.len();
    if let Some(unit) = unit {
        start -= 1;
        text[start] = unit;
    }
    loop {
        start -= 1;
        text[start] = b"0123456789"[(count % 10) as usize];
        count /= 10;
        if count == 0 {
            break;
        }
    }
    HeaderValue::from_bytes(&text[start..]).expect("digits and a letter are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_takes_the_finest_unit_of_eight_digits_and_rounds_up() {
        const HOUR: u64 = 3600;
        for (left, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_000), "100000u"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_secs(30), "30000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_nanos(100_000_000_001), "100001m"),
            (Duration::from_secs(28 * HOUR), "100800S"),
            (Duration::from_secs(100_000_001), "1666667M"),
            (Duration::from_secs(100_000_000 * 60), "1666667H"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(grpc(left), text, "{left:?}");
        }
    }

    #[test]
    fn connect_counts_milliseconds_and_rounds_up() {
        for (left, text) in [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(1), "1"),
            (Duration::from_millis(1500), "1500"),
            (Duration::from_nanos(1_500_000_001), "1501"),
            (Duration::MAX, "9999999999"),
        ] {
            assert_eq!(connect(left), text, "{left:?}");
        }
    }
}
