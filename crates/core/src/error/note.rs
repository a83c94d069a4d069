//! What a layer has to say of a failure that it lets pass.

use std::borrow::Cow;
use std::fmt;

use super::Source;

/// A remark, and what caused the failure before anybody remarked on it.
#[derive(Debug)]
pub(super) struct Note {
    note: Cow<'static, str>,
    cause: Option<Source>,
}

impl Note {
    pub(super) fn new(note: Cow<'static, str>, cause: Option<Source>) -> Self {
        Note { note, cause }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.note)
    }
}

impl std::error::Error for Note {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Code, Error};

    #[test]
    fn a_note_stands_before_the_causes_and_takes_none_away() {
        let error = Error::new(Code::Unavailable, "busy").with_source("connection refused");
        let error = error.with_note("gave up after 3 attempts").with_note("and again");
        let causes = "and again: gave up after 3 attempts: connection refused";
        assert_eq!(error.causes().as_deref(), Some(causes));
    }
}
