//! Where answers are kept for repeated calls.

use std::future::Future;
use std::hash::Hasher;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use fnv::FnvHasher;
use kitfox_core::message::Codec;
use kitfox_core::{
    Body, Code, Context, Detail, Error, Origin, Payload, Recovery, Reply, ResponseMetadata,
};

/// A future in a box.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps answers for repeated calls: in memory by default ([`MemoryStore`](crate::MemoryStore)), or
/// where all replicas of a service find them.
///
/// A store is asked to *claim* a key. Whoever is first gets the claim, and either *keeps* an answer
/// under it or *releases* it. Until then nobody else gets it; a store that others share lets a claim
/// run out, for its holder may have crashed.
///
/// ```
/// use std::sync::Arc;
/// use kitfox_resilience::{Idempotency, IdempotencySettings, IdempotencyStore, Live, MemoryStore};
///
/// let settings = Live::new(IdempotencySettings::default());
/// let store: Arc<dyn IdempotencyStore> = Arc::new(MemoryStore::new(settings.clone()));
/// let layer = Idempotency::with_store(settings, store);
/// assert!(layer.describe().starts_with("on: for 600s; 0 of 10000 keys"));
/// ```
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Claims `key` for the request with this [fingerprint](fingerprint), or says what there is.
    ///
    /// # Errors
    /// Where the store cannot be reached. The call fails with that: to do it without knowing whether
    /// it was done already would break the promise. Only where the layer is dark it is done.
    fn claim<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        fingerprint: u64,
    ) -> StoreFuture<'a, Result<Claim, Error>>;

    /// Keeps the answer to the call that has the claim of this number, for at most `ttl`. A store may
    /// drop it sooner where it has no room.
    fn keep<'a>(
        &'a self,
        key: &'a IdempotencyKey,
        claim: u64,
        answer: KeptAnswer,
        ttl: Duration,
    ) -> StoreFuture<'a, ()>;

    /// Gives the claim of this number back: its call was given up, or its answer is none to keep. It
    /// must not wait; a remote store does it in the background.
    fn release(&self, key: &IdempotencyKey, claim: u64);

    /// What is in it, in a few words, for whoever looks at the stack.
    fn describe(&self) -> String;
}

/// What a claim leads to.
pub enum Claim {
    /// The key is new: do the call. The number is that of the claim.
    New(u64),
    /// The answer to the first call.
    Kept(KeptAnswer),
    /// The first call still runs. Resolves when that may have changed; then claim again.
    Running(StoreFuture<'static, ()>),
    /// The key belongs to another request.
    OtherRequest,
    /// There is no room for one more that runs.
    Full,
}

/// Whose key, for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Who calls; everybody without a principal is one, so that their keys must not be guessed.
    pub principal: Option<Box<str>>,
    /// The path of the method.
    pub method: &'static str,
    /// The caller's key.
    pub key: Box<str>,
}

impl IdempotencyKey {
    /// The key of this call of `method`; none where its caller gave none.
    #[must_use]
    pub fn of(context: &Context, method: &'static str) -> Option<Self> {
        let key = context.idempotency_key()?.into();
        let principal = context.principal().map(|principal| principal.name().into());
        Some(IdempotencyKey { principal, method, key })
    }

    /// How much memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.key.len() + self.principal.as_deref().map_or(0, str::len) + 128
    }
}

/// What tells one request from another, the same in every process (FNV-1a over the encoded message,
/// its codec and the values in its path and query). None of a stream.
#[must_use]
pub fn fingerprint(payload: &Payload) -> Option<u64> {
    let Body::Unary(message) = payload.body() else { return None };
    let mut hash = FnvHasher::default();
    hash.write_u8(u8::from(payload.codec() == Codec::Json));
    hash.write(message);
    for (name, value) in payload.bindings().into_iter().flat_map(|bindings| &bindings.0) {
        for text in [name, value] {
            hash.write(text.as_bytes());
            // No text holds it, so that no two pairs of texts are one.
            hash.write_u8(0xff);
        }
    }
    Some(hash.finish())
}

/// An answer that is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptAnswer {
    /// The call was done.
    Reply {
        /// What the message is encoded in.
        codec: Codec,
        /// The encoded message.
        message: Bytes,
        /// Its headers, trailers and status.
        metadata: Option<Box<ResponseMetadata>>,
    },
    /// The business logic said no, for good.
    Failure {
        /// The canonical code.
        code: Code,
        /// For a person.
        message: Box<str>,
        /// Typed details: the domain error.
        details: Vec<Detail>,
        /// Its headers and trailers.
        metadata: Option<Box<ResponseMetadata>>,
    },
}

impl KeptAnswer {
    /// The answer to keep of this one. None where the next call may fare better, as that of a call which
    /// was refused, is unavailable or may be tried again; and none of a stream.
    #[must_use]
    pub fn of(answer: &Result<Reply, Error>) -> Option<Self> {
        match answer {
            Ok(reply) => {
                let Body::Unary(message) = reply.payload().body() else { return None };
                let (codec, message) = (reply.payload().codec(), message.clone());
                let metadata = reply.metadata().cloned().map(Box::new);
                Some(KeptAnswer::Reply { codec, message, metadata })
            }
            Err(error) if is_final(error) => Some(KeptAnswer::Failure {
                code: error.code(),
                message: error.message().into(),
                details: error.details().to_vec(),
                metadata: error.metadata().cloned().map(Box::new),
            }),
            Err(_) => None,
        }
    }

    /// How much memory it takes, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let (content, metadata) = match self {
            KeptAnswer::Reply { message, metadata, .. } => (message.len(), metadata),
            KeptAnswer::Failure { message, details, metadata, .. } => {
                let details: usize = details.iter().map(|detail| detail.value().len() + 64).sum();
                (message.len() + details, metadata)
            }
        };
        let metadata = metadata.as_deref().map_or(0, |metadata| {
            let entries = metadata.headers.iter().chain(metadata.trailers.iter());
            entries.map(|(name, value)| name.len() + value.len() + 64).sum()
        });
        content + metadata
    }

    /// The answer once more.
    ///
    /// # Errors
    /// The failure, where that is the answer.
    pub fn into_answer(self) -> Result<Reply, Error> {
        match self {
            KeptAnswer::Reply { codec, message, metadata } => {
                Ok(Reply::new(Payload::unary(codec, message)).with_metadata(metadata))
            }
            KeptAnswer::Failure { code, message, details, metadata } => {
                let mut error = Error::new(code, message.into_string());
                for detail in details {
                    error = error.with_detail(detail);
                }
                if let Some(metadata) = metadata {
                    *error.metadata_mut() = *metadata;
                }
                Err(error)
            }
        }
    }
}

/// Whether the same call would fail in the same way for ever.
fn is_final(error: &Error) -> bool {
    let passing = matches!(
        error.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Canceled
            | Code::ResourceExhausted
            | Code::Aborted
    );
    error.origin() == Origin::Domain && error.recovery() == Recovery::No && !passing
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Claim::New(_) => "New",
            Claim::Kept(_) => "Kept",
            Claim::Running(_) => "Running",
            Claim::OtherRequest => "OtherRequest",
            Claim::Full => "Full",
        })
    }
}

#[cfg(test)]
mod tests {
    use kitfox_core::Bindings;

    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_message_codec_and_path() {
        let of = |payload: &Payload| fingerprint(payload).unwrap();
        let json = |text: &'static str| Payload::unary(Codec::Json, text.into());
        let rest = |name: &str, value: &str| {
            Payload::rest("{}".into(), Bindings(vec![(name.into(), value.into())]))
        };
        let all = [
            of(&json("{}")),
            of(&json("{ }")),
            of(&Payload::unary(Codec::Protobuf, "{}".into())),
            of(&rest("id", "7")),
            of(&rest("id", "8")),
            of(&rest("i", "d7")),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(of(&json("{}")), all[0]);
    }

    #[test]
    fn a_failure_for_good_is_kept_whole_and_one_that_passes_is_not() {
        let detail = Detail::from_wire("shop.v1.Empty", "x".into());
        let mut error = Error::new(Code::FailedPrecondition, "sold out").with_detail(detail);
        error.metadata_mut().headers.insert("x-shop", "7").unwrap();
        let kept = KeptAnswer::of(&Err(error)).unwrap();
        assert!(kept.bytes() > 70);
        let again = kept.clone().into_answer().unwrap_err();
        assert_eq!(again.message(), "sold out");
        assert_eq!(again.metadata().unwrap().headers.text("x-shop"), Some("7"));
        assert_eq!(KeptAnswer::of(&Err(again)), Some(kept));
        for passing in [
            Error::new(Code::Unavailable, ""),
            Error::new(Code::Aborted, ""),
            Error::new(Code::FailedPrecondition, "").with_recovery(Recovery::Retry),
            Error::by_layer("deadline", Code::DeadlineExceeded, ""),
            Error::by_layer("decode", Code::InvalidArgument, ""),
        ] {
            assert_eq!(KeptAnswer::of(&Err(passing)), None);
        }
    }
}
