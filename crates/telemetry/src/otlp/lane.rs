//! The way of one signal to the collector: one batch at a time, again where it may help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kitfox_core::Platform;
use tokio::time::{Instant, sleep, timeout};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use super::batch::{Batch, Envelope, Partial};
use super::buffer::{Buffer, Loss};
use super::{Refused, Retry, Sender, Signal};

/// How long to wait between attempts, at most, while somebody waits for everything to be sent.
const HURRIED: Duration = Duration::from_millis(200);

/// The way of one signal.
pub(super) struct Lane {
    pub(super) signal: Signal,
    pub(super) buffer: Arc<Buffer>,
    pub(super) envelope: Arc<Envelope>,
    pub(super) sender: Arc<dyn Sender>,
    pub(super) platform: Platform,
    /// How long an answer may take.
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    /// Whether it was said that the collector takes nothing.
    pub(super) failing: AtomicBool,
    /// Whether it was said that something is lost.
    pub(super) losing: AtomicBool,
}

impl Lane {
    /// Waits for the first item, and a while for others.
    pub(super) async fn gather(&self, interval: Duration) {
        while self.buffer.is_empty() && !self.buffer.is_urgent() {
            self.buffer.wake.notified().await;
        }
        self.wait(interval).await;
    }

    /// Waits, unless there is no reason to; says whether it waited to the end.
    pub(super) async fn wait(&self, interval: Duration) -> bool {
        let waited = sleep(interval);
        let mut waited = std::pin::pin!(waited);
        while !self.buffer.is_urgent() {
            tokio::select! {
                biased;
                () = self.buffer.wake.notified() => {}
                () = &mut waited => return true,
            }
        }
        false
    }

    /// Sends what there is.
    pub(super) async fn send_all(&self) {
        while let Some(batch) = self.buffer.take() {
            self.send(batch).await;
        }
    }

    async fn send(&self, batch: Batch) {
        let items = batch.items;
        let hand = Hand { buffer: &self.buffer, bytes: batch.len(), items, ended: true };
        let request = self.envelope.seal(batch);
        let (begin, mut attempts) = (Instant::now(), 0);
        loop {
            let refused = match self.attempt(&request).await {
                Ok(answer) => return self.took(hand, &answer),
                Err(refused) => refused,
            };
            attempts += 1;
            if !refused.retry {
                return self.lose(hand, Loss::Refused, &refused);
            }
            let random = self.platform.random();
            let wait = self.retry.wait(attempts, refused.after, random);
            if begin.elapsed() + wait > self.retry.give_up {
                return self.lose(hand, Loss::GaveUp, &refused);
            }
            self.fails(&refused);
            self.rest(wait).await;
        }
    }

    /// What the sender logs is not heard: it would be exported in turn, and so on. A subscriber that
    /// hears nothing would do the same, and make every event of the process be looked at ever after.
    async fn attempt(&self, request: &Bytes) -> Result<Bytes, Refused> {
        let sent = self.sender.send(self.signal, request.clone());
        let sent = timeout(self.timeout, sent).with_subscriber(Dispatch::none()).await;
        sent.unwrap_or_else(|_| {
            let limit = self.timeout;
            Err(Refused::for_now(format!("the collector gave no answer within {limit:?}")))
        })
    }

    async fn rest(&self, wait: Duration) {
        let rested = sleep(wait);
        let mut rested = std::pin::pin!(rested);
        loop {
            if self.buffer.is_hurried() {
                return sleep(wait.min(HURRIED)).await;
            }
            tokio::select! {
                biased;
                () = self.buffer.wake.notified() => {}
                () = &mut rested => return,
            }
        }
    }

    fn took(&self, mut hand: Hand<'_>, answer: &[u8]) {
        hand.ended = false;
        let signal = self.signal.name();
        let Partial { rejected, why } = Partial::read(answer);
        if rejected > 0 || !why.is_empty() {
            self.buffer.losses.of(Loss::Rejected).add(rejected.min(hand.items));
            tracing::warn!(signal, rejected, why, "the collector took not everything");
        }
        let failed = self.failing.swap(false, Ordering::Relaxed);
        if self.losing.swap(false, Ordering::Relaxed) || failed {
            tracing::info!(signal, "the collector takes it again");
        }
    }

    /// Says so once, until something is taken again: a line that tells of a lost line would be lost
    /// and told of in turn. How much it is, the metrics say.
    fn lose(&self, mut hand: Hand<'_>, loss: Loss, refused: &Refused) {
        hand.ended = false;
        self.buffer.losses.of(loss).add(hand.items);
        let (signal, items, reason, why) =
            (self.signal.name(), hand.items, loss.name(), &*refused.why);
        if !self.losing.swap(true, Ordering::Relaxed) {
            tracing::warn!(signal, items, reason, why, "telemetry is lost: it cannot be exported");
        }
    }

    /// Says so once.
    fn fails(&self, refused: &Refused) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            let (signal, why) = (self.signal.name(), &*refused.why);
            tracing::warn!(signal, why, "the collector does not take it: it is tried again");
        }
    }
}

/// Holds a batch that is being sent, and settles it even if the task is ended meanwhile.
struct Hand<'a> {
    buffer: &'a Buffer,
    bytes: usize,
    items: u64,
    ended: bool,
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        if self.ended {
            self.buffer.losses.of(Loss::Ended).add(self.items);
        }
        self.buffer.settle(self.bytes, self.items);
    }
}
