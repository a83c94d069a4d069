//! Whether a layer does what it decides.

use std::fmt;
use std::str::FromStr;

use kitfox_core::setting::Form;

/// Whether a layer does what it decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does.
    #[default]
    On,
    /// It decides nothing.
    Off,
    /// It decides and keeps its state, counts what it would have done, and does nothing: to see what
    /// a setting would mean before it means it.
    Dark,
}

/// The text is no mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a mode is `on`, `off` or `dark`")]
pub struct UnknownMode;

impl Mode {
    /// `on`, `off` or `dark`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::On => "on",
            Mode::Off => "off",
            Mode::Dark => "dark",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let modes = [Mode::On, Mode::Off, Mode::Dark];
        modes.into_iter().find(|mode| mode.name() == text).ok_or(UnknownMode)
    }
}

/// How a mode is written in settings.
pub(crate) const MODE: Form<Mode> = Form {
    expects: "`on`, `off` or `dark`",
    parse: |text| text.parse().ok(),
    show: Mode::to_string,
};
