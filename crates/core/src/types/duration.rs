//! `google.protobuf.Duration`.

use super::fraction;
use crate::message::private::{Fault, JsonReader, json};

/// Ten thousand years, as Google's.
const MOST: i64 = 315_576_000_000;

/// A span of time, in JSON `"1.500s"`.
#[super::message(package = "google.protobuf", json_by_hand)]
#[derive(Copy, Eq, Hash)]
pub struct Duration {
    /// Whole seconds, 315,576,000,000 at most in either direction.
    pub seconds: i64,
    /// What comes on top, below a second, with the same sign.
    pub nanos: i32,
}

impl Duration {
    const JSON_TAKES_NULL: bool = false;

    fn text(self) -> Result<String, Fault> {
        let signs_differ = self.seconds.signum() * i64::from(self.nanos.signum()) < 0;
        let in_range = self.seconds.unsigned_abs() <= MOST.unsigned_abs()
            && self.nanos.unsigned_abs() < 1_000_000_000;
        if signs_differ || !in_range {
            return Err(out_of_range());
        }
        let sign = if self.seconds < 0 || self.nanos < 0 { "-" } else { "" };
        let mut text = format!("{sign}{}", self.seconds.unsigned_abs());
        fraction::write(self.nanos.unsigned_abs(), &mut text);
        text.push('s');
        Ok(text)
    }

    fn write_json_by_hand(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        json::write_string(&self.text()?, out);
        Ok(())
    }

    fn read_json_by_hand(json: &mut JsonReader<'_>) -> Result<Self, Fault> {
        Self::parse_by_hand(&json.string()?)
    }

    fn parse_by_hand(text: &str) -> Result<Self, Fault> {
        let duration = parse(text).ok_or_else(|| Fault::new("expected a duration such as 1.5s"))?;
        if (-MOST..=MOST).contains(&duration.seconds) {
            return Ok(duration);
        }
        Err(out_of_range())
    }
}

fn out_of_range() -> Fault {
    Fault::new("the duration is not within 315576000000 seconds, or its signs differ")
}

fn parse(text: &str) -> Option<Duration> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let text = text.strip_suffix('s')?;
    let (whole, nanos) = match text.split_once('.') {
        Some((whole, digits)) => (whole, fraction::parse(digits)?),
        None => (text, 0),
    };
    if whole.is_empty() || !whole.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // More digits than an i64 has are a duration all the same, only out of range.
    let seconds: i64 = whole.parse().unwrap_or(i64::MAX);
    Some(Duration {
        seconds: sign * seconds,
        nanos: i32::try_from(sign).ok()? * i32::try_from(nanos).ok()?,
    })
}

impl From<std::time::Duration> for Duration {
    /// Spans beyond 315,576,000,000 seconds become that.
    fn from(duration: std::time::Duration) -> Self {
        let nanos = i32::try_from(duration.subsec_nanos()).expect("less than a billion");
        match i64::try_from(duration.as_secs()) {
            Ok(seconds @ ..MOST) => Self { seconds, nanos },
            _ => Self { seconds: MOST, nanos: 0 },
        }
    }
}

impl TryFrom<Duration> for std::time::Duration {
    type Error = super::OutOfRange;

    /// Fails for negative spans.
    fn try_from(duration: Duration) -> Result<Self, super::OutOfRange> {
        let seconds = u64::try_from(duration.seconds).map_err(|_| super::OutOfRange)?;
        let nanos = u32::try_from(duration.nanos).map_err(|_| super::OutOfRange)?;
        if nanos >= 1_000_000_000 {
            return Err(super::OutOfRange);
        }
        Ok(Self::new(seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_and_read() {
        for (text, seconds, nanos) in [
            ("0s", 0, 0),
            ("1.500s", 1, 500_000_000),
            ("-0.000000001s", 0, -1),
            ("-315576000000.999999999s", -MOST, -999_999_999),
        ] {
            let duration = Duration { seconds, nanos };
            assert_eq!(duration.text().unwrap(), text);
            assert_eq!(Duration::parse_by_hand(text).unwrap(), duration);
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "s",
            "1",
            "1 s",
            "+1s",
            "1.s",
            ".5s",
            "--1s",
            "1.0000000001s",
            "1e3s",
            "315576000001s",
            "99999999999999999999s",
            "-99999999999999999999s",
        ] {
            assert!(Duration::parse_by_hand(text).is_err(), "{text}");
        }
        assert!(Duration { seconds: 1, nanos: -1 }.text().is_err());
        assert!(Duration { seconds: MOST + 1, nanos: 0 }.text().is_err());
        assert!(Duration { seconds: i64::MIN, nanos: 0 }.text().is_err());
    }
}
