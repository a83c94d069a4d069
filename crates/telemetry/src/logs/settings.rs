//! What logs look like, and how much of them there may be.

use std::io::IsTerminal;
use std::str::FromStr;

use super::line::Form;
use super::{Filter, Redaction};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// [`Format::Pretty`] where standard output is a terminal, [`Format::Json`] where it is not.
    #[default]
    Auto,
    /// A JSON object a line.
    Json,
    /// `name=value` pairs.
    Logfmt,
    /// For people. In colour where standard output is a terminal that shows it, and the environment
    /// does not say `NO_COLOR`.
    Pretty,
}

/// The text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log format: use auto, json, logfmt or pretty")]
pub struct UnknownFormat(String);

/// What logs look like, and how much of them there may be.
///
/// ```
/// use kitfox_telemetry::logs::{Format, LogSettings, Logs};
///
/// let settings = LogSettings { filter: "info,shop=debug".parse()?, ..LogSettings::default() };
/// let logs = Logs::new(settings);
/// # Ok::<(), kitfox_telemetry::logs::FilterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// How lines are written.
    pub format: Format,
    /// Which are written; `info` by default.
    pub filter: Filter,
    /// The memory for lines that wait to be written; 1 MiB by default. What finds no room is
    /// dropped and counted.
    pub buffer_bytes: usize,
    /// The longest line; 16 KiB by default, 1 KiB at least. What is longer is cut.
    pub line_bytes: usize,
    /// What is hidden.
    pub redaction: Redaction,
    /// The members of a call's baggage that stand in its lines, as `baggage.<name>`; none by
    /// default.
    pub baggage: Vec<String>,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings {
            format: Format::Auto,
            filter: Filter::default(),
            buffer_bytes: 1024 * 1024,
            line_bytes: 16 * 1024,
            redaction: Redaction::default(),
            baggage: Vec::new(),
        }
    }
}

impl Format {
    pub(super) fn form(self) -> Form {
        let terminal = std::io::stdout().is_terminal();
        match self {
            Format::Auto if !terminal => Form::Json,
            Format::Json => Form::Json,
            Format::Logfmt => Form::Logfmt,
            Format::Auto | Format::Pretty => {
                Form::Pretty { colour: terminal && shows_colour(|name| std::env::var(name).ok()) }
            }
        }
    }
}

/// As <https://no-color.org> has it.
fn shows_colour(variable: impl Fn(&str) -> Option<String>) -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").as_deref() != Some("dumb")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "auto" => Ok(Format::Auto),
            "json" => Ok(Format::Json),
            "logfmt" => Ok(Format::Logfmt),
            "pretty" => Ok(Format::Pretty),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_not_shown_to_who_does_not_want_it() {
        let with = |no_color: Option<&str>, term: &str| {
            shows_colour(|name| match name {
                "NO_COLOR" => no_color.map(str::to_owned),
                _ => Some(term.to_owned()),
            })
        };
        assert!(with(None, "xterm"));
        assert!(with(Some(""), "xterm"));
        assert!(!with(Some("1"), "xterm"));
        assert!(!with(None, "dumb"));
    }

    #[test]
    fn an_unknown_format_names_those_that_there_are() {
        let why = "xml".parse::<Format>().unwrap_err().to_string();
        assert_eq!(why, "`xml` is no log format: use auto, json, logfmt or pretty");
    }
}
