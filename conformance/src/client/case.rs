//! One case: a call as the runner wants it, and what became of it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kitfox::message::DecodeError;
use kitfox::{CancelGuard, ChannelError, Context, Error, MetadataError, Received};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::channels::Channels;
use super::shapes;
use crate::messages::{
    Cancel, CancelTiming, ClientCompatRequest, ClientResponseResult, ConformancePayload,
};
use crate::{ConformanceService, failure, headers};

/// Why a call cannot be made. How it fails once it is made is no such thing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaseError {
    #[error("Kitfox's client has no {what} called {value}")]
    Missing { what: &'static str, value: String },
    #[error("the server's certificate cannot be believed: {0}")]
    Tls(#[from] kitfox::tls::TlsError),
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("a header cannot be sent: {0}")]
    Header(#[from] MetadataError),
    #[error("request {index} is no {name}")]
    Request { index: usize, name: &'static str },
    #[error("request {index} is no {name}: {source}")]
    Decode { index: usize, name: &'static str, source: DecodeError },
    #[error("one request belongs to the call, and there are {0}")]
    Requests(usize),
}

impl CaseError {
    pub(super) fn missing(what: &'static str, value: impl Debug) -> Self {
        CaseError::Missing { what, value: format!("{value:?}") }
    }
}

/// Makes the call that `request` describes.
pub(super) async fn run(
    channels: &Channels,
    request: ClientCompatRequest,
) -> Result<ClientResponseResult, CaseError> {
    let client = channels.client(&request)?;
    let (call, received) = Call::new(&request)?;
    let outcome = match request.method.as_deref().unwrap_or_default() {
        "Unary" => {
            shapes::unary(&call, &request, async |cx, message| client.unary(cx, message).await)
                .await?
        }
        "IdempotentUnary" => {
            let idempotent =
                async |cx: &Context, message| client.idempotent_unary(cx, message).await;
            shapes::unary(&call, &request, idempotent).await?
        }
        "Unimplemented" => {
            let unimplemented =
                async |cx: &Context, message| client.unimplemented(cx, message).await;
            shapes::unary(&call, &request, unimplemented).await?
        }
        "ServerStream" => shapes::server_stream(&call, &request, &client).await?,
        "ClientStream" => shapes::client_stream(&call, &request, &client).await?,
        "BidiStream" => shapes::bidi_stream(&call, &request, &client).await?,
        other => return Err(CaseError::missing("method", other)),
    };
    Ok(ClientResponseResult {
        response_headers: headers::told(&received.headers()),
        payloads: outcome.payloads,
        error: outcome.error.as_ref().map(failure::told),
        response_trailers: headers::told(&received.trailers()),
        num_unsent_requests: i32::try_from(outcome.unsent).unwrap_or(i32::MAX),
    })
}

/// What came back.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) payloads: Vec<ConformancePayload>,
    pub(super) error: Option<Error>,
    pub(super) unsent: usize,
}

/// A call that can be cancelled while it runs.
pub(super) struct Call {
    pub(super) cx: Context,
    guard: Mutex<Option<CancelGuard>>,
    timing: Timing,
    /// Told when the last request is on its way.
    closed: Notify,
}

/// When to cancel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    Never,
    InsteadOfClosing,
    AfterClosing(Duration),
    AfterAnswers(u32),
}

impl Call {
    fn new(request: &ClientCompatRequest) -> Result<(Arc<Call>, Received), CaseError> {
        let cx = Context::background().with_metadata(headers::metadata(&request.request_headers)?);
        let cx = match request.timeout_ms {
            Some(milliseconds) => cx.with_timeout(Duration::from_millis(milliseconds.into())),
            None => cx,
        };
        let (cx, guard) = cx.child();
        let (cx, received) = cx.receiving();
        let timing = Timing::of(request.cancel.as_ref());
        let guard = Mutex::new(Some(guard));
        let call = Call { cx, guard, timing, closed: Notify::new() };
        Ok((Arc::new(call), received))
    }

    /// Says that the last request is on its way. Whether the stream of requests ends now: it never
    /// does where the call is cancelled instead.
    pub(super) async fn close(&self) {
        if self.timing == Timing::InsteadOfClosing {
            self.cancel();
            std::future::pending::<()>().await;
        }
        self.closed.notify_one();
    }

    /// Says that so many answers came.
    pub(super) fn answered(&self, answers: usize) {
        if matches!(self.timing, Timing::AfterAnswers(most) if most as usize == answers) {
            self.cancel();
        }
    }

    /// Runs `work` to its end, and cancels the call beside it when it is time.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let cancelling = async {
            if let Timing::AfterClosing(delay) = self.timing {
                self.closed.notified().await;
                sleep(delay).await;
                self.cancel();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            outcome = work => outcome,
            () = cancelling => unreachable!("it never ends"),
        }
    }

    fn cancel(&self) {
        drop(self.guard.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Timing {
    fn of(cancel: Option<&Cancel>) -> Self {
        let Some(cancel) = cancel else { return Timing::Never };
        match cancel.cancel_timing {
            None => Timing::AfterClosing(Duration::ZERO),
            Some(CancelTiming::BeforeCloseSend) => Timing::InsteadOfClosing,
            Some(CancelTiming::AfterCloseSendMs(milliseconds)) => {
                Timing::AfterClosing(Duration::from_millis(milliseconds.into()))
            }
            Some(CancelTiming::AfterNumResponses(answers)) => Timing::AfterAnswers(answers),
        }
    }
}
