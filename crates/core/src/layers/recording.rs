//! Every call leaves one record, whatever becomes of it.
//!
//! The record begins when the call enters the layer and ends when the call does: with its answer,
//! with the last message of the stream that is its answer, with an error, or when whoever waits for
//! it goes away. What is done with it is the [`Observer`]'s business; where there is none, the layer
//! costs a look.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::contract::Method;
use crate::record::{Observer, Outcome, Record, Recorder, Side, Stage, Ticket, Volume};
use crate::{Body, Context, Endpoint, Error, Layer, Payload, Reply, Request};

mod stream;

use stream::{Counted, Counts, RecordedStream};

/// Tells an [`Observer`] of every call.
#[derive(Clone)]
pub struct Recording {
    side: Side,
    observer: Option<Arc<dyn Observer>>,
}

impl Recording {
    /// For calls seen from `side`. The observer is that of the platform where they run, and is
    /// looked for at the first call.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Recording { side, observer: None }
    }

    /// Tells `observer`, whose handles are bound at once.
    #[must_use]
    pub fn observed_by(mut self, observer: Option<Arc<dyn Observer>>) -> Self {
        self.observer = observer;
        self
    }
}

impl<E: Endpoint> Layer<E> for Recording {
    type Endpoint = RecordingEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> RecordingEndpoint<E> {
        let bound = OnceLock::new();
        if let Some(observer) = &self.observer {
            let _ = bound.set(Bound::new(observer, self.side, method));
        }
        RecordingEndpoint { side: self.side, method, bound, inner }
    }
}

/// An endpoint whose calls are recorded.
pub struct RecordingEndpoint<E> {
    side: Side,
    method: &'static Method,
    bound: OnceLock<Bound>,
    inner: E,
}

#[derive(Clone)]
struct Bound {
    observer: Arc<dyn Observer>,
    recorder: Arc<dyn Recorder>,
}

impl Bound {
    #[cold]
    fn new(observer: &Arc<dyn Observer>, side: Side, method: &'static Method) -> Self {
        let recorder = observer.method(side, method).into();
        Bound { observer: Arc::clone(observer), recorder }
    }
}

impl<E> RecordingEndpoint<E> {
    fn recorder(&self, context: &Context) -> Option<Arc<dyn Recorder>> {
        let observer = context.observer();
        let bound = match (self.bound.get(), observer) {
            (Some(bound), None) => bound,
            (Some(bound), Some(observer)) if Arc::ptr_eq(&bound.observer, observer) => bound,
            // Called from another host as well, which has handles of its own.
            (Some(_), Some(observer)) => {
                return Some(Bound::new(observer, self.side, self.method).recorder);
            }
            (None, Some(observer)) => {
                self.bound.get_or_init(|| Bound::new(observer, self.side, self.method))
            }
            (None, None) => return None,
        };
        Some(Arc::clone(&bound.recorder))
    }
}

impl<E: Endpoint> Endpoint for RecordingEndpoint<E> {
    fn call(&self, mut request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let mut open = None;
        if let Some(recorder) = self.recorder(&request.context) {
            request.context.enter_method(self.method);
            let mut begun = Open::begin(recorder, self.side, &mut request.context);
            request.payload = begun.count(request.payload);
            open = Some(Box::new(begun));
        }
        Calling { inner: self.inner.call(request), open }
    }
}

impl<E> std::fmt::Debug for RecordingEndpoint<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingEndpoint")
            .field("method", &self.method.path)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("side", &self.side).finish_non_exhaustive()
    }
}

/// A record that is not over. Dropping it says that nobody waited for the end.
struct Open {
    /// None when it is over.
    recorder: Option<Arc<dyn Recorder>>,
    side: Side,
    context: Context,
    ticket: Ticket,
    started: Instant,
    request: Volume,
    /// What of a request that is a stream has gone by.
    streamed: Option<Arc<Counts>>,
    reply: Volume,
}

impl Open {
    fn begin(recorder: Arc<dyn Recorder>, side: Side, context: &mut Context) -> Self {
        let (started, stage) = match side {
            Side::Server => (context.started(), Stage::Layers),
            Side::Client => (None, Stage::Layers),
            Side::Attempt => (None, Stage::Channel),
        };
        let started = started.unwrap_or_else(Instant::now);
        context.enter_stage(stage);
        let ticket = recorder.begin(context);
        Open {
            recorder: Some(recorder),
            side,
            context: context.clone(),
            ticket,
            started,
            request: Volume::default(),
            streamed: None,
            reply: Volume::default(),
        }
    }

    fn count(&mut self, payload: Payload) -> Payload {
        if let Body::Unary(message) = payload.body() {
            self.request = Volume::one(message.len());
            return payload;
        }
        let counts = Arc::<Counts>::default();
        self.streamed = Some(Arc::clone(&counts));
        let codec = payload.codec();
        let messages = payload.into_stream().wrap(|messages| Counted { messages, counts });
        Payload::stream(codec, messages)
    }

    fn close(&mut self, outcome: Outcome<'_>) {
        let Some(recorder) = self.recorder.take() else { return };
        let request = self.streamed.as_deref().map_or(self.request, Counts::volume);
        let (received, sent) = match self.side {
            Side::Server => (request, self.reply),
            Side::Client | Side::Attempt => (self.reply, request),
        };
        recorder.end(&Record {
            context: &self.context,
            ticket: self.ticket,
            started: self.started,
            ended: Instant::now(),
            outcome,
            received,
            sent,
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close(Outcome::Dropped);
    }
}

pin_project! {
    struct Calling<F> {
        #[pin]
        inner: F,
        // After the call itself, so that what it says while it is dropped is in its record. In a
        // box: where nobody observes, the future is moved often and should hold little.
        open: Option<Box<Open>>,
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Calling<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = {
            let _entered = this.open.as_ref().map(|open| open.context.enter());
            ready!(this.inner.poll(cx))
        };
        let Some(open) = this.open else { return Poll::Ready(answer) };
        let reply = match answer {
            Ok(reply) => reply,
            Err(error) => {
                open.close(Outcome::Failed(&error));
                return Poll::Ready(Err(error));
            }
        };
        let status = reply.metadata().and_then(|metadata| metadata.status);
        if let Body::Unary(message) = reply.payload().body() {
            open.reply = Volume::one(message.len());
            open.close(Outcome::Answered(status));
            return Poll::Ready(Ok(reply));
        }
        open.context.enter_stage(Stage::Stream);
        let open = this.open.take().expect("looked at just above");
        let wrap = |messages| RecordedStream { messages, open: *open, status };
        Poll::Ready(Ok(reply.wrap_stream(wrap)))
    }
}

#[cfg(test)]
mod tests;
