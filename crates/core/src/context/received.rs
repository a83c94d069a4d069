//! What comes back with an answer beside its messages, for a caller who wants to know.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Context;
use crate::{Metadata, ResponseMetadata};

/// Headers and trailers of an answer, on the caller's side: [`Context::receiving`].
///
/// Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Received(Arc<Mutex<ResponseMetadata>>);

impl Received {
    /// The headers: there when the call has its answer, or the stream that is its answer.
    #[must_use]
    pub fn headers(&self) -> Metadata {
        self.slot().headers.clone()
    }

    /// The trailers: there when the call has its answer; of a stream, when that has ended.
    #[must_use]
    pub fn trailers(&self) -> Metadata {
        self.slot().trailers.clone()
    }

    pub(crate) fn set(&self, metadata: Option<&ResponseMetadata>) {
        *self.slot() = metadata.cloned().unwrap_or_default();
    }

    /// What a stream ended with.
    pub(crate) fn end_with(&self, trailers: Metadata) {
        self.slot().trailers = trailers;
    }

    fn slot(&self) -> MutexGuard<'_, ResponseMetadata> {
        // Nothing that holds it can panic halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Context {
    /// A context whose next call keeps the headers and trailers of its answer, and where they are
    /// kept. With several calls in this context, those of the one that ended last.
    ///
    /// ```
    /// # let cx = kitfox_core::Context::background();
    /// let (cx, received) = cx.receiving();
    /// // let answer = strings.uppercase(&cx, request).await?;
    /// let request_id = received.headers().text("x-request-id").map(str::to_owned);
    /// # assert_eq!(request_id, None);
    /// ```
    pub fn receiving(&self) -> (Self, Received) {
        let received = Received::default();
        let mut travel = self.0.travel.clone();
        travel.received = Some(received.clone());
        (self.link(travel, None), received)
    }

    /// Where the answer's metadata are to be kept, if anybody wants them.
    pub(crate) fn received(&self) -> Option<&Received> {
        self.0.travel.received.as_ref()
    }
}
