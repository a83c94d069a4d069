//! The one error of these programs: what was being done, and why it did not work.

use std::fmt::Display;

/// What was being done when it went wrong, and the reason.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {why}")]
pub struct Failure {
    doing: String,
    why: String,
}

impl Failure {
    /// `doing` did not work, because of `why`.
    pub fn new(doing: impl Display, why: impl Display) -> Self {
        Self { doing: doing.to_string(), why: why.to_string() }
    }
}

/// Says what was being done, where a foreign error only says what went wrong.
pub trait While<T> {
    /// The same with what was being done.
    ///
    /// # Errors
    /// Where this is one.
    fn failed_while(self, doing: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn failed_while(self, doing: impl Display) -> Result<T, Failure> {
        self.map_err(|why| Failure::new(doing, why))
    }
}
