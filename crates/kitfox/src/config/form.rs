//! How values are written, in a file as in the environment.

use std::net::SocketAddr;
use std::time::Duration;

use kitfox_core::Secret;
use kitfox_telemetry::logs::{Filter, Format};
use kitfox_transport::wires::Origins;

/// How a value is read from a text and shown as one.
pub(super) struct Form<T> {
    /// What a text must be, as it stands after "give".
    pub(super) expects: &'static str,
    pub(super) parse: fn(&str) -> Option<T>,
    pub(super) show: fn(&T) -> String,
}

pub(super) const ADDRESS: Form<SocketAddr> = Form {
    expects: "an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
    parse: |text| text.parse().ok(),
    show: SocketAddr::to_string,
};

pub(super) const SWITCH: Form<bool> =
    Form { expects: "`true` or `false`", parse: |text| text.parse().ok(), show: bool::to_string };

pub(super) const NUMBER: Form<usize> = Form {
    expects: "a whole number, such as `100`",
    parse: |text| text.parse().ok(),
    show: usize::to_string,
};

pub(super) const NUMBER_32: Form<u32> = Form {
    expects: "a whole number below 2^32, such as `100`",
    parse: |text| text.parse().ok(),
    show: u32::to_string,
};

pub(super) const ORIGINS: Form<Origins> = Form {
    expects: "`none`, `*`, or origins such as `https://app.example`, separated by commas",
    parse: |text| text.parse().ok(),
    show: Origins::to_string,
};

pub(super) const SIZE: Form<usize> = Form {
    expects: "a number of bytes, such as `4MiB`, `16KiB` or `500`",
    parse: parse_size,
    show: show_size,
};

pub(super) const DURATION: Form<Duration> = Form {
    expects: "a duration of at most 1000h with its unit, such as `500ms`, `20s`, `5m` or `1h`",
    parse: parse_duration,
    show: show_duration,
};

pub(super) const FILTER: Form<Filter> = Form {
    expects: "levels for everything or for parts of the code, such as `info` or \
              `info,my_crate::db=debug`",
    parse: |text| text.parse().ok(),
    show: Filter::to_string,
};

pub(super) const FORMAT: Form<Format> = Form {
    expects: "`auto`, `json`, `logfmt` or `pretty`",
    parse: |text| text.parse().ok(),
    show: |format| format!("{format:?}").to_lowercase(),
};

pub(super) const SHARE: Form<f64> = Form {
    expects: "a share from 0 to 1, such as `0.01`",
    parse: |text| text.parse().ok().filter(|share| (0.0..=1.0).contains(share)),
    show: f64::to_string,
};

pub(super) const NAMES: Form<Vec<String>> = Form {
    expects: "`none`, or names separated by commas",
    parse: |text| Some(parse_names(text)),
    show: |names| if names.is_empty() { "none".to_owned() } else { names.join(",") },
};

/// A secret of which somebody must know all to have any.
pub(super) const TOKEN: Form<Option<Secret<String>>> = Form {
    expects: "`none`, or at least 16 visible ASCII characters that nobody can guess, such as \
              `openssl rand -hex 32` prints",
    parse: |text| match text {
        "none" => Some(None),
        _ if text.len() < 16 || !text.bytes().all(|byte| byte.is_ascii_graphic()) => None,
        _ => Some(Some(Secret::new(text.to_owned()))),
    },
    show: |token| token.as_ref().map_or_else(|| "none".to_owned(), Secret::to_string),
};

fn parse_names(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
    names.map(str::to_owned).collect()
}

const SIZES: [(&str, usize); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    if unit.is_empty() || unit == "B" {
        return Some(number).and_then(|number| usize::try_from(number).ok());
    }
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
    usize::try_from(number).ok()?.checked_mul(*factor)
}

fn show_size(bytes: &usize) -> String {
    let unit = SIZES.iter().find(|(_, factor)| *bytes >= *factor && bytes.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{name}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// More than any timeout needs, and little enough that adding it to an instant never overflows.
const LONGEST: Duration = Duration::from_secs(1000 * 3600);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let duration = Duration::from_millis(number.checked_mul(*milliseconds)?);
    (duration <= LONGEST).then_some(duration)
}

/// As it stands in a file or the environment.
pub(crate) fn show_duration(duration: &Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    if !duration.subsec_nanos().is_multiple_of(1_000_000) {
        return format!("{duration:?}");
    }
    let milliseconds = duration.as_millis();
    let unit = UNITS.iter().find(|(_, factor)| milliseconds.is_multiple_of(u128::from(*factor)));
    let (name, factor) = unit.expect("everything is a multiple of the last unit, which is 1");
    format!("{}{name}", milliseconds / u128::from(*factor))
}

/// The number at the start of `text`, and the unit after it.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["0s", "1ms", "1500ms", "20s", "90s", "5m", "1h", "1000h"] {
            let duration = parse_duration(text).expect(text);
            assert_eq!(show_duration(&duration), text);
        }
        assert_eq!(show_duration(&Duration::from_micros(1500)), "1.5ms");
    }

    #[test]
    fn a_duration_without_its_unit_or_out_of_all_reason_is_none() {
        for text in ["20", "", "s", "-1s", "1.5s", "20 weeks", "1001h", "99999999999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_as_they_are_written() {
        for text in ["0", "500", "1KiB", "1500KiB", "4MiB", "1GiB"] {
            assert_eq!(show_size(&parse_size(text).expect(text)), text);
        }
        assert_eq!(parse_size("4 MiB"), Some(4 << 20));
        for text in ["4MB", "4 M", "MiB", "-1", "99999999999999999999", "99999999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
