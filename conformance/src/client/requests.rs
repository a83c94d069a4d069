//! The messages that a case sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox::Streaming;
use kitfox::message::Message;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::case::{Call, CaseError};
use crate::messages::ClientCompatRequest;

/// All of them.
pub(super) fn all<M: Message>(request: &ClientCompatRequest) -> Result<Vec<M>, CaseError> {
    let messages = request.request_messages.iter().enumerate().map(|(index, any)| {
        let name = M::NAME;
        let message = any.unpack().map_err(|source| CaseError::Decode { index, name, source })?;
        message.ok_or(CaseError::Request { index, name })
    });
    messages.collect()
}

/// The only one there is.
pub(super) fn single<M: Message>(request: &ClientCompatRequest) -> Result<M, CaseError> {
    let [message] = <[M; 1]>::try_from(all(request)?)
        .map_err(|messages| CaseError::Requests(messages.len()))?;
    Ok(message)
}

/// A stream of them, and how far it is.
pub(super) struct Requests {
    sent: Arc<AtomicUsize>,
    all: usize,
    /// A permit for each message that may be sent.
    turns: Arc<Semaphore>,
}

impl Requests {
    /// A stream of the messages of `request`, each after its pause. `by_turns` holds each but the
    /// first back until [`Requests::next_turn`], and the end of the stream, too.
    pub(super) fn stream<M: Message>(
        call: &Arc<Call>,
        request: &ClientCompatRequest,
        by_turns: bool,
    ) -> Result<(Self, Streaming<M>), CaseError> {
        let messages: Vec<M> = all(request)?;
        let sent = Arc::new(AtomicUsize::new(0));
        let permits = if by_turns { 1 } else { messages.len() };
        let turns = Arc::new(Semaphore::new(permits));
        let requests = Requests { sent: sent.clone(), all: messages.len(), turns: turns.clone() };
        let pause = Duration::from_millis(request.request_delay_ms.into());
        let call = Arc::clone(call);
        let stream = Streaming::produce(async move |stream| {
            for message in messages {
                sleep(pause).await;
                turns.acquire().await.expect("nobody closes it").forget();
                stream.send(message).await?;
                sent.fetch_add(1, Ordering::Relaxed);
            }
            if by_turns {
                turns.acquire().await.expect("nobody closes it").forget();
            }
            call.close().await;
            Ok(())
        });
        Ok((requests, stream))
    }

    /// Lets the next message go.
    pub(super) fn next_turn(&self) {
        self.turns.add_permits(1);
    }

    /// How many were not sent.
    pub(super) fn unsent(&self) -> usize {
        self.all - self.sent.load(Ordering::Relaxed)
    }
}
