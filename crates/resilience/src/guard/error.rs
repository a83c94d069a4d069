//! What becomes of a guarded call that fails.

use kitfox_core::{Code, Error, Origin, Recovery};

use super::GUARD;
use crate::hedge::Answer;

/// What an error of a guarded function means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is an answer: no such row, a card that is declined. It opens no breaker, and nobody asks
    /// again.
    Answer,
    /// What is called fails, and this is whether asking again may help.
    Failure(Recovery),
}

/// A guarded call failed.
///
/// With `?` in a method that answers with [`Error`] it becomes one, which goes to the caller as
/// any failure of a callee does, and says up the chain whether somebody tried again.
#[derive(Debug, thiserror::Error)]
pub enum GuardError<E> {
    /// By an error of the function itself.
    #[error("{error}")]
    Failed {
        /// The function's own.
        error: E,
        /// Whether trying again may help; [`Recovery::Exhausted`] where that was done.
        recovery: Recovery,
    },
    /// By a layer's decision: the breaker is open, there was no answer in time.
    #[error(transparent)]
    Refused(Error),
}

impl<E> GuardError<E> {
    /// Whether trying again may help, and when.
    pub fn recovery(&self) -> Recovery {
        match self {
            GuardError::Failed { recovery, .. } => *recovery,
            GuardError::Refused(error) => error.recovery(),
        }
    }
}

impl<T, E> Answer for Result<T, GuardError<E>> {
    fn failed(&self) -> Option<Recovery> {
        self.as_ref().err().map(GuardError::recovery)
    }
}

impl<E> From<GuardError<E>> for Error
where
    E: std::error::Error + Send + Sync + 'static,
{
    fn from(error: GuardError<E>) -> Self {
        match error {
            GuardError::Refused(error) => error,
            GuardError::Failed { error, recovery } => {
                let code = code(recovery);
                Error::by_layer(GUARD, code, "a guarded call failed")
                    .with_recovery(recovery)
                    .with_source(error)
            }
        }
    }
}

/// How a failure is recorded.
pub(super) fn record(judgement: Judgement, message: String) -> Error {
    match judgement {
        Judgement::Answer => Error::new(Code::Unknown, message),
        Judgement::Failure(recovery) => {
            Error::new(code(recovery), message).with_origin(Origin::Peer).with_recovery(recovery)
        }
    }
}

fn code(recovery: Recovery) -> Code {
    match recovery {
        Recovery::No => Code::Internal,
        _ => Code::Unavailable,
    }
}
