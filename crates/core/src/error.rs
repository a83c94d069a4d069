//! The failure of a call: one small type, the same on every wire.

mod detail;
mod domain;
mod note;
mod origin;
mod refusal;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use detail::Detail;
pub use domain::{DomainError, ErrorSchema, ErrorVariant};
pub use origin::{Origin, Recovery};
pub use refusal::{Reason, is_failure, is_failure_of, refusal};

use crate::{Code, ResponseMetadata};
use note::Note;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a call failed, who decided it, and whether trying again may help.
///
/// It is one pointer wide, so that the good path does not pay for the bad one.
///
/// ```
/// use kitfox_core::{Code, Error};
///
/// let error = Error::new(Code::NotFound, "no order 7");
/// assert_eq!(error.code(), Code::NotFound);
/// assert_eq!(error.to_string(), "not_found: no order 7");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    origin: Origin,
    recovery: Recovery,
    message: Cow<'static, str>,
    details: Vec<Detail>,
    metadata: Option<Box<ResponseMetadata>>,
    source: Option<Source>,
}

impl Error {
    /// An answer of the business logic, which no caller makes again, whatever the code, unless
    /// [`Error::with_recovery`] or [`Error::retry_after`] says that it helps. A layer says
    /// [`Error::by_layer`], a transport [`Error::with_origin`].
    #[must_use]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            code,
            origin: Origin::Domain,
            recovery: Recovery::No,
            message: message.into(),
            details: Vec::new(),
            metadata: None,
            source: None,
        }))
    }

    /// The refusal of a layer: its name, and the decision with its reason (`"50/s, burst 10"`).
    #[must_use]
    pub fn by_layer(
        layer: &'static str,
        code: Code,
        decision: impl Into<Cow<'static, str>>,
    ) -> Self {
        let decision = decision.into();
        Error::new(code, decision).with_origin(Origin::Layer(layer))
    }

    /// The canonical code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, for a person. Of a layer's refusal this is the decision and its reason.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Typed details, in the order they were added.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        &self.0.details
    }

    /// Who decided.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin
    }

    /// Whether trying again may help, and when.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// Headers and trailers that came, or go, with this failure.
    #[must_use]
    pub fn metadata(&self) -> Option<&ResponseMetadata> {
        self.0.metadata.as_deref()
    }

    /// The same, to change.
    pub fn metadata_mut(&mut self) -> &mut ResponseMetadata {
        self.0.metadata.get_or_insert_default()
    }

    /// With another origin.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = origin;
        self
    }

    /// With another recovery.
    #[must_use]
    pub fn with_recovery(mut self, recovery: Recovery) -> Self {
        self.0.recovery = recovery;
        self
    }

    /// Says that trying again after `pause` may help.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        self.with_recovery(Recovery::After(pause))
    }

    /// With one more detail.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.0.details.push(detail);
        self
    }

    /// With the error that caused this one. It is for the log and never goes over a wire.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// With what a layer has to say that lets the failure pass: for the log, before the causes that
    /// are there, and never for a wire.
    ///
    /// ```
    /// use kitfox_core::{Code, Error};
    ///
    /// let error = Error::new(Code::Unavailable, "busy").with_note("gave up after 3 attempts");
    /// assert_eq!(error.message(), "busy");
    /// assert_eq!(error.causes().unwrap(), "gave up after 3 attempts");
    /// ```
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        let noted = Note::new(note.into(), self.0.source.take());
        self.with_source(noted)
    }

    /// What caused it, and what caused that: for the log, never for a wire.
    #[must_use]
    pub fn causes(&self) -> Option<String> {
        let first = std::error::Error::source(self)?;
        let causes = std::iter::successors(Some(first), |cause| cause.source());
        Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// This failure as the answer of a service that did not map it.
    ///
    /// What the business logic said itself stays as it is, and what is wrong with the messages of
    /// the caller. What a callee, a layer on the way to it
    /// or a wire said is another service's business: its code becomes `Internal` (`Unavailable`
    /// and `DeadlineExceeded` mean the same here and stay; a callee without capacity is
    /// `Unavailable`), and its message, details and metadata stay here, as the source, for the log.
    /// Two things go on: the [`Reason`] of a layer of this process, and that nobody above may try
    /// again ([`Recovery::Exhausted`]).
    #[must_use]
    pub fn into_answer(self) -> Error {
        if self.0.origin.is_answer() {
            return self;
        }
        let (code, message) = match self.0.code {
            Code::DeadlineExceeded => {
                (Code::DeadlineExceeded, "a call made on the way ran out of time")
            }
            Code::Unavailable | Code::ResourceExhausted => {
                (Code::Unavailable, "a service needed for the answer is unavailable")
            }
            Code::Canceled => (Code::Canceled, "the call was cancelled"),
            _ => (Code::Internal, "a call made on the way failed"),
        };
        let recovery = match self.0.recovery {
            Recovery::Exhausted => Recovery::Exhausted,
            // Nobody has tried again yet: whoever may call this service twice may do so.
            _ if code == Code::Unavailable => Recovery::Retry,
            _ => Recovery::No,
        };
        // Which of our own layers refused it, and why, is nobody's secret.
        let reason = match self.0.origin {
            Origin::Layer(_) => self.0.details.iter().find(|detail| refusal::is_reason(detail)),
            _ => None,
        };
        let mut answer = Error::new(code, message).with_recovery(recovery);
        answer.0.details.extend(reason.cloned());
        answer.with_source(self)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.code)?;
        if let Origin::Layer(layer) = self.0.origin {
            write!(f, " (by {layer})")?;
        }
        if !self.0.message.is_empty() {
            write!(f, ": {}", self.0.message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("origin", &self.0.origin)
            .field("recovery", &self.0.recovery)
            .field("message", &self.0.message)
            .field("details", &self.0.details)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn the_business_logics_own_words_stay() {
        let answer = Error::new(Code::NotFound, "no order 7").into_answer();
        assert_eq!((answer.code(), answer.message()), (Code::NotFound, "no order 7"));
    }

    #[test]
    fn a_callees_failure_is_not_the_callers_answer() {
        let theirs = Error::new(Code::NotFound, "no card 4711").with_origin(Origin::Peer);
        let answer = theirs.into_answer();
        assert_eq!(answer.code(), Code::Internal);
        assert!(!answer.message().contains("4711"));
        assert!(answer.source().expect("kept for the log").to_string().contains("4711"));
    }

    #[test]
    fn what_means_the_same_here_keeps_its_code() {
        for (theirs, ours) in [
            (Code::Unavailable, Code::Unavailable),
            (Code::DeadlineExceeded, Code::DeadlineExceeded),
            (Code::ResourceExhausted, Code::Unavailable),
            (Code::Unauthenticated, Code::Internal),
        ] {
            let answer = Error::new(theirs, "").with_origin(Origin::Peer).into_answer();
            assert_eq!(answer.code(), ours);
        }
    }

    #[test]
    fn what_nobody_may_try_again_stays_so_all_the_way_up() {
        let tried = Error::new(Code::Unavailable, "")
            .with_origin(Origin::Peer)
            .with_recovery(Recovery::Exhausted);
        assert_eq!(tried.into_answer().recovery(), Recovery::Exhausted);
        let later = Error::new(Code::Unavailable, "").with_origin(Origin::Peer);
        let later = later.retry_after(Duration::from_secs(1));
        let why = "another try may help; when is not ours to promise";
        assert_eq!(later.into_answer().recovery(), Recovery::Retry, "{why}");
    }

    #[test]
    fn a_layer_is_named() {
        let error = Error::by_layer("rate limit", Code::ResourceExhausted, "50/s, burst 10");
        assert_eq!(error.to_string(), "resource_exhausted (by rate limit): 50/s, burst 10");
    }

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
