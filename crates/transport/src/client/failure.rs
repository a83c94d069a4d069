//! What goes wrong between two machines, in words that help.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use kitfox_core::{Code, Error, Origin, Recovery};

/// Why an exchange brought no answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether the connection was at fault and the callee has certainly seen nothing: another
    /// connection may do at once.
    pub(super) elsewhere: bool,
}

impl Failure {
    /// The call never reached the callee, because the connection was already ending.
    pub(super) fn unsent(peer: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("the call was not sent: the connection to {peer} is over: {why}");
        Failure { error: unavailable(message, Recovery::NeverProcessed), elsewhere: true }
    }

    /// The connection broke before the answer was whole. Nobody knows what the callee did.
    pub(super) fn broken(peer: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("the connection to {peer} broke before the answer came: {why}");
        unavailable(message, Recovery::Retry).into()
    }

    /// What came is not the protocol that was asked for.
    pub(super) fn garbage(peer: &str, why: impl std::fmt::Display, hint: &str) -> Self {
        let message = format!("what {peer} sent is not understood: {why}; {hint}");
        unavailable(message, Recovery::Retry).into()
    }

    /// The answer's headers are larger than the limit, and would be the next time.
    pub(super) fn head_too_large(peer: &str, limit: usize) -> Self {
        let message = format!(
            "the headers of the answer of {peer} are larger than {limit} bytes; \
             raise `header_bytes` in the limits of the channel if they are to be"
        );
        Error::new(Code::Internal, message).with_origin(Origin::Transport).into()
    }

    /// HTTP/2 is spoken, and this answer is not in it, or its headers are larger than the limit:
    /// which, the library does not tell.
    pub(super) fn unreadable(peer: &str, limit: usize) -> Self {
        let message = format!(
            "the headers of the answer of {peer} are larger than {limit} bytes, or are no HTTP/2; \
             raise `header_bytes` in the limits of the channel if they are to be so large"
        );
        Error::new(Code::Internal, message).with_origin(Origin::Transport).into()
    }

    /// The answer is larger than the limit.
    pub(super) fn too_large(peer: &str, limit: usize) -> Self {
        let message = format!(
            "the answer of {peer} is larger than {limit} bytes; \
             raise `answer_bytes` in the limits of the channel if it is to be"
        );
        Error::new(Code::ResourceExhausted, message).with_origin(Origin::Transport).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, elsewhere: false }
    }
}

/// Why there is no connection, for everybody who waited for it.
#[derive(Clone, Debug)]
pub(super) struct Refused(pub(super) String);

impl Refused {
    pub(super) fn by(peer: &str, cause: &io::Error) -> Self {
        let hint = match cause.kind() {
            io::ErrorKind::ConnectionRefused => "; is the service running there?",
            _ => "",
        };
        Refused(format!("could not connect to {peer}: {}{hint}", plainly(cause)))
    }

    /// No agreement on TLS: usually a certificate that nobody vouches for.
    #[cfg(feature = "tls")]
    pub(super) fn unbelieved(peer: &str, cause: &io::Error) -> Self {
        let why = plainly(cause);
        Refused(format!("could not speak TLS with {peer}: {why}; see `roots` of the channel"))
    }

    pub(super) fn silent(peer: &str, limit: Duration) -> Self {
        Refused(format!("could not connect to {peer} within {limit:?}; is it reachable?"))
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        unavailable(refused.0, Recovery::NeverProcessed)
    }
}

/// What an I/O error means, without the number that the operating system gives it.
pub(super) fn plainly(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "connection closed".into(),
        _ => cause.to_string(),
    }
}

/// An error with everything that caused it.
pub(super) fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = match cause.downcast_ref::<io::Error>() {
            Some(cause) => plainly(cause),
            None => cause.to_string(),
        };
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

fn unavailable(message: String, recovery: Recovery) -> Error {
    Error::new(Code::Unavailable, message).with_origin(Origin::Transport).with_recovery(recovery)
}
