//! Settings as text: how values are written, in a file, in the environment and on the admin port,
//! and the keys by which they are found.

mod change;
mod layers;

use std::fmt;
use std::time::Duration;

pub use change::{Change, ChangeError};
pub use layers::{Entry, LayerSettings, Layers, set};

/// How a value is read from a text and shown as one.
#[derive(Clone, Copy)]
pub struct Form<T> {
    /// What a text must be, as it stands after "give".
    pub expects: &'static str,
    /// Reads it; none where it is not that.
    pub parse: fn(&str) -> Option<T>,
    /// Shows it as one would write it.
    pub show: fn(&T) -> String,
}

/// A key of the settings `S`.
pub struct Key<S> {
    /// Its name within the settings: `burst`.
    pub name: &'static str,
    /// What it does.
    pub docs: &'static str,
    /// What a value must be, as it stands after "give".
    pub expects: &'static str,
    /// Reads a text into the settings; `false` where it is no such value.
    pub set: fn(&mut S, &str) -> bool,
    /// The value in the settings as one would write it.
    pub show: fn(&S) -> String,
}

/// Settings that are found by keys.
///
/// ```
/// use kitfox_core::setting::{self, Key, Keyed};
///
/// #[derive(Clone, Debug, Default, PartialEq)]
/// struct Bulkhead { calls: usize }
///
/// impl Keyed for Bulkhead {
///     const NAME: &'static str = "bulkhead";
///     const KEYS: &'static [Key<Self>] = &[
///         setting::key!(setting::NUMBER, calls, "The most calls at the same time."),
///     ];
///     fn check(&self) -> Result<(), String> {
///         if self.calls == 0 { Err("0 `calls` would let nothing through".to_owned()) } else { Ok(()) }
///     }
/// }
///
/// let mut bulkhead = Bulkhead::default();
/// bulkhead.set("calls", "7").unwrap();
/// assert_eq!(bulkhead.calls, 7);
/// assert!(bulkhead.set("calls", "seven").unwrap_err().to_string().contains("whole number"));
/// ```
pub trait Keyed: Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// What they are the settings of, as keys begin: `rate_limit`.
    const NAME: &'static str;

    /// Every key.
    const KEYS: &'static [Key<Self>];

    /// Whether they make sense together.
    ///
    /// # Errors
    /// A sentence that says what does not, and how to mend it.
    fn check(&self) -> Result<(), String>;

    /// Reads `text` as the value of the key `name`.
    ///
    /// # Errors
    /// Where there is no such key, or the text is no such value.
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        let Some(key) = Self::KEYS.iter().find(|key| key.name == name) else {
            let known: Vec<_> = Self::KEYS.iter().map(|key| key.name).collect();
            let (of, name) = (Self::NAME, name.to_owned());
            return Err(SettingError::Unknown { of, name, known: known.join(", ") });
        };
        if (key.set)(self, text.trim()) {
            return Ok(());
        }
        let Key { name, expects, .. } = key;
        Err(SettingError::Value { of: Self::NAME, name, expects, text: text.trim().to_owned() })
    }
}

/// A setting cannot be that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such key.
    #[error("`{of}` has no key `{name}`, but {known}")]
    Unknown {
        /// What was to be set.
        of: &'static str,
        /// The key that was given.
        name: String,
        /// The keys that there are.
        known: String,
    },
    /// The text is no such value.
    #[error("`{of}.{name}` cannot be `{text}`: give {expects}")]
    Value {
        /// What was to be set.
        of: &'static str,
        /// The key.
        name: &'static str,
        /// What a value must be.
        expects: &'static str,
        /// What was given.
        text: String,
    },
}

/// A [`Key`] of a field (or a field of a field) by the [`Form`] of its value.
#[macro_export]
#[doc(hidden)]
macro_rules! __setting_key {
    ($form:expr, $first:ident $(. $field:ident)*, $docs:literal) => {
        $crate::setting::__setting_key!(
            concat!(stringify!($first) $(, ".", stringify!($field))*), $form, $first $(. $field)*, $docs
        )
    };
    ($name:expr, $form:expr, $first:ident $(. $field:ident)*, $docs:literal) => {
        $crate::setting::Key {
            name: $name,
            docs: $docs,
            expects: $form.expects,
            set: |settings, text| match ($form.parse)(text) {
                Some(value) => {
                    settings.$first $(. $field)* = value;
                    true
                }
                None => false,
            },
            show: |settings| ($form.show)(&settings.$first $(. $field)*),
        }
    };
}

#[doc(hidden)]
pub use crate::__setting_key;
#[doc(inline)]
pub use crate::__setting_key as key;

impl<S> fmt::Debug for Key<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Form<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").field("expects", &self.expects).finish_non_exhaustive()
    }
}

/// `true` or `false`.
pub const SWITCH: Form<bool> =
    Form { expects: "`true` or `false`", parse: |text| text.parse().ok(), show: bool::to_string };

/// A whole number.
pub const NUMBER: Form<usize> = Form {
    expects: "a whole number, such as `100`",
    parse: |text| text.parse().ok(),
    show: usize::to_string,
};

/// A whole number that fits into 32 bits.
pub const NUMBER_32: Form<u32> = Form {
    expects: "a whole number below 2^32, such as `100`",
    parse: |text| text.parse().ok(),
    show: u32::to_string,
};

/// A number of bytes.
pub const SIZE: Form<usize> = Form {
    expects: "a number of bytes, such as `4MiB`, `16KiB` or `500`",
    parse: parse_size,
    show: show_size,
};

/// A duration of at most 1000 hours.
pub const DURATION: Form<Duration> = Form {
    expects: "a duration of at most 1000h with its unit, such as `500ms`, `20s`, `5m` or `1h`",
    parse: parse_duration,
    show: show_duration,
};

/// A share from 0 to 1.
pub const SHARE: Form<f64> = Form {
    expects: "a share from 0 to 1, such as `0.01`",
    parse: |text| text.parse().ok().filter(|share| (0.0..=1.0).contains(share)),
    show: f64::to_string,
};

/// A number that is not negative and not infinite.
pub const REAL: Form<f64> = Form {
    expects: "a number, such as `50` or `0.5`",
    parse: |text| text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0),
    show: f64::to_string,
};

/// Names, separated by commas.
pub const NAMES: Form<Vec<String>> = Form {
    expects: "`none`, or names separated by commas",
    parse: |text| Some(parse_names(text)),
    show: |names| if names.is_empty() { "none".to_owned() } else { names.join(",") },
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

/// As [`DURATION`] reads it.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let duration = Duration::from_millis(number.checked_mul(*milliseconds)?);
    (duration <= LONGEST).then_some(duration)
}

/// A duration as it stands in a file or the environment: `1500ms`.
#[must_use]
pub fn show_duration(duration: &Duration) -> String {
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
