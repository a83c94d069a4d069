//! `google.protobuf.Timestamp`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::calendar::Date;
use super::fraction;
use crate::message::private::{Fault, JsonReader, json};

/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;

/// A point in time, in JSON `"2026-01-31T12:00:00.500Z"`.
#[super::message(package = "google.protobuf", json_by_hand)]
#[derive(Copy, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, from the year 1 to the year 9999.
    pub seconds: i64,
    /// What comes on top, from 0 to 999,999,999, also before 1970.
    pub nanos: i32,
}

impl Timestamp {
    const JSON_TAKES_NULL: bool = false;

    fn text(self) -> Result<String, Fault> {
        let nanos = u32::try_from(self.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
        let Some(nanos) = nanos.filter(|_| (FIRST..=LAST).contains(&self.seconds)) else {
            return Err(out_of_range());
        };
        let Date { year, month, day } = Date::from_days(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        fraction::write(nanos, &mut text);
        text.push('Z');
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
        let timestamp = parse(text)
            .ok_or_else(|| Fault::new("expected a time such as 2026-01-31T12:00:00Z"))?;
        match timestamp.seconds {
            FIRST..=LAST => Ok(timestamp),
            _ => Err(out_of_range()),
        }
    }
}

fn out_of_range() -> Fault {
    Fault::new("the time is not between the years 1 and 9999")
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let date = {
        let (year, rest) = date.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        Date {
            year: number(year, 4, 9999)?,
            month: number(month, 2, 12)?,
            day: number(day, 2, 31)?,
        }
    };
    // A day that the month does not have would come back as one of the next month.
    if Date::from_days(date.days()) != date {
        return None;
    }
    let (time, offset) = match time.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => {
            let sign = time.rfind(['+', '-'])?;
            let (hours, minutes) = time[sign + 1..].split_once(':')?;
            let offset = number(hours, 2, 23)? * 3_600 + number(minutes, 2, 59)? * 60;
            (&time[..sign], if time[sign..].starts_with('-') { -offset } else { offset })
        }
    };
    let (time, nanos) = match time.split_once('.') {
        Some((time, digits)) => (time, fraction::parse(digits)?),
        None => (time, 0),
    };
    let (hour, rest) = time.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let second_of_day =
        number(hour, 2, 23)? * 3_600 + number(minute, 2, 59)? * 60 + number(second, 2, 59)?;
    Some(Timestamp {
        seconds: date.days() * 86_400 + second_of_day - offset,
        nanos: i32::try_from(nanos).ok()?,
    })
}

fn number(text: &str, digits: usize, most: i64) -> Option<i64> {
    if text.len() != digits || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= most)
}

impl From<SystemTime> for Timestamp {
    /// Times outside of the years 1 to 9999 become the nearest one within.
    fn from(time: SystemTime) -> Self {
        let since = |duration: Duration| i64::try_from(duration.as_nanos() / 1_000_000_000);
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (since(after).unwrap_or(LAST), after.subsec_nanos()),
            Err(before) => {
                let before = before.duration();
                let seconds = since(before).map_or(FIRST, |seconds| -seconds);
                match before.subsec_nanos() {
                    0 => (seconds, 0),
                    nanos => (seconds - 1, 1_000_000_000 - nanos),
                }
            }
        };
        let nanos = i32::try_from(nanos).expect("less than a billion");
        Self { seconds: seconds.clamp(FIRST, LAST), nanos }
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = super::OutOfRange;

    fn try_from(timestamp: Timestamp) -> Result<Self, super::OutOfRange> {
        let nanos = u32::try_from(timestamp.nanos).map_err(|_| super::OutOfRange)?;
        let seconds = Duration::from_secs(timestamp.seconds.unsigned_abs());
        let whole = match timestamp.seconds {
            0.. => UNIX_EPOCH.checked_add(seconds),
            _ => UNIX_EPOCH.checked_sub(seconds),
        };
        let fraction = Duration::from_nanos(u64::from(nanos));
        whole.and_then(|whole| whole.checked_add(fraction)).ok_or(super::OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("0001-01-01T00:00:00Z", FIRST, 0),
            ("9999-12-31T23:59:59.999999999Z", LAST, 999_999_999),
            ("1969-12-31T23:59:59.500Z", -1, 500_000_000),
            ("2000-02-29T12:30:15.000001Z", 951_827_415, 1_000),
        ] {
            let timestamp = Timestamp { seconds, nanos };
            assert_eq!(timestamp.text().unwrap(), text);
            assert_eq!(Timestamp::parse_by_hand(text).unwrap(), timestamp);
        }
        let offset = Timestamp::parse_by_hand("1970-01-01T01:00:00.5+01:30").unwrap();
        assert_eq!(offset, Timestamp { seconds: -1_800, nanos: 500_000_000 });
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01t00:00:00z",
            "1970-1-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000000001Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-00:01",
            "0001-01-01T00:00:00+00:01",
            "+970-01-01T00:00:00Z",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00é",
            "１970-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse_by_hand(text).is_err(), "{text}");
        }
        assert!(Timestamp { seconds: LAST + 1, nanos: 0 }.text().is_err());
        assert!(Timestamp { seconds: 0, nanos: -1 }.text().is_err());
    }

    #[test]
    fn the_system_s_time_goes_there_and_back() {
        for nanos in [0, 1, 1_500_000_000, 86_400_000_000_001] {
            for time in
                [UNIX_EPOCH + Duration::from_nanos(nanos), UNIX_EPOCH - Duration::from_nanos(nanos)]
            {
                assert_eq!(SystemTime::try_from(Timestamp::from(time)), Ok(time));
            }
        }
    }
}
