//! The messages of `Uppercase` as users of serde and prost write them.

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Deserialize, ::prost::Message)]
pub(crate) struct UppercaseRequest {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

#[derive(Clone, PartialEq, Serialize, ::prost::Message)]
pub(crate) struct UppercaseResponse {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

/// How long all texts of a stream are.
#[derive(Clone, PartialEq, ::prost::Message)]
pub(crate) struct Measured {
    #[prost(uint64, tag = "1")]
    pub(crate) bytes: u64,
}

/// The messages of every stream.
pub(crate) const REPEATED: usize = 1000;

/// What the JSON peers answer to an empty text.
#[derive(Serialize)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

pub(crate) const EMPTY: Problem =
    Problem { code: "invalid_argument", message: "nothing to do: the text is empty" };

/// The business logic, the same for every peer.
pub(crate) fn uppercase(request: &UppercaseRequest) -> Option<UppercaseResponse> {
    if request.text.is_empty() {
        return None;
    }
    Some(UppercaseResponse { text: request.text.to_uppercase() })
}
