//! The messages of `Uppercase` as users of serde and prost write them.

use serde::{Deserialize, Serialize};

/// A text.
#[derive(Clone, PartialEq, Deserialize, ::prost::Message)]
pub struct UppercaseRequest {
    /// The text.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// The same text in upper case.
#[derive(Clone, PartialEq, Serialize, ::prost::Message)]
pub struct UppercaseResponse {
    /// The text.
    #[prost(string, tag = "1")]
    pub text: String,
}

/// How long all texts of a stream are.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Measured {
    /// In bytes.
    #[prost(uint64, tag = "1")]
    pub bytes: u64,
}

/// The messages of every stream.
pub const REPEATED: usize = 1000;

/// What the JSON peers answer to an empty text.
#[derive(Serialize)]
pub struct Problem {
    /// What kind of error it is.
    pub code: &'static str,
    /// What it is.
    pub message: &'static str,
}

/// The answer to an empty text.
pub const EMPTY: Problem =
    Problem { code: "invalid_argument", message: "nothing to do: the text is empty" };

/// The business logic, the same for every peer. An empty text has no answer.
#[must_use]
pub fn uppercase(request: &UppercaseRequest) -> Option<UppercaseResponse> {
    if request.text.is_empty() {
        return None;
    }
    Some(UppercaseResponse { text: request.text.to_uppercase() })
}
