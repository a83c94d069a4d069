//! What stands between a caller and a service that fails, and between a server and its callers.
//!
//! One file a layer, each with its settings, its state machine and its endpoint. A layer is on, off
//! or [dark](Mode::Dark), and its settings can be replaced while calls run ([`Live`]).

mod breaker;
mod budget;
mod concurrency;
mod deadline;
mod guard;
mod hedge;
mod idempotency;
mod mode;
mod onion;
mod rate_limit;
mod retry;
mod ring;
mod shedding;
#[cfg(test)]
mod testing;
mod way;

pub use breaker::{
    BREAKER, Breaker, BreakerEndpoint, BreakerForce, BreakerScope, BreakerSettings, BreakerWindow,
};
pub use budget::{BUDGET, Budget, BudgetEndpoint, BudgetSettings};
pub use concurrency::{
    CONCURRENCY, Concurrency, ConcurrencyEndpoint, ConcurrencyKind, ConcurrencySettings,
};
pub use deadline::{
    AttemptDeadline, AttemptDeadlineEndpoint, DEADLINE, DeadlineSettings, Deadlines, TIME_LEFT,
    TotalDeadline, TotalDeadlineEndpoint,
};
pub use guard::{
    GUARD, Guard, GuardControl, GuardError, GuardHandle, GuardSetter, GuardSettings, Judgement,
    SwitchSettings,
};
pub use hedge::{HEDGE, Hedge, HedgeAfter, HedgeEndpoint, HedgeSettings};
pub use idempotency::{
    Claim, IDEMPOTENCY, Idempotency, IdempotencyEndpoint, IdempotencyKey, IdempotencyKeys,
    IdempotencyKeysEndpoint, IdempotencySettings, IdempotencyStore, KeptAnswer, MemoryStore,
    StoreFuture, fingerprint,
};
pub use kitfox_core::error::{Reason, is_failure, is_failure_of, refusal};
pub use kitfox_core::live::{Glance, Group, Live};
pub use kitfox_core::meter::Owner;
pub use mode::Mode;
pub use onion::{ClientEndpoints, ClientLayers};
pub use rate_limit::{
    RATE_LIMIT, RateLimit, RateLimitEndpoint, RateLimitHeaders, RateLimitKey, RateLimitSettings,
};
pub use retry::{RETRY, Retry, RetryEndpoint, RetrySettings};
pub use shedding::{SHEDDING, SheddingSettings};
