//! A stream that has begun well, and may still break.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::Stream;
use kitfox_core::contract::Method;
use kitfox_core::{Error, MessageStream};

use super::Breaker;
use super::circuit::{Circuit, Pass};
use crate::{Mode, is_failure_of};

/// The messages of a call that passed and was answered.
pub(super) struct Watched {
    pub(super) messages: MessageStream,
    pub(super) breaker: Breaker,
    pub(super) method: &'static Method,
    pub(super) circuit: Arc<Circuit>,
    pub(super) pass: Pass,
}

impl Stream for Watched {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.messages).poll_next(cx);
        if let Poll::Ready(Some(Err(error))) = &next {
            self.broke(error);
        }
        next
    }
}

impl Watched {
    #[cold]
    fn broke(&self, error: &Error) {
        let shared = &*self.breaker.0;
        let settings = shared.settings.load();
        if !is_failure_of(self.method, error)
            || settings.mode == Mode::Off
            || settings.force.is_some()
        {
            return;
        }
        let circuit = shared.circuit(settings.scope, &self.circuit);
        circuit.fail_late(self.pass, &settings, &shared.counts);
    }
}
