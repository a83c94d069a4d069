//! The one error of this program: what was being done, and why it did not work.

use std::fmt::Display;

/// What was being done when it went wrong, and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {why}")]
pub(crate) struct Failure {
    doing: String,
    why: String,
}

impl Failure {
    pub(crate) fn new(doing: impl Display, why: impl Display) -> Self {
        Self { doing: doing.to_string(), why: why.to_string() }
    }
}

/// Says what was being done, where a foreign error only says what went wrong.
pub(crate) trait While<T> {
    fn failed_while(self, doing: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn failed_while(self, doing: impl Display) -> Result<T, Failure> {
        self.map_err(|why| Failure::new(doing, why))
    }
}
