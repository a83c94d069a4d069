//! What goes into an endpoint.

use crate::{Context, Payload};

/// A call on its way in: its context and its encoded messages.
#[derive(Debug)]
pub struct Request {
    /// What travels with the call.
    pub context: Context,
    /// The messages.
    pub payload: Payload,
}

impl Request {
    /// A call of `payload` within `context`.
    #[must_use]
    pub fn new(context: Context, payload: Payload) -> Self {
        Request { context, payload }
    }

    /// The same call once more, for a retry; a stream can be sent only once.
    #[must_use]
    #[inline]
    pub fn try_clone(&self) -> Option<Request> {
        Some(Request { context: self.context.clone(), payload: self.payload.try_clone()? })
    }
}
