//! Every call leaves one record, whatever becomes of it.
//!
//! The record begins when the call enters the layer and ends when the call does: with its answer,
//! with the last message of the stream that is its answer, with an error, or when whoever waits for
//! it goes away. What is done with it is the [`Observer`]'s business; where there is none, the layer
//! costs a look.

use std::borrow::BorrowMut;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, ready};

use pin_project_lite::pin_project;

use crate::contract::Method;
use crate::record::{Observer, Outcome, Recorder, Side, Volume};
use crate::{Context, Endpoint, Error, Layer, MethodNumber, Reply, Request};

mod attempt;
mod open;
mod stream;

pub use attempt::{AttemptRecording, AttemptRecordingEndpoint};
pub use open::OpenRecord;

/// Tells an [`Observer`] of every call.
#[derive(Clone, Copy, Debug)]
pub struct Recording(Side);

impl Recording {
    /// Of calls that a server answers. The observer is that of the platform where they run, and is
    /// looked for at the first call.
    #[must_use]
    pub fn server() -> Self {
        Recording(Side::Server)
    }

    /// Of calls that a client makes, each from first to last: its attempts are
    /// [`AttemptRecording`]'s.
    #[must_use]
    pub fn client() -> Self {
        Recording(Side::Client)
    }
}

impl<E: Endpoint> Layer<E> for Recording {
    type Endpoint = RecordingEndpoint<E>;

    fn layer(&self, method: &'static Method, inner: E) -> RecordingEndpoint<E> {
        RecordingEndpoint { records: Records::new(self.0, method), inner }
    }
}

/// The records of one method on one side.
struct Records {
    side: Side,
    method: &'static Method,
    number: MethodNumber,
    handles: OnceLock<Handles>,
}

struct Handles {
    observer: Arc<dyn Observer>,
    recorder: Arc<dyn Recorder>,
}

impl Handles {
    #[cold]
    fn new(observer: &Arc<dyn Observer>, side: Side, method: &'static Method) -> Self {
        let recorder = observer.method(side, method).into();
        Handles { observer: Arc::clone(observer), recorder }
    }
}

/// What records a call: the endpoint's own, or another host's that calls it as well.
enum Bound<'a> {
    Endpoint(&'a Arc<dyn Recorder>),
    Call(Arc<dyn Recorder>),
}

impl Bound<'_> {
    fn recorder(&self) -> &dyn Recorder {
        match self {
            Bound::Endpoint(recorder) => &***recorder,
            Bound::Call(recorder) => &**recorder,
        }
    }

    /// For longer than the endpoint is there.
    fn keep(self) -> Bound<'static> {
        Bound::Call(match self {
            Bound::Endpoint(recorder) => Arc::clone(recorder),
            Bound::Call(recorder) => recorder,
        })
    }
}

impl Records {
    fn new(side: Side, method: &'static Method) -> Self {
        let (number, handles) = (MethodNumber::of(method), OnceLock::new());
        Records { side, method, number, handles }
    }

    /// A call begins; nothing where nobody observes it.
    fn begin(&self, request: &mut Request) -> Option<OpenRecord<'_>> {
        let bound = self.bound(&request.context)?;
        Some(OpenRecord::begin(bound, self.side, self.number, request))
    }

    /// Who records a call; nobody where nobody observes it.
    #[inline]
    fn bound(&self, context: &Context) -> Option<Bound<'_>> {
        let observer = context.observer();
        let handles = match (self.handles.get(), observer) {
            (Some(handles), None) => handles,
            (Some(handles), Some(observer)) if Arc::ptr_eq(&handles.observer, observer) => handles,
            (Some(_), Some(observer)) => {
                return Some(Bound::Call(Handles::new(observer, self.side, self.method).recorder));
            }
            (None, Some(observer)) => {
                self.handles.get_or_init(|| Handles::new(observer, self.side, self.method))
            }
            (None, None) => return None,
        };
        Some(Bound::Endpoint(&handles.recorder))
    }
}

/// What became of a call, and the messages of its answer; nothing as yet where that is a stream.
#[inline]
fn ended(answer: &Result<Reply, Error>) -> Option<(Outcome<'_>, Volume)> {
    match answer {
        Ok(reply) => {
            let (bytes, status) = reply.message()?;
            Some((Outcome::Answered(status), Volume::one(bytes)))
        }
        Err(error) => Some((Outcome::Failed(error), Volume::default())),
    }
}

/// The records of a client's calls of one method, for a stack that keeps all that it knows of a call in
/// one future.
#[derive(Debug)]
pub struct ClientRecords(Records);

impl ClientRecords {
    /// Those of `method`.
    #[must_use]
    pub fn of(method: &'static Method) -> Self {
        ClientRecords(Records::new(Side::Client, method))
    }

    /// A call begins, and so does its record, where somebody observes it.
    #[inline(always)]
    pub fn begin<'a>(&'a self, record: &mut Option<OpenRecord<'a>>, request: &mut Request) {
        let Records { number, .. } = self.0;
        if let Some(bound) = self.0.bound(&request.context) {
            *record = Some(OpenRecord::begin(bound, Side::Client, number, request));
        }
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Records");
        debug.field("method", &self.method.path).field("side", &self.side).finish_non_exhaustive()
    }
}

/// An endpoint whose calls are recorded.
pub struct RecordingEndpoint<E> {
    records: Records,
    inner: E,
}

impl<E> std::fmt::Debug for RecordingEndpoint<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingEndpoint").field("records", &self.records).finish_non_exhaustive()
    }
}

impl<E: Endpoint> Endpoint for RecordingEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.record::<OpenRecord<'_>>(request)
    }
}

impl<E: Endpoint> RecordingEndpoint<E> {
    /// With each record that is not over in a box, where the endpoint itself is often in none that is
    /// observed: the futures around are moved, and every call is as large as its future.
    pub(super) fn boxed(self) -> BoxedRecordingEndpoint<E> {
        BoxedRecordingEndpoint(self)
    }

    fn record<'a, O>(
        &'a self,
        mut request: Request,
    ) -> impl Future<Output = Result<Reply, Error>> + Send + use<'a, E, O>
    where
        O: Opened<'a> + Send,
    {
        let Some(open) = self.records.begin(&mut request) else {
            return Calling::Unobserved { call: self.inner.call(request) };
        };
        let _entering = open.entering();
        let open = O::from(open);
        Calling::new(self.inner.call(request), open)
    }
}

/// A [`RecordingEndpoint`] whose records are in boxes while they are not over.
#[derive(Debug)]
pub(super) struct BoxedRecordingEndpoint<E>(RecordingEndpoint<E>);

impl<E: Endpoint> Endpoint for BoxedRecordingEndpoint<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.0.record::<Box<OpenRecord<'_>>>(request)
    }
}

pin_project! {
    #[project = CallingProjection]
    enum Calling<'a, F, O> {
        Unobserved {
            #[pin]
            call: F,
        },
        Recorded {
            #[pin]
            call: F,
            // After the call itself, so that what it says while it is dropped is in its record.
            open: O,
            // Whether it was not polled yet: then its beginning was just now.
            unpolled: bool,
            of: PhantomData<OpenRecord<'a>>,
        },
    }
}

impl<F, O> Calling<'_, F, O> {
    fn new(call: F, open: O) -> Self {
        Calling::Recorded { call, open, unpolled: true, of: PhantomData }
    }
}

/// Where a record is that is not over.
trait Opened<'a>: From<OpenRecord<'a>> + BorrowMut<OpenRecord<'a>> {
    /// Whether there is a method within.
    const SERVES: bool;
}

impl<'a> Opened<'a> for OpenRecord<'a> {
    const SERVES: bool = false;
}

impl<'a> Opened<'a> for Box<OpenRecord<'a>> {
    const SERVES: bool = true;
}

impl<'a, F, O> Future for Calling<'a, F, O>
where
    F: Future<Output = Result<Reply, Error>>,
    O: Opened<'a>,
{
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let (call, open, unpolled) = match self.project() {
            CallingProjection::Unobserved { call } => return call.poll(cx),
            CallingProjection::Recorded { call, open, unpolled, .. } => (call, open, unpolled),
        };
        let open = open.borrow_mut();
        let (answer, took) = {
            let _entered = open.entered();
            let _polled = open.polled(std::mem::take(unpolled), O::SERVES);
            (ready!(call.poll(cx)), open.took())
        };
        Poll::Ready(open.end_after(took, answer))
    }
}

#[cfg(test)]
mod tests;
