//! The time of day as logs have it: RFC 3339, UTC, microseconds.

use std::cell::Cell;

/// `2026-01-31T12:00:00.123456Z`.
pub(super) const LENGTH: usize = 27;

/// A second and its text up to the dot. Lines come many a second, and its text does not change.
#[derive(Clone, Copy)]
struct Second {
    since_1970: u64,
    text: [u8; 19],
}

thread_local! {
    static LAST: Cell<Second> =
        const { Cell::new(Second { since_1970: 0, text: *b"1970-01-01T00:00:00" }) };
}

/// The text of a time, given in nanoseconds since 1970.
pub(super) fn rfc3339(unix_nanos: u64) -> [u8; LENGTH] {
    let (seconds, nanos) = (unix_nanos / 1_000_000_000, unix_nanos % 1_000_000_000);
    let mut last = LAST.try_with(Cell::get).unwrap_or(Second { since_1970: 0, text: [b'0'; 19] });
    if last.since_1970 != seconds || last.text[0] == b'0' {
        last = Second { since_1970: seconds, text: date_and_time(seconds) };
        let _thread_ends = LAST.try_with(|slot| slot.set(last));
    }
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    text[..19].copy_from_slice(&last.text);
    let micros = u32::try_from(nanos / 1_000).expect("a second has a million");
    text[20..26].copy_from_slice(&six_digits(micros));
    text
}

/// A number below a million, with zeros before it.
#[inline]
pub(super) fn six_digits(number: u32) -> [u8; 6] {
    let pair = |number: u32| PAIRS[(number % 100) as usize];
    let ([a, b], [c, d], [e, f]) = (pair(number / 10_000), pair(number / 100), pair(number));
    [a, b, c, d, e, f]
}

/// `00` to `99`.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b"0123456789"[number / 10], b"0123456789"[number % 10]];
        number += 1;
    }
    pairs
};

/// Days become a date as in Howard Hinnant, "chrono-compatible low-level date algorithms": years
/// begin in March, and eras of 400 of them have the same length.
fn date_and_time(seconds: u64) -> [u8; 19] {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let mut text = *b"0000-00-00T00:00:00";
    digits(year_of_era + era * 400 + u64::from(month <= 2), &mut text[..4]);
    digits(month, &mut text[5..7]);
    digits(day, &mut text[8..10]);
    digits(second / 3_600, &mut text[11..13]);
    digits(second / 60 % 60, &mut text[14..16]);
    digits(second % 60, &mut text[17..]);
    text
}

fn digits(mut number: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(unix_nanos: u64) -> String {
        String::from_utf8(rfc3339(unix_nanos).to_vec()).unwrap()
    }

    #[test]
    fn known_times_have_their_text() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(951_782_400_000_001_999), "2000-02-29T00:00:00.000001Z");
        assert_eq!(text(1_795_508_704_123_456_789), "2026-11-24T08:25:04.123456Z");
        assert_eq!(text(1_795_508_704_999_999_999), "2026-11-24T08:25:04.999999Z");
        assert_eq!(text(1_795_508_705_000_000_000), "2026-11-24T08:25:05.000000Z");
        assert_eq!(text(u64::MAX), "2554-07-21T23:34:33.709551Z");
    }
}
