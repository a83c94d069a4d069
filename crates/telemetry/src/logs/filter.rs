//! Which lines are written: a level for everything, and others for parts of the code.

use std::fmt;
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;

/// Which lines are written: `info,my_crate::db=debug,hyper=off`.
///
/// A level alone is for everything; `target=level` is for what comes from that target, a module,
/// and from those below it. The longest target that fits decides. Levels are `off`, `error`,
/// `warn`, `info`, `debug` and `trace`; each takes in those before it. Where no level stands alone,
/// nothing else is written. The default is `info`.
///
/// ```
/// use kitfox_telemetry::logs::Filter;
/// use tracing::Level;
///
/// let filter: Filter = "info,shop::db=debug".parse().unwrap();
/// assert!(filter.enables(Level::DEBUG, "shop::db::pool"));
/// assert!(!filter.enables(Level::DEBUG, "shop::dbase"));
/// assert_eq!("info,shop=loud".parse::<Filter>().unwrap_err().to_string(),
///     "`loud` in `shop=loud` is no level: use off, error, warn, info, debug or trace");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    everything: LevelFilter,
    /// The longest first.
    targets: Vec<(String, LevelFilter)>,
}

/// The text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// A level that there is not.
    #[error("`{level}` in `{part}` is no level: use off, error, warn, info, debug or trace")]
    Level {
        /// What stands where a level should.
        level: String,
        /// The part of the filter where it stands.
        part: String,
    },
    /// A target that no line can have.
    #[error(
        "`{part}` has no target before its `=`: write `my_crate::module=debug`, or `debug` for everything"
    )]
    Target {
        /// The part of the filter.
        part: String,
    },
    /// Two levels for one thing.
    #[error("the filter has two levels for {what}: leave one of them out")]
    Twice {
        /// The target, or that it is for everything.
        what: String,
    },
    /// Nothing.
    #[error("the filter is empty: write `info`, or `off` if nothing shall be logged")]
    Empty,
}

impl Filter {
    /// Whether lines of that level are written that come from `target`.
    #[must_use]
    pub fn enables(&self, level: Level, target: &str) -> bool {
        level <= self.level(target)
    }

    /// The finest level that is written of what comes from `target`.
    fn level(&self, target: &str) -> LevelFilter {
        let found = self.targets.iter().find(|(prefix, _)| is_within(target, prefix));
        found.map_or(self.everything, |(_, level)| *level)
    }

    /// The finest level that is written at all.
    pub(super) fn finest(&self) -> LevelFilter {
        let levels = self.targets.iter().map(|(_, level)| *level);
        levels.fold(self.everything, LevelFilter::max)
    }
}

/// Whether `target` is `prefix` or below it.
fn is_within(target: &str, prefix: &str) -> bool {
    let Some(rest) = target.strip_prefix(prefix) else { return false };
    !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
}

impl Default for Filter {
    fn default() -> Self {
        Filter { everything: LevelFilter::INFO, targets: Vec::new() }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut everything = None;
        let mut targets: Vec<(String, LevelFilter)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((target, level)) = part.split_once('=') else {
                if everything.replace(parse_level(part, part)?).is_some() {
                    return Err(FilterError::Twice { what: "everything".to_owned() });
                }
                continue;
            };
            let (target, level) = (target.trim(), parse_level(level.trim(), part)?);
            if target.is_empty() {
                return Err(FilterError::Target { part: part.to_owned() });
            }
            if targets.iter().any(|(known, _)| known == target) {
                return Err(FilterError::Twice { what: format!("`{target}`") });
            }
            targets.push((target.to_owned(), level));
        }
        if everything.is_none() && targets.is_empty() {
            return Err(FilterError::Empty);
        }
        targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(Filter { everything: everything.unwrap_or(LevelFilter::OFF), targets })
    }
}

fn parse_level(level: &str, part: &str) -> Result<LevelFilter, FilterError> {
    Ok(match level.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return Err(FilterError::Level { level: level.to_owned(), part: part.to_owned() }),
    })
}

/// As it is parsed.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.everything)?;
        for (target, level) in &self.targets {
            write!(f, ",{target}={level}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Filter {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_target_decides() {
        let filter = filter("warn, shop=info,shop::db=trace ,shop::db::pool=off");
        assert!(filter.enables(Level::WARN, "other"));
        assert!(!filter.enables(Level::INFO, "other"));
        assert!(filter.enables(Level::INFO, "shop::cart"));
        assert!(filter.enables(Level::TRACE, "shop::db"));
        assert!(filter.enables(Level::TRACE, "shop::db::query"));
        assert!(!filter.enables(Level::ERROR, "shop::db::pool::idle"));
        assert!(!filter.enables(Level::INFO, "shopping"));
    }

    #[test]
    fn a_filter_is_shown_as_it_is_read() {
        for text in ["info", "off,shop=debug", "info,shop::db=trace,hyper=off"] {
            assert_eq!(filter(text).to_string(), text);
            assert_eq!(filter(&filter(text).to_string()), filter(text));
        }
        assert_eq!(filter("shop=INFO").to_string(), "off,shop=info");
    }

    #[test]
    fn what_is_no_filter_says_how_to_mend_it() {
        let why = |text: &str| text.parse::<Filter>().unwrap_err();
        assert!(matches!(why("verbose"), FilterError::Level { .. }));
        assert!(matches!(why("a=b=info"), FilterError::Level { level, .. } if level == "b=info"));
        assert!(matches!(why("=info"), FilterError::Target { .. }));
        assert!(matches!(why("info,warn"), FilterError::Twice { .. }));
        assert!(matches!(why("a=info,a=warn"), FilterError::Twice { what } if what == "`a`"));
        assert_eq!(why(" , "), FilterError::Empty);
    }
}
