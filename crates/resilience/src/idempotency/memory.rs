//! Answers in this process: gone when it ends, and unknown to other replicas.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kitfox_core::Error;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::IdempotencySettings;
use super::store::{Claim, IdempotencyKey, IdempotencyStore, KeptAnswer, StoreFuture};
use crate::Live;

/// The store of a host that is given no other. It is bounded by number and bytes; the oldest answers
/// make room for new ones, and calls that run make room for nobody. An answer larger than all of it is
/// not kept.
#[derive(Debug)]
pub struct MemoryStore {
    settings: Live<IdempotencySettings>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<IdempotencyKey, Entry>,
    /// The answers, the oldest first. Some may be gone, or be others by now.
    oldest: VecDeque<(IdempotencyKey, u64)>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    fingerprint: u64,
    claim: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nobody ever gets a permit: it is closed when the call is over, which wakes who waits.
    Running(Arc<Semaphore>),
    Kept {
        answer: KeptAnswer,
        bytes: usize,
        until: Instant,
    },
}

impl Entry {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    /// Whether it is a call that runs, and has this claim.
    fn runs_under(&self, claim: u64) -> bool {
        self.claim == claim && self.is_running()
    }

    /// Whether it is an answer whose time is over.
    fn is_over(&self, now: Instant) -> bool {
        matches!(self.state, State::Kept { until, .. } if until <= now)
    }
}

impl MemoryStore {
    /// A store within the limits of these settings.
    #[must_use]
    pub fn new(settings: Live<IdempotencySettings>) -> Self {
        MemoryStore { settings, kept: Mutex::default() }
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much its answers take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn claim_now(&self, key: &IdempotencyKey, fingerprint: u64) -> Claim {
        let now = Instant::now();
        let most = self.settings.load().entries;
        let mut kept = self.lock();
        kept.expire(now);
        let known = kept.entries.get(key);
        if known.is_some_and(|entry| entry.is_over(now)) {
            kept.forget_early(key);
        } else if let Some(entry) = known {
            return match &entry.state {
                _ if entry.fingerprint != fingerprint => Claim::OtherRequest,
                State::Kept { answer, .. } => Claim::Kept(answer.clone()),
                State::Running(over) => {
                    let over = Arc::clone(over);
                    Claim::Running(Box::pin(async move {
                        let _ = over.acquire().await;
                    }))
                }
            };
        }
        while kept.entries.len() >= most {
            if !kept.forget_oldest() {
                return Claim::Full;
            }
        }
        kept.next += 1;
        let (claim, running) = (kept.next, Arc::new(Semaphore::new(0)));
        let entry = Entry { fingerprint, claim, state: State::Running(running) };
        kept.entries.insert(key.clone(), entry);
        Claim::New(claim)
    }

    fn keep_now(&self, key: &IdempotencyKey, claim: u64, answer: KeptAnswer, ttl: Duration) {
        let most = self.settings.load().bytes;
        let bytes = key.bytes() + answer.bytes();
        if bytes > most {
            return self.release(key, claim);
        }
        let mut kept = self.lock();
        let Some(entry) = kept.entries.get_mut(key).filter(|entry| entry.runs_under(claim)) else {
            return;
        };
        let until = Instant::now() + ttl;
        let before = std::mem::replace(&mut entry.state, State::Kept { answer, bytes, until });
        close(&before);
        kept.bytes += bytes;
        kept.oldest.push_back((key.clone(), claim));
        while kept.bytes > most && kept.forget_oldest() {}
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing that holds it can panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets answers whose time is over. All have about the same, so that the oldest go first.
    fn expire(&mut self, now: Instant) {
        while let Some((key, claim)) = self.oldest.front() {
            let entry = self.entries.get(key).filter(|entry| entry.claim == *claim);
            if entry.is_some_and(|entry| !entry.is_over(now)) {
                return;
            }
            self.forget_oldest();
        }
    }

    /// Forgets an answer before it is the oldest: it was kept for less time than those before it.
    #[cold]
    fn forget_early(&mut self, key: &IdempotencyKey) {
        self.forget(key);
        let Kept { entries, oldest, .. } = self;
        if oldest.len() > 2 * entries.len() + 16 {
            oldest.retain(|(key, claim)| entries.get(key).is_some_and(|it| it.claim == *claim));
        }
    }

    fn forget(&mut self, key: &IdempotencyKey) {
        if let Some(Entry { state: State::Kept { bytes, .. }, .. }) = self.entries.remove(key) {
            self.bytes -= bytes;
        }
    }

    /// Says whether there was one.
    fn forget_oldest(&mut self) -> bool {
        let Some((key, claim)) = self.oldest.pop_front() else { return false };
        if self.entries.get(&key).is_some_and(|entry| entry.claim == claim) {
            self.forget(&key);
        }
        true
    }
}

fn close(state: &State) {
    if let State::Running(over) = state {
        over.close();
    }
}

impl IdempotencyStore for MemoryStore {
    fn claim<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        fingerprint: u64,
    ) -> StoreFuture<'a, Result<Claim, Error>> {
        Box::pin(async move { Ok(self.claim_now(key, fingerprint)) })
    }

    fn keep<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        claim: u64,
        answer: KeptAnswer,
        ttl: Duration,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.keep_now(key, claim, answer, ttl) })
    }

    fn release(&self, key: &IdempotencyKey, claim: u64) {
        let mut kept = self.lock();
        if kept.entries.get(key).is_some_and(|entry| entry.runs_under(claim))
            && let Some(entry) = kept.entries.remove(key)
        {
            close(&entry.state);
        }
    }

    fn describe(&self) -> String {
        let settings = self.settings.load();
        let kept = self.lock();
        format!(
            "{} of {} keys in memory, {} of them run; {} of {} KiB",
            kept.entries.len(),
            settings.entries,
            kept.entries.values().filter(|entry| entry.is_running()).count(),
            kept.bytes.div_ceil(1024),
            settings.bytes / 1024,
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kitfox_core::message::Codec;

    use super::*;

    fn store(entries: usize, bytes: usize) -> MemoryStore {
        let settings = IdempotencySettings { entries, bytes, ..IdempotencySettings::default() };
        MemoryStore::new(Live::new(settings))
    }

    fn key(number: usize) -> IdempotencyKey {
        let key = number.to_string().into();
        IdempotencyKey { principal: None, method: "/test.v1.Test/Call", key }
    }

    fn answer(bytes: usize) -> KeptAnswer {
        let message = Bytes::from(vec![0; bytes]);
        KeptAnswer::Reply { codec: Codec::Protobuf, message, metadata: None }
    }

    const TTL: Duration = Duration::from_secs(60);

    fn done(store: &MemoryStore, number: usize, bytes: usize) {
        done_for(store, number, bytes, TTL);
    }

    fn done_for(store: &MemoryStore, number: usize, bytes: usize, ttl: Duration) {
        let Claim::New(claim) = store.claim_now(&key(number), 1) else { panic!("{number} is new") };
        store.keep_now(&key(number), claim, answer(bytes), ttl);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_bounded_and_the_oldest_answers_make_room() {
        let store = store(100, 1 << 20);
        (0..1_000).for_each(|number| done(&store, number, 10));
        assert_eq!(store.len(), 100);
        assert!(matches!(store.claim_now(&key(999), 1), Claim::Kept(_)));
        assert!(matches!(store.claim_now(&key(899), 1), Claim::New(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_bounded_and_what_never_fits_is_not_kept() {
        let store = store(1_000, 10_000);
        (0..100).for_each(|number| done(&store, number, 1_000));
        assert!(store.bytes() <= 10_000 && store.len() == 8, "{}", store.describe());
        let before = store.describe();
        let Claim::New(claim) = store.claim_now(&key(100), 1) else { panic!("it is new") };
        let Claim::Running(over) = store.claim_now(&key(100), 1) else { panic!("it runs") };
        store.keep_now(&key(100), claim, answer(20_000), TTL);
        over.await;
        assert_eq!(store.describe(), before, "nobody had to go for it");
        assert!(matches!(store.claim_now(&key(99), 1), Claim::Kept(_)));
        assert!(matches!(store.claim_now(&key(100), 1), Claim::New(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_forgotten_when_their_time_is_over() {
        let store = store(10, 10_000);
        done(&store, 1, 10);
        tokio::time::advance(TTL - Duration::from_millis(1)).await;
        assert!(matches!(store.claim_now(&key(1), 1), Claim::Kept(_)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(matches!(store.claim_now(&key(2), 1), Claim::New(_)));
        assert_eq!((store.len(), store.bytes()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_forgotten_in_time_though_older_ones_are_kept_for_longer() {
        let (store, short) = (store(1_000, 10_000), Duration::from_secs(1));
        done_for(&store, 0, 10, 1_000 * TTL);
        for _ in 0..1_000 {
            done_for(&store, 1, 10, short);
            assert!(matches!(store.claim_now(&key(1), 1), Claim::Kept(_)));
            tokio::time::advance(short).await;
        }
        assert!(store.lock().oldest.len() < 50, "{}", store.lock().oldest.len());
        assert!(matches!(store.claim_now(&key(1), 2), Claim::New(_)), "whatever it was for");
        assert!(matches!(store.claim_now(&key(0), 1), Claim::Kept(_)));
        assert_eq!(store.bytes(), key(0).bytes() + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_run_make_room_for_nobody_and_a_claim_is_given_back_once() {
        let store = store(1, 10_000);
        let Claim::New(claim) = store.claim_now(&key(1), 1) else { panic!("it is new") };
        assert!(matches!(store.claim_now(&key(2), 1), Claim::Full));
        assert!(matches!(store.claim_now(&key(1), 2), Claim::OtherRequest));
        store.release(&key(1), claim);
        let Claim::New(second) = store.claim_now(&key(1), 1) else { panic!("it is free") };
        store.release(&key(1), claim);
        store.keep_now(&key(1), claim, answer(1), TTL);
        assert!(matches!(store.claim_now(&key(1), 1), Claim::Running(_)), "{second}");
    }
}
