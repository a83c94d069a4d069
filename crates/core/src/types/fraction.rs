//! Fractions of a second in text, for timestamps and durations.

/// Writes `.5`, as three, six or nine digits, or nothing.
pub(super) fn write(nanos: u32, out: &mut String) {
    use std::fmt::Write as _;
    let written = match nanos {
        0 => Ok(()),
        nanos if nanos % 1_000_000 == 0 => write!(out, ".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => write!(out, ".{:06}", nanos / 1_000),
        nanos => write!(out, ".{nanos:09}"),
    };
    written.expect("a String takes whatever is written to it");
}

/// Reads up to nine digits as nanoseconds.
pub(super) fn parse(digits: &str) -> Option<u32> {
    if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_has_three_six_or_nine_digits() {
        for (nanos, text) in [(0, ""), (500_000_000, ".500"), (1_000, ".000001"), (1, ".000000001")]
        {
            let mut out = String::new();
            write(nanos, &mut out);
            assert_eq!(out, text);
        }
        assert_eq!(parse("5"), Some(500_000_000));
        assert_eq!(parse("000000001"), Some(1));
        assert_eq!((parse(""), parse("0000000001"), parse("1x")), (None, None, None));
    }
}
