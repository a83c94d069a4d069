//! Messages of `google.rpc`: what travels in the details of an error.

use std::collections::HashMap;

use super::{Any, Duration, message};

/// An error as gRPC sends it, details and all.
#[message(package = "google.rpc")]
pub struct Status {
    /// The canonical code, 0 for success.
    pub code: i32,
    /// For developers, in English.
    pub message: String,
    /// Messages that say more.
    pub details: Vec<Any>,
}

/// Why something failed, for programs.
#[message(package = "google.rpc")]
pub struct ErrorInfo {
    /// What went wrong, in `UPPER_SNAKE_CASE`, unique within the domain.
    pub reason: String,
    /// Whose reasons these are, such as `strings.v1.StringsError`.
    pub domain: String,
    /// What belongs to it.
    pub metadata: HashMap<String, String>,
}

/// When it is worth to try again.
#[message(package = "google.rpc")]
pub struct RetryInfo {
    /// How long to wait before.
    pub retry_delay: Option<Duration>,
}

/// What is wrong with a request.
#[message(package = "google.rpc")]
pub struct BadRequest {
    /// Each field that is wrong.
    pub field_violations: Vec<FieldViolation>,
}

/// One field that is wrong.
#[message(package = "google.rpc", name = "BadRequest.FieldViolation")]
pub struct FieldViolation {
    /// The path to the field.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
    /// The same for programs, in `UPPER_SNAKE_CASE`.
    pub reason: String,
    /// The same for people, in their language.
    pub localized_message: Option<LocalizedMessage>,
}

/// A text for people.
#[message(package = "google.rpc")]
pub struct LocalizedMessage {
    /// The language, such as `en-US`.
    pub locale: String,
    /// The text.
    pub message: String,
}
