//! Who decided that a call fails, and whether trying again may help.

use std::time::Duration;

/// Who decided that a call fails.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The business logic of this process. Such an answer never trips a breaker.
    Domain,
    /// The caller of this process: its stream of messages was no such stream, was too large, or
    /// broke off. It learns of it as it is.
    Caller,
    /// A layer of this process, by its name; the message says what it decided and why.
    Layer(&'static str),
    /// The peer that was called.
    Peer,
    /// The wire: a connection refused, bytes that are no message.
    Transport,
}

impl Origin {
    /// Whether the caller is told of the failure as it is.
    pub(crate) fn is_answer(self) -> bool {
        matches!(self, Origin::Domain | Origin::Caller)
    }
}

/// Whether trying the same call again may help.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It will fail again, or must not be repeated.
    No,
    /// It may help.
    Retry,
    /// It may help after this pause.
    After(Duration),
    /// The call was certainly never processed: it may be sent again even if it is not idempotent.
    NeverProcessed,
    /// It was already tried again below, or the budget for that is used up: nobody above may.
    Exhausted,
}
