//! What protects a server from its callers, as they see it on every wire.

mod concurrency;
mod idempotency;
mod rate_limit;
mod till;
