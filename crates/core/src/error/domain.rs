//! The bridge between a service's own error enum and [`Error`].

use super::{Detail, Error, Origin, Recovery};
use crate::Code;
use crate::message::MessageSchema;
use crate::types::rpc::ErrorInfo;

/// A service's own errors: what `#[kitfox::error]` makes of an enum.
///
/// Layers and wires see only the [`Error`]; the two ends of a call see the enum again.
/// [`Error`] implements it too, for a service that needs no errors of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error of a service",
    label = "no error that a wire knows",
    note = "put #[kitfox::error] before the enum, or write `kitfox::Error` where a service has no errors of its own"
)]
pub trait DomainError: Sized + Send + 'static {
    /// What the contract knows of these errors.
    const SCHEMA: &'static ErrorSchema;

    /// As it goes to the caller: the variant's code, with the variant among the details.
    fn into_error(self) -> Error;

    /// As it came from the callee: the variant that the details name, and the variant marked
    /// `#[call]` for everything else.
    fn from_error(error: Error) -> Self;
}

impl DomainError for Error {
    const SCHEMA: &'static ErrorSchema = &ErrorSchema { domain: "", variants: &[] };

    fn into_error(self) -> Error {
        self
    }

    fn from_error(error: Error) -> Self {
        error
    }
}

/// A service's errors as data.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorSchema {
    /// The name that tells these errors from others' (`google.rpc.ErrorInfo.domain`).
    pub domain: &'static str,
    /// Each error.
    pub variants: &'static [ErrorVariant],
}

impl ErrorSchema {
    /// The error that the variant at `index` is, which says `message`.
    #[must_use]
    pub fn error(&self, index: usize, message: String) -> Error {
        let variant = &self.variants[index];
        let info = ErrorInfo {
            reason: variant.reason.to_owned(),
            domain: self.domain.to_owned(),
            ..ErrorInfo::default()
        };
        Error::new(variant.code, message)
            .with_recovery(variant.recovery)
            .with_detail(Detail::new(&info))
    }

    /// Which variant `error` is; `None` where it is none of these.
    ///
    /// Its details alone decide, for a code says little. A layer or a wire never speaks for
    /// a service.
    #[must_use]
    pub fn variant_of(&self, error: &Error) -> Option<usize> {
        if !matches!(error.origin(), Origin::Domain | Origin::Peer) {
            return None;
        }
        let mut infos = error.details().iter().filter_map(Detail::decode::<ErrorInfo>);
        let info = infos.find(|info| info.domain == self.domain)?;
        self.variants.iter().position(|variant| variant.reason == info.reason)
    }
}

/// One error of a service as data.
#[derive(Debug)]
pub struct ErrorVariant {
    /// Its name on every wire (`google.rpc.ErrorInfo.reason`), in `UPPER_SNAKE_CASE`.
    pub reason: &'static str,
    /// Its code.
    pub code: Code,
    /// Whether trying again may help.
    pub recovery: Recovery,
    /// What it means, from the doc comment.
    pub docs: &'static str,
    /// Whether it is no longer given.
    pub deprecated: bool,
    /// The message among its details that holds its fields, where it has any.
    pub detail: Option<fn() -> &'static MessageSchema>,
}

/// The same for callers: the message of its fields is known by name.
impl PartialEq for ErrorVariant {
    fn eq(&self, other: &Self) -> bool {
        let known = |variant: &Self| {
            let detail = variant.detail.map(|detail| detail().name);
            (variant.reason, variant.code, variant.recovery, variant.docs, detail)
        };
        known(self) == known(other) && self.deprecated == other.deprecated
    }
}

impl Eq for ErrorVariant {}
