//! The smallest service worth showing: a trait, its messages, its errors, and an implementation.
//! Everything else (wires, deadlines, clients, shutdown) comes with Kitfox.

use kitfox::Context;

/// Things to do with texts.
#[kitfox::service(package = "strings.v1")]
pub trait Strings {
    /// Upper-cases a text.
    #[endpoint(post = "/v1/uppercase", idempotent)]
    async fn uppercase(
        &self,
        cx: &Context,
        request: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError>;

    /// Counts the characters of a text.
    #[endpoint(get = "/v1/count/{text}", safe)]
    async fn count(
        &self,
        cx: &Context,
        request: CountRequest,
    ) -> Result<CountResponse, StringsError>;
}

/// What to upper-case.
#[kitfox::message]
pub struct UppercaseRequest {
    /// Any text but the empty one.
    pub text: String,
}

/// The text in upper case.
#[kitfox::message]
pub struct UppercaseResponse {
    /// As long as it needs to be: `ß` becomes `SS`.
    pub text: String,
}

/// What to count.
#[kitfox::message]
pub struct CountRequest {
    /// Any text.
    pub text: String,
}

/// How long it is.
#[kitfox::message]
pub struct CountResponse {
    /// In characters, not bytes.
    pub count: u64,
}

/// How it can fail.
#[kitfox::error]
pub enum StringsError {
    /// nothing to do: the text is empty
    #[code(InvalidArgument)]
    Empty,
    /// Everything that can happen to a call.
    #[call]
    Call(kitfox::Error),
}

/// The business logic.
#[derive(Debug)]
pub struct Service;

impl Strings for Service {
    async fn uppercase(
        &self,
        _: &Context,
        request: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError> {
        if request.text.is_empty() {
            return Err(StringsError::Empty);
        }
        Ok(UppercaseResponse { text: request.text.to_uppercase() })
    }

    async fn count(
        &self,
        _: &Context,
        request: CountRequest,
    ) -> Result<CountResponse, StringsError> {
        Ok(CountResponse { count: request.text.chars().count() as u64 })
    }
}
