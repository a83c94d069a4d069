//! What counts as a failure of a service, and what a refusal of ours looks like: said once, for
//! breakers, replicas' health, throttles and retries alike.

use std::borrow::Cow;

use super::{Detail, Error, Origin, Recovery};
use crate::types::rpc::ErrorInfo;
use crate::{Code, Method};

/// Why a layer refuses a call, as its error's `google.rpc.ErrorInfo` says it on every wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Too many calls in a time.
    RateLimited,
    /// The breaker is open.
    BreakerOpen,
    /// Too many calls at once, and too many that wait.
    QueueFull,
    /// Of all calls those that matter least, under load.
    Shed,
    /// There is not time enough left to send it.
    NoTimeLeft,
    /// It failed and may be tried again, but too many others were.
    BudgetSpent,
    /// There is no replica to send it to.
    NoReplica,
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The first call with the idempotency key still runs.
    KeyInUse,
}

impl Reason {
    /// `RATE_LIMITED` and so on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::RateLimited => "RATE_LIMITED",
            Reason::BreakerOpen => "BREAKER_OPEN",
            Reason::QueueFull => "QUEUE_FULL",
            Reason::Shed => "SHED",
            Reason::NoTimeLeft => "NO_TIME_LEFT",
            Reason::BudgetSpent => "BUDGET_SPENT",
            Reason::NoReplica => "NO_REPLICA",
            Reason::KeyReused => "KEY_REUSED",
            Reason::KeyInUse => "KEY_IN_USE",
        }
    }

    /// 429 and `RESOURCE_EXHAUSTED` for what the caller has too much of, 503 and `UNAVAILABLE` for
    /// what the service has too little of, 504 and `DEADLINE_EXCEEDED` for time; 400 and 409 for
    /// idempotency keys.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Reason::RateLimited => Code::ResourceExhausted,
            Reason::NoTimeLeft => Code::DeadlineExceeded,
            Reason::KeyReused => Code::InvalidArgument,
            Reason::KeyInUse => Code::Aborted,
            _ => Code::Unavailable,
        }
    }
}

/// The domain of our reasons.
const DOMAIN: &str = "kitfox";

/// Whether the detail is the reason of a refusal.
pub(super) fn is_reason(detail: &Detail) -> bool {
    detail.decode::<ErrorInfo>().is_some_and(|info| info.domain == DOMAIN)
}

/// The refusal of the layer called `layer`.
#[cold]
pub fn refusal(
    layer: &'static str,
    reason: Reason,
    recovery: Recovery,
    message: impl Into<Cow<'static, str>>,
) -> Error {
    let info = ErrorInfo {
        reason: reason.name().to_owned(),
        domain: DOMAIN.to_owned(),
        ..ErrorInfo::default()
    };
    Error::by_layer(layer, reason.code(), message)
        .with_recovery(recovery)
        .with_detail(Detail::new(&info))
}

/// Whether `error` says that the service, or the way to it, fails: what opens a breaker and ejects a
/// replica.
///
/// An answer of the business logic never does, whatever its code, nor what is the caller's own fault,
/// nor a refusal of a layer on this side of the wire, nor a call that its caller gave up. A peer that
/// says `RESOURCE_EXHAUSTED` lives.
#[must_use]
pub fn is_failure(error: &Error) -> bool {
    let ours = match error.origin() {
        Origin::Domain | Origin::Caller => return false,
        Origin::Layer(layer) => layer != "deadline",
        _ => false,
    };
    !ours
        && matches!(
            error.code(),
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::Internal
                | Code::Unknown
                | Code::DataLoss
        )
}

/// The same for whoever knows the method: what its contract names as an error is an answer of the
/// business logic, also where it comes from a peer.
#[must_use]
pub fn is_failure_of(method: &Method, error: &Error) -> bool {
    is_failure(error) && method.errors.variant_of(error).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_and_the_way_to_it_can_fail() {
        let from = |origin, code| Error::new(code, "").with_origin(origin);
        for (error, failure) in [
            (from(Origin::Peer, Code::Unavailable), true),
            (from(Origin::Peer, Code::Internal), true),
            (from(Origin::Transport, Code::Unavailable), true),
            (from(Origin::Layer("deadline"), Code::DeadlineExceeded), true),
            (from(Origin::Peer, Code::NotFound), false),
            (from(Origin::Peer, Code::ResourceExhausted), false),
            (from(Origin::Peer, Code::Canceled), false),
            (from(Origin::Domain, Code::Unavailable), false),
            (from(Origin::Caller, Code::Internal), false),
            (refusal("breaker", Reason::BreakerOpen, Recovery::Retry, ""), false),
        ] {
            assert_eq!(is_failure(&error), failure, "{error:?}");
        }
    }

    #[test]
    fn a_refusal_says_who_and_why() {
        let error = refusal("rate limit", Reason::RateLimited, Recovery::No, "50/s, burst 10");
        assert_eq!(error.code(), Code::ResourceExhausted);
        let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>).unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("RATE_LIMITED", "kitfox"));
    }
}
